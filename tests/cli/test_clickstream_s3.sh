#!/usr/bin/env bash
# Clickstream on S3: the same root, rows and figures as on a disk, for a run alone, one that goes on, and what a stream appended.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$root/tests/cli/stack.sh"
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE AWS_MAX_ATTEMPTS AWS_ENDPOINT_URL_S3
stack_up s3
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
done_testing
