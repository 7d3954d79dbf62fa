#!/usr/bin/env bash
# The control plane and the published tables in PostgreSQL: the same rows as in SQLite, whatever happens to the server meanwhile.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || { echo "SKIPPED: no psql here"; exit 77; }
mkdir server
chmod 755 "$work"
"$root/tests/postgres" start "$work/server" || exit
trap '"$root/tests/postgres" stop "$work/server" >/dev/null 2>&1; rm -rf "$work"' EXIT
uri="postgresql://postgres@/postgres?host=$work/server"
sql() { psql -XAtq "$uri" -c "$1"; }

# shellcheck source-path=SCRIPTDIR source=rows.sh
. "$root/tests/cli/rows.sh"
tables=$(published_tables)
[ "$(wc -w <<<"$tables")" -ge 14 ] || bad "only these tables: $tables"
of_postgres() { postgres_rows "$uri" "$1" "$2" "${3:-}"; }
of_sqlite() { sqlite_rows "$3" "$1" "$2" "${4:-}"; }
same_rows() { # lake of the SQLite run, what was done, a column that may differ
  local t n
  for t in $tables; do
    of_postgres gold "$t" "${3:-}" >pg.rows
    of_sqlite gold "$t" "$1/control.db" "${3:-}" >lite.rows
    n=$(wc -l <lite.rows)
    [ "$n" -gt 0 ] || bad "$2: gold.$t is empty in SQLite"
    cmp -s pg.rows lite.rows || bad "$2: gold.$t differs: $(diff pg.rows lite.rows | head -n 3)"
  done
}

# The same run on both: manifest root, rows, checks, lineage, and what each command says.
export PQR_PUBLISH_CORE=true
"$pqr" run "${small[@]}" --lake lite --json --no-progress >lite.json 2>log || bad "SQLite: $(tail -n 1 log)"
"$pqr" run "${small[@]}" --lake lake --control "$uri" --json --no-progress >pg.json 2>log || bad "PostgreSQL: $(tail -n 1 log)"
same "$(field .root <pg.json)" "$(field .root <lite.json)" "manifest root"
same "$(field '.status + " " + (.quality | tostring)' <pg.json)" "$(field '.status + " " + (.quality | tostring)' <lite.json)" "status and quality"
same "$(lake_hash lake)" "$(lake_hash lite)" "the lakes"
same_rows lite "first run"
core=(tickets ticket_events messages dim_status dim_status_transition dim_channel dim_pqrs_type dim_priority dim_role dim_geo)
for t in "${core[@]}"; do same "$(of_postgres core $t | sha256sum)" "$(of_sqlite core $t lite/control.db | sha256sum)" "core.$t"; done
[ "$(sql 'SELECT count(*) FROM core.tickets')" -gt 1000 ] || bad "core.tickets is empty"
run_id=$(field .run_id <pg.json)
pg() { "$pqr" "$@" --lake lake --control "$uri"; }
on_both() { # command...: the same text, but for times and places
  diff <(pg "$@" 2>&1) <("$pqr" "$@" --lake lite 2>&1) >difference || bad "$*: $(head -n 4 difference)"
}
on_both quality
on_both verify
on_both lineage
on_both lineage --format dot
on_both runs diff "$run_id" "$run_id"
same "$(pg runs --json | jq -c 'map(del(.started_at))')" "$("$pqr" runs --json --lake lite | jq -c 'map(del(.started_at))')" "pqr runs --json"
plain='del(.run[0].started_at, .run[0].finished_at, .tasks[].seconds)'
same "$(pg runs show "$run_id" --json | jq -c "$plain")" "$("$pqr" runs show "$run_id" --lake lite --json | jq -c "$plain")" "pqr runs show --json"
expect 0 'ok +control plane +postgresql://.* 1 run' pg doctor
expect 0 'SUCCESS' pg runs
expect 0 'SUCCESS' pg runs show "$run_id"
for v in v_timeseries_national_daily v_timeseries_department_daily v_geo_daily v_tickets_open v_sla_summary; do
  same "$(sql "SELECT count(*) FROM analytics.$v")" "$(sqlite3 lite/control.db "SELECT count(*) FROM analytics_$v")" "analytics.$v"
done
same "$(sql 'SELECT count(*) FROM meta.etl_runs')" 1 meta.etl_runs

# Nothing to do; published again: nothing changes.
expect 0 'nothing to do' pg run "${small[@]}"
expect 0 'SUCCESS' pg publish --run-id "$run_id"
same_rows lite "published again"
same "$(sql 'SELECT count(*) FROM meta.runs')" 1 "runs"

