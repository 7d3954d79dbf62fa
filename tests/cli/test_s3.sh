#!/usr/bin/env bash
# A lake on S3: the same run gives the same root as on a disk; every command works there; a server that ignores If-None-Match
# is refused; faults on the way change nothing; what is wrong is said in one line, without secrets.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$root/tests/cli/stack.sh"
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE AWS_MAX_ATTEMPTS AWS_ENDPOINT_URL_S3
stack_up s3 fault
unit=${PQR_BUILD:-$root/build}/tests/unit/unit_io_test_store_s3
lake=s3://$PQR_STACK_BUCKET

"$pqr" run "${small[@]}" --lake disk --json --no-progress >disk.json 2>disk.log || bad "the run on a disk: $(tail -n 1 disk.log)"
want=$(field .root <disk.json)
# run_s3 PREFIX [RANGE...]: exit status and root
run_s3() {
  rm -f control.db*
  local range=("${@:2}")
  [ "$#" -gt 1 ] || range=("${small[@]}")
  timeout 300 "$pqr" run "${range[@]}" --lake "$lake/$1" --json --no-progress >s3.json 2>s3.log
  echo "$? $(field .root <s3.json)"
}

# servers that honour If-None-Match: the store's own tests, and the run
for server in s3 s3:minio; do
  if [ "$server" != s3 ]; then
    "$stack" up "$server" >up.log 2>&1 || { echo "not tested: $server: $(tail -n 1 up.log)"; continue; }
    stack_use "$server"
  fi
  "$unit" >unit.log 2>&1 || bad "$server: $(grep -E 'ERROR|FAILED' unit.log | head -n 5)"
  same "$(run_s3 small)" "0 $want" "$server: status and root ($(tail -n 1 s3.log))"
  same "$(jq -c .rows s3.json)" "$(jq -c .rows disk.json)" "$server: rows"
  [ -e control.db ] || bad "$server: no ./control.db"
  expect 0 ' 0 differences; manifest root '"$want" "$pqr" verify --lake "$lake/small"
  expect 0 "^ok +lake +$lake/small" "$pqr" doctor --lake "$lake/small"
  for query in 'SELECT count(*), sum(tickets) FROM gold.daily_kpis' 'SHOW ALL TABLES' \
    'SELECT day, count(*) FROM bronze.pqrs_events GROUP BY day ORDER BY day'; do
    same "$("$pqr" sql --lake "$lake/small" --format csv "$query" 2>&1)" "$("$pqr" sql --lake disk --format csv "$query" 2>&1)" "$server: $query"
  done
  same "$("$pqr" table files silver.tickets --lake "$lake/small" | awk "{ print \$NF }" | sort | sha256sum)" "$("$pqr" table files silver.tickets --lake disk | awk "{ print \$NF }" | sort | sha256sum)" "$server: files"
  expect 0 'nothing|version' "$pqr" table optimize silver.tickets --lake "$lake/small"
  expect 0 'deleted' "$pqr" table vacuum silver.tickets --lake "$lake/small"
  expect 0 'nothing to do|root' "$pqr" run "${small[@]}" --lake "$lake/small" --no-progress
done
stack_use s3

# killed, then resumed: nothing is lost or doubled
rm -f control.db*
"$pqr" run "${small[@]}" --lake "$lake/killed" --no-progress >/dev/null 2>&1 &
victim=$!
for _ in $(seq 200); do
  "$pqr" table list --lake "$lake/killed" 2>/dev/null | grep -q bronze && break
done
kill -9 "$victim" 2>/dev/null
wait "$victim" 2>/dev/null
resumed() { "$pqr" run "${small[@]}" --lake "$lake/killed" --json --no-progress >s3.json 2>s3.log; }
within 180 resumed # the dead run's lease has to run out
same "$(field .root <s3.json)" "$want" "root after a kill ($(tail -n 1 s3.log))"

# a killed query leaves no copy of the lake's files: they have no names
mkdir tmp
mkfifo statements
TMPDIR=$work/tmp "$pqr" sql --lake "$lake/small" --format csv <statements >sql.out 2>sql.err &
victim=$!
exec 7>statements
echo 'SELECT count(*) AS n FROM bronze.pqrs_events;' >&7
until grep -q '^[0-9]' sql.out; do kill -0 "$victim" || break; done
copies=$(find "/proc/$victim/fd" -lname "$work/tmp/*" | wc -l)
kill -9 "$victim"
wait "$victim" 2>/dev/null
exec 7>&-
same "$(sed -n 2p sql.out)" "$(jq .rows.bronze disk.json)" "rows of a query that is killed next ($(tail -n 1 sql.err))"
[ "$copies" -gt 0 ] || bad "the query held $copies copies open"
same "$(find tmp -type f | wc -l)" 0 "files of a killed query in TMPDIR"
TMPDIR=$work/tmp expect 0 . "$pqr" sql --lake "$lake/small" 'SELECT count(*) FROM gold.daily_kpis'
same "$(find tmp -mindepth 1 | wc -l)" 0 "what is left in TMPDIR after the next query"
few_files() { (ulimit -n 200 && exec "$@"); }
expect 1 'bronze.pqrs_events: .*may open 200: raise its limit \(ulimit -Hn\)' few_files "$pqr" sql --lake "$lake/small" 'SELECT count(*) FROM bronze.pqrs_events'

