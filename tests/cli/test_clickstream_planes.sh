#!/usr/bin/env bash
# Clickstream killed at any file and gone on with, and in PostgreSQL: the same lake, rows and stamps as undisturbed and in SQLite.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=rows.sh
. "$root/tests/cli/rows.sh"
RANDOM=${PQR_TEST_SEED:-4711}
tables=(daily_active_users conversion_rate_daily events_per_source_daily purchases_per_page_daily)
week=(clickstream --from 2025-09-28 --to 2025-10-02 --rate 1)
next=(clickstream --from 2025-09-28 --to 2025-10-04 --emit-from 2025-10-03 --rate 1)
ended_or_made() { ended "$1" || has_files wild "$2"; } # PID COUNT

# ---- kill -9, a run alone and one that goes on from it -------------------------------------------------------------------------
mkdir calm
for run in week next; do
  declare -n arguments=$run
  rm -rf wild && cp -r calm wild
  expect 0 SUCCESS "$pqr" run "${arguments[@]}" --lake calm
  all=$(($(files_in calm) - $(files_in wild)))
  kills=0
  for _ in 1 2 3 4 5 6 7 8; do
    "$pqr" run "${arguments[@]}" --lake wild --quiet >/dev/null 2>&1 </dev/null &
    pid=$!
    within 120 ended_or_made "$pid" $(($(files_in wild) + 1 + RANDOM % (all / 6 + 1))) || bad "the run neither ends nor goes on"
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    [ $? -eq 137 ] || break
    kills=$((kills + 1))
  done
  expect 0 'SUCCESS' "$pqr" run "${arguments[@]}" --lake wild
  [ "$kills" -ge 3 ] || bad "$run: only $kills kills hit"
  same "$(lake_hash wild)" "$(lake_hash calm)" "$run: lake after $kills kills"
  same "$(temporary_files wild)" 0 'temporary files'
  for t in "${tables[@]}"; do
    same "$(sqlite_rows wild/control.db gold "$t" updated_at)" "$(sqlite_rows calm/control.db gold "$t" updated_at)" "$run: $t after $kills kills"
  done
  expect 0 ' 0 differences' "$pqr" verify --lake wild
done

# ---- PostgreSQL ------------------------------------------------------------------------------------------------------------------
command -v psql >/dev/null || { echo 'SKIPPED: no psql here: PostgreSQL was not tried'; done_testing; exit 77; }
mkdir server
chmod 755 "$work"
"$root/tests/postgres" start "$work/server" >postgres.log 2>&1 || { echo "SKIPPED: no PostgreSQL here: $(tail -n 1 postgres.log)"; done_testing; exit 77; }
trap '"$root/tests/postgres" stop "$work/server" >/dev/null 2>&1; rm -rf "$work"' EXIT
uri="postgresql://postgres@/postgres?host=$work/server"
sql() { psql -XAtq "$uri" -c "$1"; }
expect 0 SUCCESS "$pqr" run "${week[@]}" --lake pg --control "$uri"
stamp=$(sql "SELECT max(updated_at) FROM gold.daily_active_users WHERE event_date < '2025-10-01'")
count=$(sql 'SELECT count(*) FROM gold.daily_active_users')
expect 0 SUCCESS "$pqr" run "${next[@]}" --lake pg --control "$uri"
for t in "${tables[@]}"; do
  postgres_rows "$uri" gold "$t" updated_at >pg.rows
  sqlite_rows calm/control.db gold "$t" updated_at >lite.rows
  [ -s lite.rows ] || bad "$t is empty"
  cmp -s pg.rows lite.rows || bad "gold.$t differs: $(diff pg.rows lite.rows | head -n 3)"
done
same "$(lake_hash pg)" "$(lake_hash calm)" 'lake beside PostgreSQL'
same "$(sql "SELECT max(updated_at) FROM gold.daily_active_users WHERE event_date < '2025-10-01'")" "$stamp" 'updated_at of rows that no run changed'
same "$(sql "SELECT count(*) FROM gold.daily_active_users WHERE updated_at > '$stamp'")" 2 "days after the $count of the first run"
expect 0 ' 0 differences' "$pqr" verify --lake pg --control "$uri"
# pqrs in the same database, and a view of the counts
expect 0 '' "$pqr" run pqrs --from 2025-09-01 --to 2025-09-02 --volume 10 --lake pg --control "$uri" --no-progress
same "$("$pqr" runs clickstream --lake pg --control "$uri" --json | jq length)" 2 'runs of clickstream in PostgreSQL'
same "$(sql 'SELECT count(*) FROM gold.daily_active_users')" 7 'figures after the other workload published'
done_testing
