#!/usr/bin/env bash
# Nothing that one line says stops a run, or a later one: ids that are told twice, of tickets and events.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
id() { printf '%08x-0000-4000-8000-%012x' "$1" "$1"; }
# event ID TICKET TYPE TS DATA
event() { printf '{"event_id":"%s","ticket_id":"%s","event_type":"%s","ts":"%s","data":%s}\n' "$(id "$1")" "$(id "$2")" "$3" "$4" "$5"; }
created() { event "$1" "$2" TICKET_CREATED "$3" "{\"external_id\":\"x-$2\",\"source_channel\":\"email\",\"pqrs_type\":\"P\",\"priority\":\"alta\"${4:-}}"; }

# An event id that two tickets share: both stand, and a check says so.
{ created 1 101 2026-03-02T15:00:00Z; created 1 102 2026-03-03T15:00:00Z; } >shared.jsonl
"$pqr" run --input shared.jsonl --lake shared --json >report.json 2>err || bad "an event id of two tickets: $(cat err)"
same "$(jq -c '[.status, .rows.silver.tickets]' report.json)" '["DEGRADED",2]' "an event id of two tickets"
same "$("$pqr" quality --lake shared --json | jq -c '.[] | select(.check_name == "event_id_unique") | [.result, .severity, .value]')" \
  '["WARN","WARNING","1"]' "the check of an event id of two tickets"

done_testing