# Who may read the events rests on the tickets: what goes with a table that is dropped comes back with it.
policies() { sql 'SELECT schemaname, tablename, policyname FROM pg_policies ORDER BY 1, 2, 3'; }
before=$(policies)
sql 'DROP TABLE core.tickets CASCADE' 2>/dev/null
[ "$(policies)" != "$before" ] || bad "no policy went with the table"
expect 0 'SUCCESS' pg publish --run-id "$run_id"
same "$(policies | xargs)" "$(xargs <<<"$before")" "policies after a table was dropped"
for t in "${core[@]}"; do same "$(of_postgres core $t | sha256sum)" "$(of_sqlite core $t lite/control.db | sha256sum)" "core.$t, made anew"; done

# A run stopped by Ctrl-C waits to be resumed; a lost control plane is recorded again from the lake.
expect 0 PENDING pg run --from 2026-02-01 --to 2026-02-03 --volume 50 --until silver --run-id 11111111-1111-4111-8111-111111111111
expect 2 'replace what it says' pg runs retry 11111111-1111-4111-8111-111111111111
expect 0 'SUCCESS|DEGRADED' pg run --from 2026-02-01 --to 2026-02-03 --volume 50 --run-id 11111111-1111-4111-8111-111111111111 --replace-published
same "$(sql 'SELECT DISTINCT run_id FROM gold.daily_kpis')" 11111111-1111-4111-8111-111111111111 "the latest published run"
sql 'DROP SCHEMA meta, core, gold, analytics CASCADE' 2>/dev/null
expect 0 SUCCESS pg run "${small[@]}"
same_rows lite "after the control plane was lost"

# The server killed in the midst of it, and started again: the run goes on by itself, or the same command resumes it.
job=(--from 2025-12-01 --to 2026-01-31 --volume 500)
"$pqr" run "${job[@]}" --lake calm --quiet >/dev/null 2>log || bad "calm: $(tail -n 1 log)"
answered() { [ -n "$(sql "$1" 2>/dev/null)" ]; }
ended_or_made() { ended "$1" || has_files wild "$2"; } # PID COUNT
RANDOM=${PQR_TEST_SEED:-4711}
for round in 1 2 3; do
  rm -rf wild
  sql 'DROP SCHEMA meta, core, gold, analytics CASCADE' 2>/dev/null
  "$pqr" run "${job[@]}" --lake wild --control "$uri" --quiet >/dev/null 2>log </dev/null &
  pid=$!
  if [ "$round" -eq 1 ]; then # while rows are being staged or swapped
    within 120 answered "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pqr' AND (query LIKE 'COPY %' OR query LIKE 'INSERT INTO gold%') AND state = 'active'"
  else # somewhere in the job
    within 120 ended_or_made "$pid" $((1 + RANDOM % $(files_in calm)))
  fi
  "$root/tests/postgres" kill "$work/server"
  "$root/tests/postgres" again "$work/server"
  wait "$pid" || expect 0 SUCCESS "$pqr" run "${job[@]}" --lake wild --control "$uri"
  same "$(lake_hash wild)" "$(lake_hash calm)" "lake after the server was killed (round $round)"
  same_rows calm "after the server was killed (round $round)"
  same "$(sql "SELECT status FROM meta.runs")" SUCCESS "status (round $round)"
done

# Stopped while it publishes: what the server does is cancelled, the run is PENDING, and the same command goes on.
rm -rf wild
sql 'DROP SCHEMA meta, core, gold, analytics CASCADE' 2>/dev/null
"$pqr" run "${job[@]}" --lake wild --control "$uri" --quiet >/dev/null 2>log </dev/null &
pid=$!
within 120 answered "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pqr' AND query LIKE 'COPY %'"
kill -TERM "$pid"
wait "$pid"
same "$?" 130 "exit status after a stop: $(tail -n 1 log)"
same "$(sql 'SELECT status FROM meta.runs')" PENDING "status after a stop"
same "$(sql "SELECT count(*) FROM pg_tables WHERE schemaname = 'gold'")" 0 "tables after a stop"
expect 0 SUCCESS "$pqr" run "${job[@]}" --lake wild --control "$uri"
same_rows calm "after a stop"

