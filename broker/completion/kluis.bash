# bash completion for kluis-broker, kluis-agent and kluis-audit.
# Installed as /usr/share/bash-completion/completions/kluis-broker, kluis-agent and kluis-audit; or source it.
#
# Nothing is listed here twice: commands come from the program's own --help, options from that of the command.

# Lines "  WORDS [ARGUMENTS]   summary" of a program's help, words only: "agreement draft", "serve".
_kluis_commands() {
  "$1" --help 2>/dev/null | awk '
    /^  [a-z].*  / {
      sub(/^  /, "")
      sub(/  .*$/, "")
      count = split($0, word, " ")
      text = ""
      for (i = 1; i <= count && word[i] ~ /^[a-z-]+$/; i++) {
        # of alternatives ("store NUMBER | auditor NAME") the words are arguments
        if (i > 1 && index($0, " | ")) break
        text = text (i > 1 ? " " : "") word[i]
      }
      if (text != "" && $0 !~ /--help/) print text
    }'
}

# Those of one command; "--name=" where a value follows.
_kluis_options() {
  local program=$1
  shift
  "$program" "$@" --help 2>/dev/null | sed -nE 's/^ +(-., )?(--[a-z][a-z-]*=?).*$/\2/p' | sort -u
}

_kluis() {
  local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local words=() word i line chosen=() candidates=()
  COMPREPLY=()

  # what stands before the cursor, without options
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == -* || $word == = ]] || words+=("$word")
  done
  # the longest command that these words begin with
  while read -r line; do
    local parts=($line)
    if [[ ${words[*]:0:${#parts[@]}} == "$line" && ${#parts[@]} -gt ${#chosen[@]} ]]; then
      chosen=("${parts[@]}")
    fi
    if [[ "$line " == "${words[*]:+${words[*]} }"* ]]; then
      candidates+=("${parts[${#words[@]}]:-}")
    fi
  done < <(_kluis_commands "$program")

  if [[ $current == -* && ${#chosen[@]} -gt 0 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_kluis_options "$program" "${chosen[@]}")" -- "$current")
    [[ ${COMPREPLY[0]:-} != *= ]] || compopt -o nospace 2>/dev/null || true
  elif [[ ${#chosen[@]} -eq 0 || (${#words[@]} -eq ${#chosen[@]} && -n "${candidates[*]// /}") ]]; then
    # none yet, or one that others begin with: "alarms", "alarms seen"
    mapfile -t COMPREPLY < <(compgen -W "${candidates[*]:-}" -- "$current" | sort -u)
  elif [[ ${chosen[*]} == import && ${#words[@]} -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "customers receipts stores" -- "$current")
  elif [[ ${chosen[*]} == invite && ${#words[@]} -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "store auditor" -- "$current")
  else
    compopt -o filenames 2>/dev/null || true
    [[ $previous != = ]] || current=${current#=}
    mapfile -t COMPREPLY < <(compgen -f -- "${current#=}")
  fi
}

complete -F _kluis kluis-broker kluis-agent kluis-audit
