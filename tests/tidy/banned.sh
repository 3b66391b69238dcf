#!/usr/bin/env bash
# Calls and words that the project does without, each with what to write instead.
# usage: banned.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
cd "$1"
find proto broker agent include -name '*.[ch]' -print0 | sort -z | xargs -0 -r perl -e '
use strict;
use warnings;

my @calls = (
	[qr/\b(strcpy|strcat|stpcpy|strncpy|strncat)\s*\(/, "bytes_append, arena_text or memcpy with a checked length"],
	[qr/\b(sprintf|vsprintf)\s*\(/, "snprintf or bytes_printf"],
	[qr/\bgets\s*\(/, "file_read"],
	[qr/\b(atoi|atol|atoll|atof|strtod|sscanf)\s*\(/, "ini_u64 or a parser that refuses the rest"],
	[qr/\b(strtok|strtok_r)\s*\(/, "ini_list or a reader"],
	[qr/\b(alloca)\s*\(/, "an arena"],
	[qr/\b(rand|srand|random|srandom|drand48)\s*\(/, "random_bytes, or a seed that is handed in"],
	[qr/\b(system|popen|tmpnam|tempnam|mktemp)\s*\(/, "nothing: kluis starts no shell and guesses no names"],
	[qr/\bsetjmp\s*\(|\blongjmp\s*\(/, "return codes"],
	[qr/\bgoto\b/, "a function of its own, or CLEANUP"],
	[qr/\bmemcmp\s*\([^;]*(secret|passw|pin\b|code_hash|\bmac\b)/i, "sodium_memcmp: secrets compare in constant time"],
	[qr/\btypedef\s+struct\b/, "struct by its tag"],
	[qr/\bCLEANUP\(\w+\)[^=(){}]*;/, "= {0} or = NULL: an early return would clean up garbage"],
	[qr/\b(float|double)\b/, "whole numbers: money is never a float"],
);

my $failed = 0;
for my $path (@ARGV) {
	open(my $handle, "<", $path) or die "$path: $!";
	my $text = do { local $/; <$handle> };
	close $handle;
	# comments and literals become blanks, lines stay
	$text =~ s{(/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\x27(?:\\.|[^\x27\\\n])*\x27)}
	          {(my $blank = $1) =~ s/[^\n]/ /g; $blank}gse;
	my $number = 0;
	for my $line (split /\n/, $text) {
		$number++;
		for my $row (@calls) {
			next unless $line =~ $row->[0];
			print "$path:$number: ", $& =~ s/\s*\($//r, ": use ", $row->[1], "\n";
			$failed = 1;
		}
	}
}
exit $failed;
'

# With pipefail who is written to must read to the end: else the writer's SIGPIPE decides, now and then.
if grep -nE '[^|]\|[ ]*(grep +-[a-zA-Z]*q|head)\b' bootstrap tests/scenario/*.sh; then
  echo 'a pipe into what may stop reading: use grep ... >/dev/null, or sed -n 1p'
  exit 1
fi
