#!/usr/bin/env bash
# RustFS, the S3 server of the stack: the store's own tests, one winner of 16 creators, a bucket made by `pqr lake create` and one by
# compose's own command, the job with its root, faults on the way, and a kill.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$root/tests/cli/stack.sh"
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE AWS_MAX_ATTEMPTS AWS_ENDPOINT_URL_S3
export AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_CONFIG_FILE=/dev/null
stack_up s3:rustfs fault
# Eight days of two months: a program compiled without optimization may stand for the server, which takes a tenth of a second an object.
few=(--from 2026-01-27 --to 2026-02-03 --volume 40)
PQR_TEST_SLOW_SERVER=1 "${PQR_BUILD:-$root/build}/tests/unit/unit_io_test_store_s3" >unit.log 2>&1 || bad "the store: $(grep -E 'ERROR|FAILED' unit.log | head -n 5)"
python=$(echo "${PQR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pqr}"/stack/moto-*/bin/python3) # it has boto3
if [ -x "$python" ]; then expect 0 'complete: 6 of 6 rounds with one winner' "$python" "$root/tests/stack/race.py" 6; else echo "note: no boto3 here; the race was not run"; fi

# a lake is made, bucket and all; said again it changes nothing; nothing else makes a bucket
expect 1 'no such bucket' "$pqr" run "${few[@]}" --lake s3://made/lake --no-progress
rm -f control.db*
expect 0 's3://made/lake: made' "$pqr" lake create --lake s3://made/lake
[ -s control.db ] || bad "no control plane beside the made lake"
expect 0 's3://made/lake: was there' "$pqr" lake create --lake s3://made/lake
expect 0 '^ok +lake +s3://made/lake' "$pqr" doctor --lake s3://made/lake
same "$("$pqr" lake create --lake s3://made/lake --json | jq -c .)" '{"lake":"s3://made/lake","made":false,"control":"sqlite:./control.db"}' "lake create --json"
AWS_SECRET_ACCESS_KEY=wrong expect 1 'check AWS_SECRET_ACCESS_KEY' "$pqr" lake create --lake s3://other/lake

# compose's service that makes the bucket: its very command
if command="$(/usr/bin/python3 -c 'import sys, yaml; print(yaml.safe_load(open(sys.argv[1]))["services"]["bucket"]["command"][0].replace("$$", "$"))' "$root/deploy/compose.yaml" 2>/dev/null)"; then
  nothing=$(sed -nE 's/^ *NOTHING: ([0-9a-f]{64})$/\1/p' "$root/deploy/compose.yaml")
  bucket() { env no_proxy='*' KEY="$AWS_ACCESS_KEY_ID" SECRET="$1" BUCKET="$AWS_ENDPOINT_URL/composed" NOTHING="$nothing" /bin/sh -ec "$command"; }
  expect 22 '' bucket wrong
  expect 0 '' bucket "$AWS_SECRET_ACCESS_KEY"
  expect 0 '' bucket "$AWS_SECRET_ACCESS_KEY"
  expect 0 's3://composed/lake: was there' "$pqr" lake create --lake s3://composed/lake
else
  echo "note: no PyYAML here; compose's bucket was not made"
fi

"$pqr" run "${few[@]}" --lake disk --json --no-progress >disk.json 2>disk.log || bad "the run on a disk: $(tail -n 1 disk.log)"
want=$(field .root <disk.json)
run() { rm -f control.db*; timeout 600 "$pqr" run "${few[@]}" --lake "s3://made/$1" --json --no-progress >run.json 2>run.log; echo "$? $(field .root <run.json)"; }
same "$(run lake)" "0 $want" "status and root ($(tail -n 1 run.log))"
expect 0 ' 0 differences' "$pqr" verify --lake s3://made/lake
direct=$AWS_ENDPOINT_URL
i=0
while IFS= read -r rule; do
  i=$((i + 1))
  curl -s --noproxy '*' -X PUT --data-binary "$rule" "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
  same "$(AWS_ENDPOINT_URL=$PQR_STACK_FAULT_URL run "fault$i")" "0 $want" "$rule: status and root ($(tail -n 1 run.log))"
  [ "$(curl -s --noproxy '*' "$PQR_STACK_FAULT_CONTROL/hits" | jq 'map(numbers // .hits) | add // 0')" -gt 0 ] || bad "$rule: never hit"
  curl -s --noproxy '*' -X DELETE "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
done <<'RULES'
answer status=503 code=SlowDown p=0.03
lost method=PUT p=0.1
RULES
export AWS_ENDPOINT_URL=$direct
# its server killed: the run goes through once it is back
expect 0 '' "$stack" kill s3:rustfs
expect 0 'answers' "$stack" up s3:rustfs
same "$(run lake | cut -d' ' -f1)" 0 "after the server was killed ($(tail -n 1 run.log))"
done_testing