# faults on the way, over two weeks of two months
weeks=(--from 2026-01-25 --to 2026-02-07 --volume 100)
"$pqr" run "${weeks[@]}" --lake weeks --json --no-progress >weeks.json 2>weeks.log || bad "two weeks on a disk: $(tail -n 1 weeks.log)"
want=$(field .root <weeks.json)
direct=$AWS_ENDPOINT_URL
export AWS_ENDPOINT_URL=$PQR_STACK_FAULT_URL
i=0
while IFS= read -r rule; do
  i=$((i + 1))
  curl -s --noproxy '*' -X PUT --data-binary "$rule" "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
  same "$(run_s3 "fault$i" "${weeks[@]}")" "0 $want" "$rule: status and root ($(tail -n 1 s3.log))"
  hits=$(curl -s --noproxy '*' "$PQR_STACK_FAULT_CONTROL/hits" | jq 'map(numbers // .hits) | add')
  [ "${hits:-0}" -gt 0 ] || bad "$rule: never hit"
  curl -s --noproxy '*' -X DELETE "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
  expect 0 ' 0 differences' "$pqr" verify --lake "$lake/fault$i"
done <<'RULES'
answer status=503 code=SlowDown p=0.03
reset-request method=PUT p=0.05
reset-answer p=0.03
truncate method=GET p=0.05
lost method=PUT p=0.1
lost method=PUT key=*/_delta_log/*
error200 p=0.03
close p=0.3
RULES
# an upload in parts whose completion was dropped is sent again; one whose answer was lost is found done
printf '%s\n' 'answer status=404 code=NoSuchUpload method=POST query=uploadId=* key=*/put/dropped count=1' \
  'answer status=404 code=NoSuchUpload method=POST query=uploadId=* key=*/stream/dropped count=1' \
  'lost method=POST query=uploadId=* key=*/lost count=2' | curl -s --noproxy '*' -X PUT --data-binary @- "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
"$unit" completions >unit.log 2>&1 || bad "completions: $(grep -E 'ERROR|FAILED' unit.log | head -n 5)"
same "$(curl -s --noproxy '*' "$PQR_STACK_FAULT_CONTROL/hits" | jq -c 'map(numbers // .hits)')" '[1,1,2]' "completions: faults"
curl -s --noproxy '*' -X DELETE "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
# a server that never answers right: one line, exit 5, and the same command resumes
curl -s --noproxy '*' -X PUT --data-binary 'answer status=503 code=SlowDown key=*/silver/*' "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
same "$(AWS_MAX_ATTEMPTS=2 run_s3 resumed "${weeks[@]}" | cut -d' ' -f1)" 5 "503 for ever"
same "$(grep -c '^pqr: error' s3.log)" 1 "lines of the error"
grep -q 'try later' s3.log || bad "503 for ever: $(tail -n 1 s3.log)"
curl -s --noproxy '*' -X DELETE "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
"$pqr" run "${weeks[@]}" --lake "$lake/resumed" --json --no-progress >s3.json 2>s3.log
same "$(field .root <s3.json)" "$want" "root after 503 for ever ($(tail -n 1 s3.log))"
export AWS_ENDPOINT_URL=$direct

# what is wrong, in one line
list=("$pqr" table list --lake "$lake/small")
AWS_SECRET_ACCESS_KEY=wrong-secret expect 1 'check AWS_SECRET_ACCESS_KEY' "${list[@]}"
AWS_ACCESS_KEY_ID=wrong expect 1 'check AWS_ACCESS_KEY_ID' "${list[@]}"
AWS_ACCESS_KEY_ID='' AWS_SECRET_ACCESS_KEY='' HOME=$work expect 2 'no credentials' "${list[@]}"
AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_MAX_ATTEMPTS=2 expect 5 'out of reach.*AWS_ENDPOINT_URL' "${list[@]}"
AWS_ENDPOINT_URL=${direct/http:/https:} expect 1 'TLS' "${list[@]}"
expect 1 'no such bucket' "$pqr" table list --lake s3://no-such-bucket-here/x
expect 2 's3://bucket/prefix' "$pqr" table list --lake s3://Bad_Name/x
{ AWS_SECRET_ACCESS_KEY=wrong-secret "${list[@]}" --log-level debug; cat ./*.log; } 2>&1 | grep -qF -e wrong-secret -e "$AWS_SECRET_ACCESS_KEY" && bad "a secret is shown"

# a server that ignores If-None-Match
if "$stack" up s3:s3rver >up.log 2>&1; then
  stack_use s3:s3rver
  "$unit" >unit.log 2>&1 || bad "s3rver: $(grep -E 'ERROR|FAILED' unit.log | head -n 5)"
  rm -f control.db*
  expect 1 'ignores If-None-Match.*--unsafe-single-writer' "$pqr" run "${small[@]}" --lake "$lake/unsafe" --no-progress
  expect 1 'BAD +lake .*ignores If-None-Match' "$pqr" doctor --lake "$lake/unsafe"
  rm -f control.db*
  "$pqr" run "${weeks[@]}" --lake "$lake/unsafe" --json --no-progress --unsafe-single-writer >s3.json 2>s3.log
  same "$(field .root <s3.json)" "$want" "root of a single writer ($(tail -n 1 s3.log))"
else
  echo "not tested: s3:s3rver: $(tail -n 1 up.log)"
fi
done_testing
