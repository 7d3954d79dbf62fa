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

# ---- refusals -------------------------------------------------------------------------------------------------------------
expect 2 "expected produce.*found 'nothing'" "$pqr" stream nothing
expect 2 'expected kafka or -' "$pqr" stream produce --sink file
expect 2 '--rate: expected a number from 0.001' "$pqr" stream produce --sink - --rate fast
expect 2 '--late-share: expected a number from 0 to 1' "$pqr" stream produce --sink - --late-share 2
expect 2 '--limit: expected a whole number' "$pqr" stream produce --sink - --limit some
expect 2 '--start: expected a time' "$pqr" stream produce --sink - --start noon
expect 2 "workload pqrs has no topic" "$pqr" stream produce --sink - --workload pqrs
done_testing