# Two runs publish at once: one of the two serial orders. A row that both have may be of either run.
"$pqr" run "${job[@]}" --lake wild --control "$uri" --quiet >/dev/null 2>&1
other=$("$pqr" run "${small[@]}" --lake wild --replace-published --control "$uri" --json --no-progress 2>/dev/null | field .run_id)
this=$("$pqr" runs --lake wild --control "$uri" --json | jq -r ".[] | select(.run_id != \"$other\") | .run_id")
for _ in 1 2 3; do
  "$pqr" publish --run-id "$this" --lake wild --control "$uri" --quiet >/dev/null 2>log1 </dev/null &
  one=$!
  "$pqr" publish --run-id "$other" --lake wild --control "$uri" --quiet >/dev/null 2>log2 </dev/null &
  two=$!
  wait "$one" || bad "publisher: $(tail -n 1 log1)"
  wait "$two" || bad "publisher: $(tail -n 1 log2)"
  last=lite
  [ "$(of_postgres gold daily_kpis run_id)" = "$(of_sqlite gold daily_kpis lite/control.db run_id)" ] || last=calm
  same_rows "$last" "two publishers" run_id
done

# One line that says what to do, and the exit status.
expect 1 'no such database' "$pqr" doctor --lake lite --control "postgresql://postgres@/nothere?host=$work/server"
expect 5 'out of reach' "$pqr" runs --lake lite --control "postgresql://postgres:s3cret@127.0.0.1:1/x"
expect 1 'read-only' "$pqr" run "${small[@]}" --lake other --control "$uri&options=-cdefault_transaction_read_only%3Don"
sql 'CREATE ROLE nobody_else LOGIN' 2>/dev/null
expect 1 'lacks a right' "$pqr" runs --lake lite --control "postgresql://nobody_else@/postgres?host=$work/server"
for e in "x?y=z" "u:s3cret@[/d"; do expect 2 'not a PostgreSQL URI' "$pqr" runs --lake lite --control "postgresql://$e"; done
"$root/tests/postgres" kill "$work/server"
expect 5 'out of reach' "$pqr" run "${small[@]}" --lake other --control "$uri"
"$root/tests/postgres" again "$work/server"
# A whole run with no server from its middle on: one error line, exit 5; the same command then finishes.
"$pqr" run --from 2026-01-01 --to 2026-02-14 --volume 400 --lake late --replace-published --control "$uri" --quiet >out 2>&1 </dev/null &
pid=$!
within 120 has_files late/raw 1 || bad "the run makes nothing"
"$root/tests/postgres" kill "$work/server"
wait "$pid"
same "$?" 5 "exit status without a server: $(tail -n 2 out)"
"$root/tests/postgres" again "$work/server"
expect 0 SUCCESS "$pqr" run --from 2026-01-01 --to 2026-02-14 --volume 400 --lake late --replace-published --control "$uri"
# A bad ingest taken out: the rows of the lake that never had it. Its row says who did.
find lite/raw -name events.jsonl | LC_ALL=C sort | xargs cat >all.jsonl
split -n l/3 -d --additional-suffix=.jsonl all.jsonl part
psql -XAtq "$uri" -c 'CREATE DATABASE drops' || bad "cannot create a database"
drops="postgresql://postgres@/drops?host=$work/server"
for part in 00 01 02; do
  [ $part = 01 ] || expect 0 '' "$pqr" run --input part$part.jsonl --lake never --quiet
  expect 0 '' "$pqr" run --input part$part.jsonl --lake dropped --control "$drops" --quiet
done
bad_run=$(psql -XAtq "$drops" -c 'SELECT run_id FROM meta.runs ORDER BY started_at LIMIT 1 OFFSET 1')
expect 0 'SUCCESS|DEGRADED' "$pqr" runs drop "$bad_run" --lake dropped --control "$drops"
expect 0 "$bad_run +pqrs +dropped" "$pqr" runs --lake dropped --control "$drops"
expect 0 'it was dropped: run' "$pqr" verify --run-id "$bad_run" --lake dropped
same "$(psql -XAtq "$drops" -c "SELECT count(*) FROM meta.runs WHERE dropped_by IS NOT NULL AND dropped_by <> run_id")" 1 "runs that were dropped"
as_never() {
  for table in $tables; do
    postgres_rows "$drops" gold "$table" run_id >pg.rows
    sqlite_rows never/control.db gold "$table" run_id >lite.rows
    [ -s lite.rows ] || bad "gold.$table of the others is empty"
    cmp -s pg.rows lite.rows || bad "gold.$table after $1: $(diff pg.rows lite.rows | head -n 3)"
  done
}
as_never "a drop"
# The lake's tables made again: by the stages' records of then none is believed.
expect 0 'published run' "$pqr" rebuild --lake dropped --control "$drops"
expect 0 ' 0 differences' "$pqr" verify --lake dropped --control "$drops"
as_never "a rebuild"
done_testing
