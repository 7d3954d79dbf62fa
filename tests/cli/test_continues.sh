#!/usr/bin/env bash
# Which of several runs a simulated run continues, and which it must not.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
export PQR_PUBLISH_CORE=true

# run LAKE ARGUMENTS...: prints its id; the log is in run.log
run() {
  timeout 120 "$pqr" run --lake "$1" --volume 40 --json --no-progress --from 2025-09-01 "${@:2}" 2>run.log | field .run_id
}
history_of() { jq -r '.history.runs[]?' "$1"/manifests/*/run_id="$2"/stages/silver.json; }
gold() { sqlite3 "$1/control.db" "SELECT day, pqrs_type, channel, tickets_count FROM gold_kpi_volume_national_daily ORDER BY 1, 2, 3"; }
warned() { grep -q 'no run in the lake ends where this one begins' run.log; }

# A run that had nothing to continue lacks its first days, and so does what continues it: a run that has them goes first.
run lake --to 2025-10-10 --emit-from 2025-10-01 >/dev/null
warned || bad "no warning of a run without its first days"
run lake --to 2025-10-20 --emit-from 2025-10-11 --replace-published >/dev/null
warned || bad "a run without its first days was continued"
whole=$(run lake --to 2025-10-20 --replace-published)
last=$(run lake --to 2025-10-31 --emit-from 2025-10-21)
same "$(history_of lake "$last" | xargs)" "$whole" "the run that is continued"
run one --to 2025-10-31 >/dev/null
gold lake >lake.gold
gold one >one.gold
cmp -s lake.gold one.gold || bad "not the tickets of one run: $(diff lake.gold one.gold | head -n 2 | xargs)"

# In a range under four weeks the spike lies elsewhere than in a longer one: its events are not the longer one's.
export PQR_SIMULATION_SPIKE_ENABLED=true PQR_SIMULATION_SPIKE_VOLUME_MIN=100 PQR_SIMULATION_SPIKE_VOLUME_MAX=120
run spike --to 2025-09-10 >/dev/null
last=$(run spike --to 2025-09-20 --emit-from 2025-09-11 --replace-published)
same "$(history_of spike "$last" | xargs)" "" "the run that another spike's is continued by"
warned || bad "no warning of another spike"
first=$(run weeks --to 2025-09-28)
last=$(run weeks --to 2025-10-05 --emit-from 2025-09-29)
same "$(history_of weeks "$last" | xargs)" "$first" "the run of four weeks"
run one_weeks --to 2025-10-05 >/dev/null
gold weeks >weeks.gold
gold one_weeks >one.gold
cmp -s weeks.gold one.gold || bad "not the tickets of one run with a spike: $(diff weeks.gold one.gold | head -n 2 | xargs)"

# What was made from what is the same when the lake alone tells it: the run that rows were carried over from, too.
edges() { "$pqr" lineage --lake weeks --run-id "$last" --json | jq -c 'sort_by(.input, .output)[] | [.stage, .input, .input_version, .output]' | grep -v serving; }
edges >before.edges
grep -q "\"silver.tickets\",\"$first\",\"silver.tickets\"" before.edges || bad "no carried tickets in the lineage: $(head -n 2 before.edges | xargs)"
"$pqr" quality --lake weeks --run-id "$last" --json | jq -c '.[] | [.layer, .dataset, .check_name, .result, .value]' >before.quality
rm weeks/control.db*
run weeks --to 2025-10-05 --emit-from 2025-09-29 >/dev/null
grep -q 'rows_stand_once' before.quality || bad "rows that stand once are not checked"
"$pqr" quality --lake weeks --run-id "$last" --json | jq -c '.[] | [.layer, .dataset, .check_name, .result, .value]' | diff before.quality - >quality.diff ||
  bad "other checks by the lake alone: $(head -n 3 quality.diff | xargs)"
edges >after.edges
cmp -s before.edges after.edges || bad "another lineage by the lake alone: $(diff before.edges after.edges | head -n 3 | xargs)"

# An event of a wrong year moves nothing. A run that is told to describe the future does, and so do those after it.
find one/raw -name events.jsonl | LC_ALL=C sort | head -n 1 | xargs head -n 2 >events.jsonl
head -n 1 events.jsonl | sed 's/"ts":"2025-/"ts":"2099-/' >wrong.jsonl
tail -n 1 events.jsonl >right.jsonl
ingest() { "$pqr" run --input "$@" --until raw --lake wrong --no-progress 2>&1; }
ingest right.jsonl | grep -q 'instant to come' && bad "a warning of nothing"
"$pqr" run --input wrong.jsonl --until silver --lake wrong --json >report.json 2>/dev/null || bad "an event of a wrong year"
[ "$(jq -r .as_of report.json)" \< "$(date -u -d '+2 days' +%F)" ] || bad "an event of 2099 moved as_of to $(jq -r .as_of report.json)"
ingest right.jsonl --run-id 22222222-1111-4111-8111-111111111111 | grep -q 'instant to come' && bad "an event of a wrong year is inherited"
expect 0 '' "$pqr" run --input wrong.jsonl --as-of 2099-12-30 --until silver --lake wrong --no-progress
head -n 1 events.jsonl >another.jsonl
expect 0 'warning: an earlier run describes an instant to come, .* as_of=2099-' ingest another.jsonl
expect 2 "describes 2099-.*: as_of can't be earlier" ingest another.jsonl --as-of 2025-12-31 --run-id 11111111-1111-4111-8111-111111111111
done_testing
