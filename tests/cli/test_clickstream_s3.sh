#!/usr/bin/env bash
# Clickstream on S3: the same root, rows and figures as on a disk, for a run alone, one that goes on, and what a stream appended.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$root/tests/cli/stack.sh"
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE AWS_MAX_ATTEMPTS AWS_ENDPOINT_URL_S3
stack_up s3 fault
# shellcheck disable=SC2034 # by name, below
week=(clickstream --from 2025-09-28 --to 2025-10-02 --rate 0.5 --json --no-progress)
# shellcheck disable=SC2034
next=(clickstream --from 2025-09-28 --to 2025-10-04 --emit-from 2025-10-03 --rate 0.5 --json --no-progress)
on_s3=(--lake "s3://$PQR_STACK_BUCKET/clicks" --control sqlite:s3.db)
figures() { python3 -c 'import sqlite3, sys; print(*[r for t in ("conversion_rate_daily", "events_per_source_daily", "purchases_per_page_daily") for r in sqlite3.connect(sys.argv[1]).execute(f"SELECT * FROM gold_{t} ORDER BY 1, 2, 3")])' "$1" | sed -E 's/20[0-9-]{8}T[0-9:.]{15}Z//g'; }
for run in week next; do
  declare -n arguments=$run
  "$pqr" run "${arguments[@]}" --lake disk >disk.json 2>disk.log || bad "$run on a disk: $(tail -n 1 disk.log)"
  "$pqr" run "${arguments[@]}" "${on_s3[@]}" >s3.json 2>s3.log || bad "$run on S3: $(tail -n 1 s3.log)"
  same "$(jq -c '[.root, .rows, .run_id, .history]' s3.json)" "$(jq -c '[.root, .rows, .run_id, .history]' disk.json)" "$run: root, rows, id, history"
  same "$(figures s3.db)" "$(figures disk/control.db)" "$run: figures"
done
[ -n "$(figures s3.db)" ] || bad 'no figures'
expect 0 ' 0 differences' "$pqr" verify "${on_s3[@]}"

# what a stream appended
event() { printf '{"event_id":"%08d-0000-4000-8000-000000000000","user_id":%s,"event_type":"%s","page":"/p","timestamp":"%s","source":"web"}\n' "$@"; }
{ event 1 1 click 2026-01-05T10:00:00Z; event 2 2 purchase 2026-01-05T11:00:00Z; event 1 1 click 2026-01-06T10:00:00Z; } >events.jsonl
streamed=(--lake "s3://$PQR_STACK_BUCKET/streamed" --control sqlite:streamed.db)
"$pqr" stream land --source - --source-id a "${streamed[@]}" <events.jsonl >land.log 2>&1 || bad "land: $(tail -n 1 land.log)"
expect 0 '' "$pqr" run clickstream --from-stream "${streamed[@]}" --no-progress
expect 0 '' "$pqr" run clickstream --input events.jsonl --lake files --no-progress
cut_ids() { sed -E "s/'[0-9a-f-]{36}'//g" <<<"$1"; }
same "$(cut_ids "$(figures streamed.db)")" "$(cut_ids "$(figures files/control.db)")" 'figures of a stream on S3'
expect 0 ' 0 differences' "$pqr" verify "${streamed[@]}"
# a store that fails while a stream is landed: whatever it answers, or does without an answer, each line is there once
"$pqr" stream produce --sink - --rate max --limit 4000 --start 2026-01-05T10:00:00Z >many.jsonl
jq -r .event_id many.jsonl | sort >want
direct=$AWS_ENDPOINT_URL
land_until_done() { # LAKE; lines cannot be read again by themselves, so the same ones are piped once more
  local n i
  for ((n = 800; n <= 4000; n += 800)); do
    for ((i = 0; ; i++)); do
      [ "$i" -lt 30 ] || return 1
      head -n "$n" many.jsonl | AWS_ENDPOINT_URL=$PQR_STACK_FAULT_URL "$pqr" stream land --source - --source-id many --lake "$1" --control sqlite:many.db --quiet 2>land.log && break
    done
  done
}
i=0
while IFS= read -r rule; do
  i=$((i + 1)) lake=s3://$PQR_STACK_BUCKET/many$i
  curl -s --noproxy '*' -X PUT --data-binary "$rule" "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
  land_until_done "$lake" || bad "$rule: not landed: $(tail -n 1 land.log)"
  hits=$(curl -s --noproxy '*' "$PQR_STACK_FAULT_CONTROL/hits" | jq 'map(numbers // .hits) | add')
  [ "${hits:-0}" -gt 0 ] || bad "$rule: never hit"
  curl -s --noproxy '*' -X DELETE "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
  AWS_ENDPOINT_URL=$direct "$pqr" table cat bronze.user_events --lake "$lake" --json 2>/dev/null | jq -r '.[].event_id' | sort >have
  cmp -s want have || bad "$rule: $(wc -l <have) rows of 4000; $(diff want have | head -n 3)"
done <<'RULES'
answer status=503 code=SlowDown p=0.1
lost method=PUT key=*/_delta_log/* p=0.5
lost method=PUT p=0.2
reset-request method=PUT p=0.1
reset-answer p=0.1
truncate method=GET p=0.2
answer status=500 method=PUT key=*/_delta_log/* nth=2-4
RULES
done_testing
