#!/usr/bin/env bash
# Clickstream beside pqrs in one lake and one database: its steps by name and in order, refusals, reasons, runs that follow one another.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
clicks=("$pqr" run clickstream --lake lake --no-progress)
days=(--from 2025-09-01 --to 2025-09-03 --rate 0.05)
query() { python3 -c 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone(), sep="|")' lake/control.db "$1"; }
published() { query "SELECT group_concat(event_date || ' ' || conversion_rate || ' ' || run_id) FROM gold_conversion_rate_daily"; }
newest() { "$pqr" runs list --lake lake --json | jq -r --arg w "$1" '[.[] | select(.workload == $w)][0].run_id'; }

# ---- steps, in order, each refused while what it needs is not there ----------------------------------------------------------
expect 1 'no lake at lake' "${clicks[@]}" --only bronze_to_silver
expect 0 '' "$pqr" run --lake lake --from 2025-09-01 --to 2025-09-02 --volume 10 --no-progress
cases=$(newest pqrs)
expect 1 'no runs of workload clickstream' "${clicks[@]}" --only bronze_to_silver
expect 2 'expected raw, bronze, bronze_to_silver, .* or gold_to_postgres' "${clicks[@]}" --only silver_to_gold
expect 2 'is no option of workload clickstream' "${clicks[@]}" --volume 7
expect 2 'is no option of workload pqrs' "$pqr" run --lake lake --rate 7
expect 2 'clickstream.rate: expected' "${clicks[@]}" --rate 0
expect 0 '' "${clicks[@]}" "${days[@]}" --until raw
steps=(bronze bronze_to_silver silver_to_gold_dau silver_to_gold_conversion silver_to_gold_events_source silver_to_gold_purchases_page gold_to_postgres)
for ((i = 0; i < ${#steps[@]}; i++)); do
  if ((i + 1 < ${#steps[@]})); then
    expect 1 "stage (${steps[i + 1]}|gold_to_postgres) of run .* needs stage ${steps[i]} first" "${clicks[@]}" --only "${steps[i + 1]}"
    same "$("${clicks[@]}" --only "${steps[i + 1]}" 2>&1 | wc -l)" 1 "lines of the refusal of ${steps[i + 1]}"
  fi
  expect 0 '' "${clicks[@]}" --only "${steps[i]}"
done
clicked=$(newest clickstream)
expect 0 'nothing to do' "${clicks[@]}" "${days[@]}"
same "$(query 'SELECT count(*), sum(event_count) FROM gold_events_per_source_daily')" '6|12960' 'events by source'
before=$(published)

# in one go: the same files
expect 0 '' "$pqr" run clickstream --lake other "${days[@]}" --no-progress
for sums in lake/manifests/day=*/run_id="$clicked"/checksums.json; do
  cmp -s "$sums" "other${sums#lake}" || bad "step by step gives other bytes than in one go"
done

# ---- side by side ------------------------------------------------------------------------------------------------------------
expect 0 ' 0 differences' "$pqr" verify --lake lake --run-id "$clicked"
expect 0 ' 0 differences' "$pqr" verify --lake lake --run-id "$cases"
mv lake/control.db kept.db # the lake alone tells whose run it is
expect 0 ' 0 differences' "$pqr" verify --lake lake --run-id "$clicked"
mv kept.db lake/control.db
expect 0 'nothing to do' "$pqr" run --lake lake --from 2025-09-01 --to 2025-09-02 --volume 10 --no-progress
expect 0 '' "$pqr" publish --lake lake --run-id "$cases"
same "$(published)" "$before" 'published figures after the other workload published'
expect 0 '' "$pqr" publish --lake lake --run-id "$clicked"
# another history of the workload is not published over this one's unasked; the other workload's is none of its business
expect 2 'published tables show run' "${clicks[@]}" "${days[@]}" --seed 7
expect 0 '' "${clicks[@]}" "${days[@]}" --seed 7 --replace-published
expect 0 'silver_to_gold_dau silver.user_events' "$pqr" lineage --lake lake --run-id "$clicked"
expect 0 'sums_equal_silver' "$pqr" quality --lake lake --run-id "$clicked"

# each workload's runs by themselves, and what each left that finished last: not what a run on its way has put into silver
same "$("$pqr" runs clickstream --lake lake --json | jq -r 'map(.workload) | unique[]')" clickstream 'runs of one workload'
same "$("$pqr" runs list pqrs --lake lake --json | jq -r 'map(.run_id)[]')" "$cases" 'runs of the other'
expect 0 "$cases +pqrs +DEGRADED" "$pqr" runs --lake lake
expect 0 'no runs of workload pqrs' "$pqr" runs pqrs --lake other
expect 2 'expected list, show, retry, drop, diff or a workload' "$pqr" runs nobody --lake lake
expect 2 "unknown workload 'nobody'" "$pqr" runs list nobody --lake lake
if "$pqr" sql 'SELECT 1' --lake lake >/dev/null 2>&1; then
  counts=$("$pqr" sql 'SELECT (SELECT count(*) FROM silver.tickets), (SELECT count(*) FROM silver.user_events)' --lake lake --format csv 2>/dev/null)
  expect 0 '' "$pqr" run --lake lake --from 2025-09-01 --to 2025-09-03 --volume 10 --no-progress --until silver
  expect 0 '' "${clicks[@]}" --from 2025-09-01 --to 2025-09-02 --rate 0.05 --seed 9 --until silver
  same "$("$pqr" sql 'SELECT (SELECT count(*) FROM silver.tickets), (SELECT count(*) FROM silver.user_events)' --lake lake --format csv 2>/dev/null)" "$counts" \
    'SQL without a run beside unfinished runs of both workloads'
else
  echo 'no libduckdb here: SQL of both workloads was not tried'
fi

# ---- files, reasons, runs that follow ----------------------------------------------------------------------------------------
event() { printf '{"event_id":"%08d-0000-4000-8000-000000000000","user_id":%s,"event_type":"%s","page":"/p","timestamp":"%s","source":"web"}\n' "$@"; }
{ event 1 1 click 2026-01-05T10:00:00Z; event 2 2 purchase 2026-01-05T11:00:00Z; event 1 1 click 2026-01-05T10:00:00Z; echo '{"user_id":1}'; event 3 3 login 2026-01-05T11:00:00Z; } >first.jsonl
{ event 2 9 click 2026-01-04T11:00:00Z; event 4 1 purchase 2026-01-05T12:00:00Z; event 5 5 click 2026-01-07T12:00:00Z; } | gzip >second.jsonl.gz
input=("$pqr" run clickstream --lake input --no-progress --json)
export PQR_QUALITY_REJECT_RATE_MAX=1
"${input[@]}" --input first.jsonl >out 2>log || bad "first run: $(tail -n 1 log)"
same "$(jq -c '[.rows.raw, .rows.bronze, .rows.rejected, .rows.silver.user_events, .reasons.rejects]' out)" '[5,4,1,3,{"missing:event_id":1}]' 'first run'
expect 0 'missing:event_id' "$pqr" rejects --lake input
"${input[@]}" --input second.jsonl.gz >out 2>log || bad "second run: $(tail -n 1 log)"
same "$(jq -c '[(.history | length), .rows.silver.user_events]' out)" '[1,5]' 'second run: the repeat of event 2 is dropped'
query_input() { python3 -c 'import sqlite3, sys; print(*[r for r in sqlite3.connect("input/control.db").execute(sys.argv[1])], sep=" ")' "$1"; }
same "$(query_input 'SELECT event_date, conversion_rate, total_purchases, dau_count FROM gold_conversion_rate_daily ORDER BY 1')" \
  "('2026-01-05', 0.6667, 2, 3) ('2026-01-07', 0, 0, 1)" 'figures of both runs'
expect 0 ' 0 differences' "$pqr" verify --lake input
# updated_at: of a row that changed, and of no other
stamps() { query_input "SELECT event_date, updated_at FROM gold_conversion_rate_daily WHERE event_date = '$1'"; }
of_5=$(stamps 2026-01-05) of_7=$(stamps 2026-01-07)
event 6 7 purchase 2026-01-07T13:00:00Z >third.jsonl
"${input[@]}" --input third.jsonl >out 2>log || bad "third run: $(tail -n 1 log)"
same "$(query_input "SELECT conversion_rate, dau_count FROM gold_conversion_rate_daily WHERE event_date = '2026-01-07'")" '(0.5, 2)' 'figures of the third run'
same "$(stamps 2026-01-05)" "$of_5" 'updated_at of a row that no run changed'
[[ $(stamps 2026-01-07) > $of_7 && $of_7 =~ 20[0-9-]{8}T[0-9:.]{15}Z ]] || bad "updated_at of a changed row: $of_7, $(stamps 2026-01-07)"
expect 0 'nothing to do' "$pqr" run clickstream --lake input --input third.jsonl
# landing alone, by the workload's name
expect 0 '"workload":"clickstream"' "$pqr" generate clickstream --lake parts "${days[@]}" --json
expect 2 'is no option of workload pqrs' "$pqr" generate --lake parts --rate 7
expect 2 "unknown workload 'nobody'" "$pqr" generate nobody --lake parts
expect 0 '"workload":"clickstream"' "$pqr" ingest clickstream first.jsonl second.jsonl.gz --lake parts --json
expect 2 'pqr ingest clickstream: expected PATH' "$pqr" ingest clickstream --lake parts
same "$(find parts/raw -name events.jsonl -path '*raw/clickstream/*' | wc -l)" 7 'objects landed by name'
same "$("$pqr" runs clickstream --lake parts --json | jq -c '[.[].raw_rows] | sort')" '[8,12960]' 'rows landed by name'

# ---- runs that ended before their figures were made: the next one makes them -------------------------------------------------
for day in 1 2 3 4; do event 1$day $day purchase 2026-02-0${day}T10:00:00Z >day$day.jsonl; done
left() { "$pqr" run clickstream --lake "$1" --no-progress --input "day$2.jsonl" "${@:3}"; }
figures() { python3 -c 'import sqlite3; print(*[r for t in ("daily_active_users", "conversion_rate_daily", "events_per_source_daily", "purchases_per_page_daily") for r in sqlite3.connect("'"$1"'/control.db").execute(f"SELECT * FROM gold_{t} ORDER BY 1, 2")])' | sed -E "s/, '[0-9a-f-]{36}', '20[^']*'\\)/)/g"; }
expect 0 '' left left 1 --until bronze_to_silver
expect 0 '' left left 2 --until silver_to_gold_conversion
expect 0 '' left left 3 --until silver_to_gold_purchases_page
expect 0 SUCCESS left left 4
for day in 1 2 3 4; do expect 0 SUCCESS left whole $day; done
same "$(figures left)" "$(figures whole)" 'figures after runs that ended early'
same "$(figures left | grep -o 2026-02-0. | sort -u | wc -l)" 4 'days with figures'
for run in $("$pqr" runs --lake left --json | jq -r '.[].run_id'); do expect 0 ' 0 differences' "$pqr" verify --lake left --run-id "$run"; done
expect 0 'nothing to do' left left 4
rm left/control.db # then each stage is checked again
expect 0 SUCCESS left left 4
same "$(figures left)" "$(figures whole)" 'figures after stages were checked again'

echo '{"user_id":1}' >bad.jsonl
expect 3 'every line was rejected|line 1: missing event_id' "${input[@]}" --input bad.jsonl

done_testing
