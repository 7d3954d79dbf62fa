#!/usr/bin/env bash
# pqr stream and a real broker: what new users meet, and each event once whatever happens to members, broker and topic.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=stack.sh
. "$root/tests/cli/stack.sh"
tool=${pqr%/*}/tests/interop/kafka_tool
[ -x "$tool" ] || { echo 'SKIPPED: built without librdkafka'; exit 77; }
expect 5 'no broker answers' "$pqr" stream produce --brokers 127.0.0.1:1 --limit 1
stack_up kafka
brokers=$PQR_STREAM_BROKERS
events() { "$pqr" stream produce --rate max --start 2025-09-01T12:00:00Z "$@"; } # the same every time
rows() { "$pqr" table cat "$1" --lake "${2:-lake}" --json 2>/dev/null | jq -c '.[]'; }
versions() { "$pqr" table history "$1" --lake lake --json | jq length; }
# What the topic holds is what the table holds, each partition and offset once. The reader is not the program's.
once() { # TABLE LAKE TOPIC
  "$tool" "$brokers" read "$3" | python3 -c '
import json, sys
for line in sys.stdin:
    partition, offset, time, key, value = line.rstrip("\n").split("\t", 4)
    print(partition, offset, json.loads(value)["event_id"])' | sort >topic-rows
  rows "$1" "$2" | jq -r '[.kafka_partition, .kafka_offset, .event_id] | join(" ")' | sort >table-rows
  cmp -s topic-rows table-rows || bad "$1 of $2 is not topic $3: $(wc -l <topic-rows) and $(wc -l <table-rows) rows; $(diff topic-rows table-rows | head -n 3)"
}

# ---- as a new user --------------------------------------------------------------------------------------------------------
expect 2 'there is no topic user-events' "$pqr" stream land --once --lake lake
same "$("$pqr" stream land --once --lake lake 2>&1 | wc -l)" 1 'lines of the refusal'
expect 2 'has no setting no.such' "$pqr" stream produce --limit 1 --kafka no.such=1
expect 2 'takes no such value of its setting linger.ms$' "$pqr" stream produce --limit 1 --kafka linger.ms=secret
expect 0 '20 000 events sent to topic user-events' events --limit 20000
expect 0 'landed 20 000 records' "$pqr" stream land --once --lake lake
once bronze.user_events lake user-events
before=$(versions bronze.user_events)
expect 0 '' "$pqr" stream land --once --lake lake --json
same "$(versions bronze.user_events)" "$before" 'a commit with nothing in it'
# keys go where the Java client sends them
rows bronze.user_events | jq -r '[.user_id, .kafka_partition] | join(" ")' | sort -u >keys
python3 - <<'PY' || bad 'partitions of keys'
def murmur2(data):
    m, length = 0x5BD1E995, len(data)
    h = 0x9747B28C ^ length
    for i in range(length // 4):
        k = int.from_bytes(data[4 * i : 4 * i + 4], "little") * m & 0xFFFFFFFF
        h = h * m & 0xFFFFFFFF ^ (k ^ k >> 24) * m & 0xFFFFFFFF
    rest = data[length // 4 * 4 :]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & 0xFFFFFFFF
    h = (h ^ h >> 13) * m & 0xFFFFFFFF
    return h ^ h >> 15
for line in open("keys"):
    key, partition = line.split()
    assert (murmur2(key.encode()) & 0x7FFFFFFF) % 3 == int(partition), line
PY
# another group, another lake: the table's positions count, not the group's
expect 0 'landed 20 000 records' "$pqr" stream land --once --lake other
expect 0 '' "$pqr" stream land --once --lake lake --group fresh
once bronze.user_events lake user-events

# ---- a topic that was made again, record for record, and has an id of its own (librdkafka 2.3) -----------------------------------
newer=$(newer_librdkafka) || { echo 'left out: topic ids, group.protocol=consumer (scripts/install-deps test)'; done_testing; exit; }
land_again() { LD_LIBRARY_PATH=$newer "$pqr" stream land --topic again --lake ids "$@"; }
count_again() { LD_LIBRARY_PATH=$newer "$pqr" stream aggregate --topic again --lake ids "$@"; }
at=$(($(date +%s) * 1000))
send_again() { seq "$@" | while read -r i; do
  printf '0\t%s\tk\t{"event_id":"%08x-0000-4000-8000-000000000000","user_id":1,"event_type":"click","page":"/p","timestamp":"2025-09-01T12:00:00Z","source":"web"}\n' "$at" "$i"
done | "$tool" "$brokers" send again; }
"$tool" "$brokers" make again 1
send_again 1 50
expect 0 'landed 50 records' land_again --once
expect 0 'counted 50 records' count_again --once
send_again 51 60
expect 0 'landed 10 records' land_again --once # the id that is kept is the same
"$tool" "$brokers" drop again
"$tool" "$brokers" make again 1
send_again 1 90
expect 1 'the topic was made again: its id is another one' land_again --once
expect 1 'the topic was made again: its id is another one' count_again --once
same "$(rows bronze.user_events ids | wc -l)" 60 'rows of the topic before'
expect 0 'landed 90 records' land_again --once --accept-new-topic
expect 0 'counted 90 records' count_again --once --accept-new-topic
same "$(rows bronze.user_events ids | jq -s -c 'group_by(.kafka_incarnation) | map(length)')" '[60,90]' 'rows by incarnation'
same "$(sqlite3 ids/control.db 'SELECT sum(event_count) FROM realtime_events_per_minute')" 140 'events counted'
send_again 91 95
expect 0 'landed 5 records' land_again --once

# ---- groups whose partitions the broker assigns (KIP-848) -------------------------------------------------------------------
member() { # NAME
  LD_LIBRARY_PATH=$newer "$pqr" stream land --interval 0.2 --lake newer --group newer --kafka group.protocol=consumer 2>"$1" &
  pids+=($!)
}
has() { [ "$(rows bronze.user_events newer | wc -l)" -ge "$1" ]; }
until_has() { within 120 has "$1" || bad "$1 rows do not come: $(tail -n 3 first second)"; }
pids=()
trap 'kill -KILL "${pids[@]}" 2>/dev/null; stack_gone' EXIT
member first
until_has 20000
member second
events --limit 5000 --first 20000 2>/dev/null
until_has 25000
kill "${pids[0]}" && wait "${pids[0]}" || bad "the first member's end: $(cat first)"
events --limit 5000 --first 25000 2>/dev/null
until_has 30000
kill "${pids[1]}" && wait "${pids[1]}" || bad "the second member's end: $(cat second)"
once bronze.user_events newer user-events
done_testing
