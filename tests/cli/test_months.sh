#!/usr/bin/env bash
# Month after month in one lake, each run with its own events only: the same tickets and figures as one run over all months.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=rows.sh
. "$root/tests/cli/rows.sh"
# shellcheck source-path=SCRIPTDIR source=histories.sh
. "$root/tests/cli/histories.sh"
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$root/tests/cli/stack.sh"
mkdir -p empty/silver
"$pqr" sql "SELECT 1" --lake empty >/dev/null 2>why || { echo "SKIPPED: $(tail -n 1 why)"; exit 77; }
export PQR_PUBLISH_CORE=true
september=(--from 2025-09-01 --to 2025-09-30 --volume 40)
october=(--from 2025-09-01 --to 2025-10-31 --emit-from 2025-10-01 --volume 40)
november=(--from 2025-09-01 --to 2025-11-30 --emit-from 2025-11-01 --volume 40)
to_october=(--from 2025-09-01 --to 2025-10-31 --volume 40)
to_november=(--from 2025-09-01 --to 2025-11-30 --volume 40)

# run LAKE ARGUMENTS...: its report in run.json, its id in $run_id
run() {
  timeout 120 "$pqr" run --lake "$1" --json --no-progress "${@:2}" >run.json 2>run.log || bad "$*: $(tail -n 1 run.log)"
  run_id=$(field .run_id <run.json)
}
sql() { "$pqr" sql --lake "$1" --format csv "$2" | tail -n +2; }
published_as() { # LAKE DUMP WHAT
  published sqlite_rows "$1/control.db" >published.rows
  same_rows published.rows "$2" "$3"
}
verified() { # LAKE: every run of it
  local id
  for id in $("$pqr" runs list --lake "$1" --json | jq -r '.[].run_id'); do
    expect 0 ' 0 differences' "$pqr" verify --lake "$1" --run-id "$id"
  done
}

# ---- one run over all months so far, each in a lake of its own -----------------------------------------------------------
run one2 "${to_october[@]}"
published sqlite_rows one2/control.db >one2.rows
run one3 "${to_november[@]}"
one3=$run_id
raw3=$(field .rows.raw <run.json)
published sqlite_rows one3/control.db >one3.rows
silver_rows one3 "$one3" >one3.silver

# ---- month after month ---------------------------------------------------------------------------------------------------
run months "${september[@]}"
first=$run_id raw=$(field .rows.raw <run.json)
run alone1 "${september[@]}"
published sqlite_rows alone1/control.db >one1.rows
published_as months one1.rows "September"
run months "${october[@]}"
second=$run_id raw=$((raw + $(field .rows.raw <run.json)))
published_as months one2.rows "October after September"
cp -r months months2
run months "${november[@]}"
third=$run_id raw=$((raw + $(field .rows.raw <run.json)))
published_as months one3.rows "November after October"
silver_rows months "$third" >months.silver
same_silver months.silver one3.silver "three months"
same "$(history_of months "$third" | xargs)" "$first $second" "the history of November"
same "$(history_of months "$second" | xargs)" "$first" "the history of October"
same "$(history_of months "$first" | xargs)" "" "the history of September"
sql months "SELECT raw_object, raw_line, event_id FROM bronze.pqrs_events ORDER BY ALL" | wc -l >events
same "$raw $(<events)" "$raw3 $raw3" "raw lines of the three months, and bronze rows"

# ... each with its own events: a month's are those of its local days
same "$(sql months "SELECT run_id, strftime(min(ts AT TIME ZONE 'America/Bogota'), '%m'), strftime(max(ts AT TIME ZONE 'America/Bogota'), '%m') FROM bronze.pqrs_events
  GROUP BY run_id ORDER BY min(ts)" | xargs)" "$first,09,09 $second,10,10 $third,11,11" "months of each run's events"
