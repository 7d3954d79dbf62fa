#!/usr/bin/env bash
# pqr schedule: what is owed after a while without a scheduler, day after day from files, killed in the middle, two of one name, mistakes.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
lake=(--lake lake --quiet)
row() { sqlite3 lake/control.db "SELECT $1 FROM meta_schedules WHERE name = '${2:-run}'"; }

# ---- mistakes are told at once
expect 2 'expected --cron EXPR before the command' "$pqr" schedule -- run
expect 2 "there is no month" "$pqr" schedule --cron '1 2 3' -- run
expect 2 "'61' is no minute; expected numbers from 0 to 59" "$pqr" schedule --cron '61 * * * *' -- run
expect 2 "Mars/Base" "$pqr" schedule --cron @daily --tz Mars/Base -- run
expect 2 "did you mean --seed" "$pqr" schedule --cron @daily -- run --sed 3
expect 2 "'schedule' can't be scheduled" "$pqr" schedule --cron @daily -- schedule list
expect 2 "unknown command 'rum'.*run" "$pqr" schedule --cron @daily -- rum
expect 2 "--catch-up: expected last, all or none, found 'some'" "$pqr" schedule --cron @daily --catch-up some -- run
expect 2 "--jitter: expected seconds" "$pqr" schedule --cron @daily --jitter 5m -- run
expect 2 "--name: expected up to 48" "$pqr" schedule --cron @daily --name 'a b' -- run
[ -e lake ] && bad "a mistake made a lake"

# ---- day after day by files is one run over all days
expect 0 "" "$pqr" run --from 2026-01-01 --to 2026-01-03 --volume 40 --quiet --lake made
mkdir in
cat made/raw/pqrs/source=*/day=*/run_id=*/events.jsonl | LC_ALL=C sort -u >all.jsonl
for day in 01 02 03; do grep "\"ts\":\"2026-01-$day" all.jsonl >"in/2026-01-$day.jsonl"; done
cat in/*.jsonl >three.jsonl
for day in 2 3 4; do
  expect 0 "" "$pqr" schedule --cron '30 2 * * *' --tz UTC --since 2026-01-02T00:00:00Z --catch-up all --once "${lake[@]}" -- \
    run --input 'in/{date-1}.jsonl' --as-of 2026-01-04T00:00:00Z
  same "$(row due_at)" "2026-01-0${day}T02:30:00.000000Z" "what was dealt with"
done
same "$(row "runs || ' ' || failures || ' ' || exit_status")" "3 0 0" "three runs, none failed"
expect 0 "" "$pqr" run --input three.jsonl --as-of 2026-01-04T00:00:00Z --quiet --lake whole
for table in gold_daily_kpis gold_kpi_volume_daily gold_kpi_sla_daily; do
  columns=$(sqlite3 lake/control.db "SELECT group_concat(name) FROM pragma_table_info('$table') WHERE name <> 'run_id'")
  same "$(sqlite3 lake/control.db "SELECT $columns FROM $table ORDER BY 1, 2, 3, 4" | sha256sum)" \
    "$(sqlite3 whole/control.db "SELECT $columns FROM $table ORDER BY 1, 2, 3, 4" | sha256sum)" "$table of three scheduled days"
done
# a day's file that is not there: its command fails, that is told, and the next day's turn comes
expect 1 "command ended with exit status" "$pqr" schedule --cron '30 2 * * *' --tz UTC --catch-up all --once "${lake[@]}" -- \
  run --input 'in/{date-1}.jsonl'
same "$(row "due_at || ' ' || failures")" "2026-01-05T02:30:00.000000Z 1" "a day that failed is dealt with"
expect 0 'run +30 2 \* \* \* +UTC.*run --input in/\{date-1\}.jsonl' "$pqr" schedule list --lake lake
same "$("$pqr" schedule list --json --lake lake | jq -r '.[0].failures')" 1 "list --json"

# ---- of many that were missed the newest, or none; then it waits, and ends when it is told to
for policy in last none; do
  hour=$(date -u +%FT%H:00:00)
  "$pqr" schedule --name $policy --cron @hourly --tz UTC --since 2026-01-02T00:00:00Z --catch-up $policy --lake lake -- runs list \
    >$policy.out 2>$policy.err &
  pid=$!
  within 120 grep -qs waiting $policy.err || bad "$policy: it doesn't wait: $(cat $policy.err)"
  same "$(row runs $policy)" "$([ $policy = last ] && echo 1 || echo 0)" "$policy: commands"
  grep -q 'instants were missed and are left out' $policy.err || bad "$policy: nothing says what was left out"
  due=$(row due_at $policy)
  [[ $due > $hour ]] || bad "$policy: dealt with until $due only"
  expect 1 "held by process $pid" "$pqr" schedule --name $policy --cron @hourly "${lake[@]}" -- runs list
  kill -TERM $pid
  wait $pid
  same $? 130 "$policy: told to end"
done

# ---- killed while its command runs: the command ends too, and the instant stays owed
args=(--name killed --cron @daily --tz UTC --since 2026-11-01T00:00:00Z --catch-up all --once --lake killed)
row_killed() { sqlite3 killed/control.db "SELECT due_at || ' ' || coalesce(exit_status, 'none') FROM meta_schedules"; }
"$pqr" schedule "${args[@]}" -- run --from 2026-01-01 --to 2026-06-30 >/dev/null 2>killed.err &
pid=$!
started() { child=$(pgrep -P $pid) && ls killed/raw >/dev/null 2>&1; }
within 120 started || bad "the command does not start: $(cat killed.err)"
kill -9 $pid
wait $pid 2>/dev/null
gone() { ! kill -0 "$child" 2>/dev/null; }
within 120 gone || bad "the command of a scheduler that was killed goes on"
same "$(row_killed)" "2026-11-01T00:00:00.000000Z none" "killed: owed"
expect 0 "" "$pqr" schedule "${args[@]}" --quiet -- runs list
same "$(row_killed)" "2026-11-02T00:00:00.000000Z 0" "killed: made up"

# ---- and on time, by a clock that is set to two seconds before
if command -v faketime >/dev/null; then
  expect 0 "" faketime -f '@2026-03-01 07:29:58' env TZ=UTC "$pqr" schedule --name time --cron '30 2 * * *' --once --lake lake -- runs list
  same "$(row due_at time)" "2026-03-01T07:30:00.000000Z" "Bogota's half past two"
else
  echo "SKIPPED: faketime is not installed"
  done_testing
  exit 77
fi
done_testing
