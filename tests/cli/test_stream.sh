#!/usr/bin/env bash
# pqr stream without a broker: events by seed, number and rate.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
produce=("$pqr" stream produce --sink - --rate max)
fixed=(--start 2025-09-01T12:00:00Z --seed 7)

# ---- events ---------------------------------------------------------------------------------------------------------------
"${produce[@]}" "${fixed[@]}" --limit 20000 >events
"${produce[@]}" "${fixed[@]}" --limit 20000 >again
cmp -s events again || bad "the same seed and start give other events"
"${produce[@]}" "${fixed[@]}" --limit 5000 --first 15000 | jq -c 'del(.timestamp)' >part
tail -n 5000 events | jq -c 'del(.timestamp)' | cmp -s - part || bad "events from number 15000 are not those of the whole"
"${produce[@]}" --start 2025-09-01T12:00:00Z --seed 8 --limit 20000 | cmp -s - events && bad "another seed gives the same events"
same "$(jq -r .event_id events | sort -u | wc -l)" 20000 'different ids'
same "$(sed -n '1p;1001p' events | jq -r .timestamp | paste -sd' ')" '2025-09-01T12:00:00.000000Z 2025-09-01T12:00:01.000000Z' 'time stamps'
read -r clicks logins purchases < <(jq -rs '[.[].event_type] | [map(select(. == "click")), map(select(. == "login")), map(select(. == "purchase"))] | map(length) | join(" ")' events)
[ "$clicks" -gt "$logins" ] && [ "$logins" -gt "$purchases" ] && [ "$purchases" -gt 0 ] || bad "clicks $clicks, logins $logins, purchases $purchases"

# of 20000 a tenth is late by 3 to 10 minutes; the others by less than half a minute
"${produce[@]}" "${fixed[@]}" --limit 20000 --late-share 0.1 --out-of-order 30 >late
python3 - <<'PY' || bad "late events"
import json
from datetime import datetime
times = lambda name: [datetime.fromisoformat(json.loads(line)["timestamp"].replace("Z", "+00:00")) for line in open(name)]
lags = [(a - b).total_seconds() for a, b in zip(times("events"), times("late"))]
late = [x for x in lags if x >= 180]
assert 1800 < len(late) < 2200 and max(late) < 600, (len(late), max(late))
assert all(0 <= x < 30 for x in lags if x < 180) and max(x for x in lags if x < 180) > 25
PY
# a rate holds: 40 events at 100 a second are told over 0.39 s
begin=$(date +%s%N)
same "$("$pqr" stream produce --sink - --rate 100 --limit 40 | wc -l)" 40 'events at a rate'
[ $((($(date +%s%N) - begin) / 1000000)) -ge 390 ] || bad "40 events at 100 a second took under 0.39 s"
same "$("${produce[@]}" 2>&1 | head -n 3 | wc -l)" 3 'a reader that leaves'

# ---- lines into bronze ----------------------------------------------------------------------------------------------------
rows() { "$pqr" table cat "$1" --lake "${2:-lake}" --json 2>/dev/null | jq -c '.[]'; }
land=("$pqr" stream land --source - --lake lake)
"${land[@]}" <events 2>log || bad "land: $(cat log)"
grep -q 'landed 20 000 records' log || bad "no report: $(cat log)"
same "$(rows bronze.user_events | jq -c '[.event_id, .user_id, .event_type, .page, .timestamp, .source]' | sort | sha256sum)" \
  "$(jq -c '[.event_id, .user_id, .event_type, .page, .timestamp, .source]' events | sort | sha256sum)" 'rows and events'
same "$(rows bronze.user_events | jq -c '[.event_date, .kafka_partition, .kafka_offset]' | sort -u)" '["2025-09-01",null,null]' 'dates, and no positions of lines'

# named lines land once, whatever was piped before and wherever it was cut
named=("${land[@]}" --source-id shop)
head -n 7000 events | "${named[@]}" --json >report || bad 'land the first lines'
same "$(jq -c '[.table, .records, .rejected, .partitions]' report)" '["bronze.user_events",7000,0,[{"partition":0,"next":7000,"lag":0}]]' report
"${named[@]}" --bytes 500kB <events 2>log || bad "land the rest: $(cat log)"
[ "$(grep -c landed log)" -ge 3 ] || bad "2.1 MB in commits of 500 kB: $(cat log)"
"${named[@]}" <events >log 2>&1 || bad 'land all again'
same "$(cat log)" '' 'nothing new: nothing is said'
same "$(rows bronze.user_events | wc -l)" 40000 'each line once a name'
versions=$("$pqr" table history bronze.user_events --lake lake --json | jq length)
"${named[@]}" <events 2>/dev/null
same "$("$pqr" table history bronze.user_events --lake lake --json | jq length)" "$versions" 'no empty commits'