# ... with something to take up: tickets of September that ended in November, and those that nothing happened to any more
count() { sql months "SELECT count(*) FROM $1"; }
[ "$(count "silver.tickets WHERE month = '2025-09' AND closed_at >= TIMESTAMPTZ '2025-11-01 05:00:00Z'")" -gt 0 ] || bad "no ticket from September to November"
own="SELECT DISTINCT ticket_id FROM bronze.pqrs_events WHERE run_id = '$third'"
[ "$(count "silver.tickets WHERE ticket_id NOT IN ($own)")" -gt 100 ] || bad "few tickets at rest in November"
[ "$(count "silver.tickets WHERE ticket_id NOT IN ($own) AND closed_at IS NULL")" -gt 0 ] || bad "no ticket open and at rest in November"
# ... each row once, and September's rows of events as September wrote them
for table in tickets:ticket_id preclassification:ticket_id messages:message_id status_events:event_id attachments:attachment_id; do
  same "$(count "(SELECT ${table#*:} FROM silver.${table%:*} GROUP BY ALL HAVING count(*) > 1)")" 0 "rows of silver.${table%:*} that stand twice"
done
for table in messages status_events attachments preclassification; do
  same "$(sql months "SELECT DISTINCT run_id FROM silver.$table WHERE month = '2025-09'")" "$first" "who wrote September of silver.$table"
done
verified months

# The comparisons see one changed value, one row more, one row less.
cp months/control.db changed.db
noticed() { # SQL
  sqlite3 changed.db "$1"
  published sqlite_rows changed.db >published.rows
  cmp -s published.rows one3.rows && bad "not noticed: $1"
  cp months/control.db changed.db
}
noticed "UPDATE gold_kpi_backlog_daily SET backlog_count = backlog_count + 1 WHERE rowid = (SELECT max(rowid) FROM gold_kpi_backlog_daily)"
noticed "UPDATE gold_kpi_sla_daily SET avg_overdue_days = avg_overdue_days + 0.01 WHERE rowid = 7"
noticed "DELETE FROM core_ticket_events WHERE rowid = 99"
noticed "UPDATE core_tickets SET closed_at = NULL WHERE closed_at = (SELECT max(closed_at) FROM core_tickets)"
[ "$(wc -l <one2.rows)" -lt "$(wc -l <one3.rows)" ] || bad "as many rows in two months as in three"
silver_rows months2 "$second" >two.silver
cmp -s two.silver one3.silver && bad "not noticed: silver of October"
sed '1000s/,/;/' one3.silver >changed.silver
cmp -s changed.silver months.silver && bad "not noticed: a changed line of silver"

# ---- again, and again without its control plane --------------------------------------------------------------------------
calm=$(lake_hash months)
for month in september october november; do
  declare -n arguments=$month
  expect 0 'nothing to do' "$pqr" run "${arguments[@]}" --lake months
done
published_as months one3.rows "run again"
rm months/control.db*
run months "${november[@]}"
published_as months one3.rows "without a control plane"
same "$(lake_hash months)" "$calm" "the lake after all that"

# ---- killed in silver of the third month ---------------------------------------------------------------------------------
moment() {
  case $1 in
    planned) [ -e wild/manifests/day=2025-11-30/run_id="$third"/stages/bronze.json ] ;;
    writing) compgen -G "wild/silver/*/month=*/run_id=$third/part-*" ;;
    committing) compgen -G "wild/silver/*/_delta_log/00000000000000000002.json" ;;
  esac >/dev/null
}
killed() { # WHEN: 0 when the process died in the stage
  local pid
  rm -rf wild && cp -r months2 wild
  "$pqr" run "${november[@]}" --lake wild --threads 1 --quiet >/dev/null 2>&1 </dev/null &
  pid=$!
  until moment "$1" || ! kill -0 "$pid" 2>/dev/null; do :; done
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  [ $? -eq 137 ] && [ ! -e wild/manifests/day=2025-11-30/run_id="$third"/stages/silver.json ]
}
for when in planned writing committing; do
  for try in 1 2 3 4 5 6 7 8 9 10; do killed $when && break; done
  [ -e wild/manifests/day=2025-11-30/run_id="$third"/stages/silver.json ] && bad "no kill hit ($when, $try times)"
  expect 0 'SUCCESS|DEGRADED' "$pqr" run "${november[@]}" --lake wild
  same "$(lake_hash wild)" "$calm" "the lake after a kill ($when)"
  same "$(temporary_files wild)" 0 "temporary files after a kill ($when)"
  published_as wild one3.rows "after a kill ($when)"
done
verified wild

