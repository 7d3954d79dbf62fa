#!/usr/bin/env bash
# Case events as a stream: the simulator's, in order of time, the same lines as a run's raw; landed whole, and taken by a run from there.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
export PQR_SIMULATION_DATE_RANGE_FROM=2025-09-01 PQR_SIMULATION_DATE_RANGE_TO=2025-09-10 PQR_SIMULATION_VOLUME_DAILY_AVG=50
produce() { "$pqr" stream produce --workload pqrs --sink - --rate max "$@"; }
land() { "$pqr" stream land --workload pqrs --source - --source-id a "$@"; }
produce >arrived.jsonl 2>log || bad "produce: $(cat log)"
expect 0 '' "$pqr" generate --lake sim --no-progress
find sim/raw -type f -name '*.jsonl' -exec cat {} + | sort >raw.jsonl
[ -s raw.jsonl ] || bad 'a run wrote no raw lines'
sort arrived.jsonl | cmp -s - raw.jsonl || bad 'other events than a run simulates'
jq -r .ts arrived.jsonl | sort -c || bad 'not in order of time'
produce --first 100 --limit 20 | cmp -s - <(sed -n 101,120p arrived.jsonl) || bad 'events by number'
expect 2 'events of pqrs have times of their own' produce --start 2026-01-01T00:00:00Z

# landed in two pieces, one of them twice; what is no event is a reject
n=$(wc -l <arrived.jsonl)
{ cat arrived.jsonl; echo '{"event_id":"x"}'; } >all.jsonl
head -n 1000 all.jsonl | land --quiet || bad 'the first thousand'
land --quiet <all.jsonl || bad 'all of them'
same "$("$pqr" table cat bronze.pqrs_arrived --columns line --json | jq -r '.[].line' | sort | cksum)" "$(cksum <raw.jsonl)" 'lines that were landed'
same "$("$pqr" table cat rejects.pqrs_arrived --json | jq -c '[.[] | .reason, .kafka_offset]')" "[\"bad_uuid:event_id\",$n]" 'rejects'
"$pqr" table cat bronze.pqrs_arrived --columns line --json | jq -r '.[].line' | "$pqr" run --input - --lake taken --no-progress --json >taken.json 2>log || bad "run: $(tail -n 1 log)"
same "$(jq .rows.bronze taken.json)" "$n" 'rows of a run that takes them'
expect 2 'counts nothing by minute' "$pqr" stream aggregate --workload pqrs --source -
expect 2 'no stream appends events of workload pqrs' "$pqr" run --from-stream
done_testing