# what is no event is kept with its number; once, too
printf '{"event_id":1}\nnone\n\n%s\n\xff\n' "$(head -n 1 events | jq -c '.page = "bad" | .new = 1')" >wrong
for _ in 1 2; do "${land[@]}" --source-id wrong <wrong 2>/dev/null || bad 'land rejects'; done
same "$(rows rejects.user_events | jq -c '[.topic, .kafka_offset, .reason, .raw_bytes, .raw_base64]' | paste -sd' ')" \
  '["stdin:wrong",0,"bad_type:event_id",14,null] ["stdin:wrong",1,"not_json",4,null] ["stdin:wrong",3,"bad_value:page",'"$(sed -n 4p wrong | tr -d '\n' | wc -c)"',null] ["stdin:wrong",4,"invalid_utf8",1,"/w=="]' rejects
same "$(rows bronze.user_events | wc -l)" 40000 'a reject is no row'

# from the producer, through a pipe
"$pqr" stream produce --sink - --rate max --limit 3000 | "$pqr" stream land --source - --lake piped --quiet
same "$(rows bronze.user_events piped | wc -l)" 3000 'rows through a pipe'

# ---- small files become few as they land ------------------------------------------------------------------------------------
# each read of the file is a commit: a MiB at a time
"${produce[@]}" "${fixed[@]}" --limit 420000 >many
"$pqr" stream land --source - --lake small --source-id many --bytes 1kB --quiet <many || bad 'land many'
commits=$("$pqr" table history bronze.user_events --lake small --json | jq '[.[] | select(.operation == "STREAMING UPDATE")] | length')
files=$("$pqr" table files bronze.user_events --lake small --json | jq length)
[ "$commits" -ge 60 ] || bad "only $commits commits"
[ "$files" -le 50 ] || bad "$files files of $commits commits"
same "$("$pqr" table cat bronze.user_events --lake small --columns event_id 2>/dev/null | tail -n +2 | sort -u | wc -l)" 420000 'rows of compacted files'

# ---- the end: what was taken is committed ---------------------------------------------------------------------------------
drained() { python3 -c 'import fcntl, struct, sys, termios; sys.exit(struct.unpack("i", fcntl.ioctl(int(sys.argv[1]), termios.FIONREAD, bytes(4)))[0] != 0)' "$1"; } # FD of a pipe
for signal in TERM INT; do
  mkfifo "pipe-$signal"
  # a shell's background jobs ignore Ctrl-C: python gives it back
  python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
    "$pqr" stream land --source - --lake "lake-$signal" --source-id a <"pipe-$signal" 2>"log-$signal" &
  pid=$!
  exec 7>"pipe-$signal"
  head -n 100 events >&7
  within 120 test -d "lake-$signal" || bad 'land did not start'
  within 120 drained 7 || bad 'land did not read'
  kill "-$signal" "$pid"
  wait "$pid"
  code=$?
  exec 7>&-
  same "$code" "$([ "$signal" = TERM ] && echo 0 || echo 130)" "exit status after SIG$signal"
  same "$(rows bronze.user_events "lake-$signal" | wc -l)" 100 "rows after SIG$signal"
done

# ---- refusals -------------------------------------------------------------------------------------------------------------
expect 2 "expected produce, land or aggregate.*found 'nothing'" "$pqr" stream nothing
expect 2 'expected kafka or -' "$pqr" stream produce --sink file
expect 2 '--rate: expected a number from 0.001' "$pqr" stream produce --sink - --rate fast
expect 2 '--late-share: expected a number from 0 to 1' "$pqr" stream produce --sink - --late-share 2
expect 2 '--limit: expected a whole number' "$pqr" stream produce --sink - --limit some
expect 2 '--start: expected a time' "$pqr" stream produce --sink - --start noon
expect 2 '--source-id names lines' "$pqr" stream land --source-id x --lake none
expect 2 '--interval: expected a number from 0.01' "$pqr" stream land --source - --interval soon --lake none
expect 2 '--bytes: expected bytes' "$pqr" stream land --source - --bytes much --lake none
expect 2 '--from: expected earliest or latest' "$pqr" stream land --source - --from now --lake none
done_testing