# ---- compacted between the months: many small files, then one again; in another order; the old ones gone ------------------
for way in small whole; do
  cp -r months2 $way
  for table in bronze.pqrs_events:ts silver.tickets:created_at silver.status_events:ts; do
    expect 0 'files into' "$pqr" table optimize "${table%:*}" --zorder "${table#*:}" --target-size 4KiB --lake $way
    # (a day of bronze never has two files)
    [ $way = small ] || [ "$table" = bronze.pqrs_events:ts ] || expect 0 'files into' "$pqr" table optimize "${table%:*}" --lake $way
    expect 0 'deleted [1-9]' "$pqr" table vacuum "${table%:*}" --retention 0s --no-retention-check --lake $way
  done
  run $way "${november[@]}"
  same "$(history_of $way "$run_id" | xargs)" "$first $second" "the history, $way files"
  published_as $way one3.rows "$way files"
  silver_rows $way "$run_id" >$way.silver
  same_silver $way.silver one3.silver "$way files"
  verified $way
done

# ---- other runs beside them ----------------------------------------------------------------------------------------------
run seven "${september[@]}" --seed 7
seven1=$run_id
run seven "${october[@]}" --seed 7
seven2=$run_id
late=(--from 2025-09-10 --to 2025-10-31 --volume 40) more=(--from 2025-09-01 --to 2025-09-30 --volume 31)
run late "${late[@]}"
late_id=$run_id
run beside "${september[@]}" --seed 7
run beside "${more[@]}" --replace-published
run beside "${september[@]}" --replace-published
run beside "${late[@]}" --replace-published
run beside "${to_october[@]}" --replace-published
whole2=$run_id
run beside "${october[@]}" --replace-published
run beside "${october[@]}" --seed 7 --replace-published
run beside "${november[@]}" --replace-published
published_as beside one3.rows "beside other runs"
for id in "$first" "$second" "$third"; do same "$(run_hash beside "$id")" "$(run_hash months "$id")" "a month beside other runs"; done
for id in "$seven1" "$seven2"; do same "$(run_hash beside "$id")" "$(run_hash seven "$id")" "another seed beside the months"; done
same "$(run_hash beside "$late_id")" "$(run_hash late "$late_id")" "another --from beside the months"
same "$(run_hash beside "$whole2")" "$(run_hash one2 "$whole2")" "a run without --emit-from beside the months"
same "$(history_of beside "$whole2")" "" "the history of a run without --emit-from"

# A month after one run over all days before it; and days that two runs have both.
cp -r one2 after
run after "${november[@]}"
same "$(history_of after "$run_id")" "$whole2" "the history of November after one run"
published_as after one3.rows "November after one run over two months"
run twice --from 2025-09-01 --to 2025-10-15 --volume 40
run twice "${october[@]}"
published_as twice one2.rows "October after half of it"
run twice "${november[@]}"
published_as twice one3.rows "November after one and a half October"
silver_rows twice "$run_id" >twice.silver
same_silver twice.silver one3.silver "November after one and a half October"

# ---- a month left out: no history; November alone, its events of earlier tickets in quarantine ---------------------------
run alone3 "${november[@]}"
run gap "${september[@]}"
expect 2 'replace what it says' "$pqr" run "${november[@]}" --lake gap
run gap "${november[@]}" --replace-published
same "$run_id $(history_of gap "$third")" "$third " "the history of November without October"
same "$(run_hash gap "$third")" "$(run_hash alone3 "$third")" "November without October, and alone"
published sqlite_rows alone3/control.db >alone3.rows
published_as gap alone3.rows "November without October"
orphans=$(sql gap "SELECT count(*) FROM bronze.pqrs_events e WHERE run_id = '$third' AND NOT EXISTS (FROM bronze.pqrs_events c
  WHERE c.run_id = '$third' AND c.event_type = 'TICKET_CREATED' AND c.ticket_id = e.ticket_id)")
