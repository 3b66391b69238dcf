#!/usr/bin/env bash
# Somebody who has only FORMAT.md and kluis.proto writes a store in Python, without any code of kluis: it joins, signs
# its agreement, looks a member up, checks the log's entry and its proof, and copies the store's customers.
# Then it holds the broker's refusals against the rules, one by one.
# usage: 70-other-language.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export KLUIS_DATA=$work/hq

# FORMAT.md repeats the codes (R9), since who has it alone has no header of ours
diff <(grep -oE '[0-9]+ ERR_[A-Z_]+' proto/FORMAT.md | sort -n) \
  <(sed -nE 's/.*X\((ERR_[A-Z_]+), ([0-9]+),.*/\2 \1/p' include/kluis/error.h | sort -n) >&2 ||
  fail "the codes of FORMAT.md and error.h differ"

# Nobody of these lives.
cat >"$work/stores.csv" <<'END'
store_id,store_name,store_country,store_street_address,store_city,store_state,store_manager,store_phone
6,Store 6,USA,6 Example Street,Exampleton,CA,Manager Six,555-0106
7,Store 7,USA,7 Example Street,Exampleton,CA,Manager Seven,555-0107
END
cat >"$work/customers.csv" <<'END'
customer_id,account_num,lname,fname,mi,fullname,address1,address2,city,state_province,postal_code,country,phone1,phone2,birthdate,marital_status,yearly_income,gender,total_children,num_children_at_home,education,date_accnt_opened,member_card,occupation,houseowner,num_cars_owned
1,90000000001,Invented,Ada,,Ada Invented,1 Nowhere Lane,,Exampleton,CA,00001,USA,555-010-0001,,1980-01-01,M,$30K - $50K,F,1,1,High School Degree,2024-03-01,Bronze,Manual,Y,1
2,90000000002,Fictíva,Bö,Q,Bö Q Fictíva,2 Nowhere Lane,Flat 2,Exampleton,CA,00002,USA,555-010-0002,555-010-1002,1981-02-02,S,$30K - $50K,M,0,0,Bachelors Degree,2024-03-02,Golden,Professional,N,2
3,90000000003,Madeup,Cy,,Cy Madeup,3 Nowhere Lane,,Sampleville,CA,00003,USA,,,1982-03-03,S,$50K - $70K,M,2,1,Partial College,2024-03-03,Normal,Clerical,N,0
4,90000000004,Pretend,Di,,Di Pretend,4 Nowhere Lane,,Sampleville,CA,00004,USA,555-010-0004,,1983-04-04,M,$10K - $30K,F,3,3,Graduate Degree,2024-03-04,Silver,Management,Y,3
5,90000000005,Imagined,Ed,,Ed Imagined,5 Nowhere Lane,,Sampleville,CA,00005,USA,555-010-0005,,1984-05-05,S,$10K - $30K,M,0,0,High School Degree,2024-03-05,Bronze,Manual,N,1
END
cat >"$work/receipts.csv" <<'END'
store_id,customer_id,the_date,product_id,unit_sales,store_sales,store_cost
6,1,2025-01-02,11,2.0000,3.9800,1.5000
6,1,2025-01-02,12,1.0000,1.2500,0.5000
6,2,2025-01-03,11,1.0000,1.9900,0.7500
7,2,2025-02-03,11,1.0000,1.9900,0.7500
6,3,2025-01-04,13,3.0000,4.5000,2.0000
7,4,2025-01-05,11,1.0000,1.9900,0.7500
END

kluis-broker init --charter "$examples/charter.ini" --listen "tls+tcp://127.0.0.1:$(free_port)" >/dev/null
start_broker
import stores "$work/stores.csv" >/dev/null
for what in customers receipts; do
  import $what "$work/$what.csv" >/dev/null
  [ "$(cat "$work/rejects")" = line,reason ] || fail "$what: $(cat "$work/rejects")"
done
sed 's/^operations = lookup, sync, receipt$/&, register, update, consent/; s/^per-day  *= 2000/per-day = 2/' \
  "$examples/agreement.template.ini" >"$work/wide.ini"
kluis-broker agreement draft --store 6 --template "$examples/agreement.template.ini" --values "$work/stores.csv" >/dev/null
kluis-broker agreement draft --store 7 --template "$work/wide.ini" --values "$work/stores.csv" >/dev/null
kluis-broker agreement sign --all >/dev/null
for store in 6 7; do
  kluis-broker invite store $store --out "$work/$store.invitation" >/dev/null
done

# Debian's interpreter by its path: the packages python3-nacl and python3-protobuf are of no other one
protoc -I proto --python_out="$work" proto/kluis.proto
export PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 tests/scenario/other_language.py "$work" || fail "the other language does not understand kluis"
/usr/bin/python3 tests/scenario/format_rules.py "$work" || fail "FORMAT.md and the broker differ"
