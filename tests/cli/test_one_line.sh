#!/usr/bin/env bash
# Nothing that one line says stops a run, or a later one: ids that are told twice, of tickets, messages and events.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
id() { printf '%08x-0000-4000-8000-%012x' "$1" "$1"; }
# event ID TICKET TYPE TS DATA
event() { printf '{"event_id":"%s","ticket_id":"%s","event_type":"%s","ts":"%s","data":%s}\n' "$(id "$1")" "$(id "$2")" "$3" "$4" "$5"; }
created() { event "$1" "$2" TICKET_CREATED "$3" "{\"external_id\":\"x-$2\",\"source_channel\":\"email\",\"pqrs_type\":\"P\",\"priority\":\"alta\"${4:-}}"; }
message() { event "$1" "$2" MESSAGE_ADDED "$3" "{\"role\":\"citizen\",\"text\":\"$5\",\"message_id\":\"$4\"}"; }
ask() { "$pqr" sql --lake "$1" --format csv "$2" | tail -n +2 | paste -sd ' '; }

# An event id that two tickets share: both stand, and a check says so.
{ created 1 101 2026-03-02T15:00:00Z; created 1 102 2026-03-03T15:00:00Z; } >shared.jsonl
"$pqr" run --input shared.jsonl --lake shared --json >report.json 2>err || bad "an event id of two tickets: $(cat err)"
same "$(jq -c '[.status, .rows.silver.tickets]' report.json)" '["DEGRADED",2]' "an event id of two tickets"
same "$("$pqr" quality --lake shared --json | jq -c '.[] | select(.check_name == "event_id_unique") | [.result, .severity, .value]')" \
  '["WARN","WARNING","1"]' "the check of an event id of two tickets"

# A message id told twice of one ticket: the first stands, in SQL too. Of two tickets: both do. An empty one is none.
export PQR_PUBLISH_CORE=true
{
  created 1 101 2026-03-02T15:00:00Z
  created 2 102 2026-03-02T15:00:00Z
  message 3 101 2026-03-02T16:00:00Z m-1 one
  message 4 101 2026-03-03T16:00:00Z m-1 again
  message 5 102 2026-03-02T16:00:00Z m-1 one
  message 6 101 2026-03-04T16:00:00Z '' nameless
  message 7 101 2026-03-05T16:00:00Z '' 'nameless, too'
} >messages.jsonl
{
  message 8 102 2026-03-06T16:00:00Z m-1 later
  message 9 101 2026-03-02T15:30:00Z m-1 'told late, written first'
} >later.jsonl
"$pqr" run --input messages.jsonl --lake lake --json >report.json 2>err || bad "a message id told twice: $(cat err)"
same "$(jq -c '[.rows.silver.messages, .reasons.quarantine]' report.json)" '[4,{"conflicting_duplicate":1}]' "a message id told twice"
stand="SELECT message_id, text FROM silver.messages ORDER BY ts, ticket_id"
same "$(ask lake "$stand")" "m-1,one m-1,one $(id 6),nameless $(id 7),\"nameless, too\"" "messages"
same "$(ask lake "SELECT sum(message_count) FROM silver.tickets")" 4 "messages of tickets"
"$pqr" run --input later.jsonl --lake lake >/dev/null 2>err || bad "a message id told in a later run: $(cat err)"
cat messages.jsonl later.jsonl >all.jsonl
"$pqr" run --input all.jsonl --lake whole >/dev/null 2>err || bad "all messages: $(cat err)"
refused="SELECT event_id FROM silver.quarantine ORDER BY event_id"
for lake in lake whole; do
  same "$(ask $lake "$stand")" "m-1,\"told late, written first\" m-1,one $(id 6),nameless $(id 7),\"nameless, too\"" "messages of $lake after a later run"
  same "$(ask $lake "$refused")" "$(id 3) $(id 4) $(id 8)" "messages of $lake that did not stand"
  same "$(sqlite3 $lake/control.db 'SELECT count(*) FROM core_messages')" 4 "messages of $lake in SQL"
done
done_testing