[ "$orphans" -gt 0 ] || bad "no orphan"
same "$(sql gap "SELECT reason, count(*) FROM silver.quarantine GROUP BY reason")" "orphan,$orphans" "quarantine of November without October"
# October played later; then November under another name
run gap "${october[@]}" --replace-published
published_as gap one2.rows "October after November"
expect 0 'nothing to do' "$pqr" run "${november[@]}" --lake gap
run gap "${november[@]}" --run-id 33333333-3333-4333-8333-333333333333
same "$(history_of gap "$run_id" | xargs)" "$first $second" "the history of November under another name"
published_as gap one3.rows "the gap filled"
silver_rows gap "$run_id" >gap.silver
same_silver gap.silver one3.silver "the gap filled"
verified gap

# ---- the same on S3 and PostgreSQL ---------------------------------------------------------------------------------------
files() { # LAKE: names, which tell the contents, of November's files
  for table in silver.tickets silver.preclassification silver.status_events silver.messages silver.attachments gold.kpi_backlog_daily gold.kpi_sla_daily gold.tickets_snapshot; do
    "$pqr" table files $table --lake "$1" --json | jq -r ".[].path | select(contains(\"run_id=$third\"))" | LC_ALL=C sort
  done
}
if "$stack" up postgres s3 >up.log 2>&1; then
  stack_use postgres
  stack_use s3
  psql -XAtq -c 'CREATE DATABASE months' || bad "cannot create a database"
  remote=(--control postgresql:///months)
  for month in september october november; do
    declare -n arguments=$month
    run "s3://$PQR_STACK_BUCKET/months" "${arguments[@]}" "${remote[@]}"
  done
  published postgres_rows postgresql:///months >published.rows
  same_rows published.rows one3.rows "three months on S3 and PostgreSQL"
  same "$(files "s3://$PQR_STACK_BUCKET/months")" "$(files months)" "files of November on S3"
  [ "$(files months | wc -l)" -ge 10 ] || bad "no files to compare"
  expect 0 'nothing to do' "$pqr" run "${november[@]}" --lake "s3://$PQR_STACK_BUCKET/months" "${remote[@]}"
  expect 0 ' 0 differences' "$pqr" verify --lake "s3://$PQR_STACK_BUCKET/months" "${remote[@]}"
  # a bad ingest taken out there: the rows of a lake on a disk that never had it
  find one2/raw -name events.jsonl | LC_ALL=C sort | head -n 30 | xargs cat >some.jsonl
  split -n l/3 -d --additional-suffix=.jsonl some.jsonl part
  psql -XAtq -c 'CREATE DATABASE drops' || bad "cannot create a database"
  remote=(--lake "s3://$PQR_STACK_BUCKET/drops" --control postgresql:///drops)
  for part in 00 01 02; do
    [ $part = 01 ] || expect 0 '' "$pqr" run --input part$part.jsonl --lake never --quiet
    expect 0 '' "$pqr" run --input part$part.jsonl --quiet "${remote[@]}"
  done
  bad_run=$("$pqr" runs list --json "${remote[@]}" | jq -r '.[1].run_id')
  expect 0 'SUCCESS|DEGRADED' "$pqr" runs drop "$bad_run" "${remote[@]}"
  expect 0 'it was dropped: run' "$pqr" verify --run-id "$bad_run" "${remote[@]}"
  published postgres_rows postgresql:///drops >published.rows
  published sqlite_rows never/control.db >never.rows
  same_rows published.rows never.rows "a drop on S3 and PostgreSQL"
  # all of it again from raw: killed in the middle, refused to others meanwhile, then the same rows
  "$pqr" rebuild "${remote[@]}" >rebuild.log 2>&1 </dev/null &
  pid=$!
  within 120 grep -q 'stage done stage=silver' rebuild.log || bad "the rebuild makes nothing"
  kill -9 "$pid"
  wait "$pid" 2>/dev/null
  expect 1 'pqr rebuild. goes on with it' "$pqr" sql 'SELECT 1' "${remote[@]}"
  expect 0 'published run' "$pqr" rebuild "${remote[@]}"
  expect 0 'it was dropped: run' "$pqr" verify --run-id "$bad_run" "${remote[@]}"
  expect 0 ' 0 differences' "$pqr" verify "${remote[@]}"
  published postgres_rows postgresql:///drops >published.rows
  same_rows published.rows never.rows "a rebuild on S3 and PostgreSQL"
else
  echo "not tested: S3 and PostgreSQL: $(tail -n 1 up.log)"
fi
done_testing
