#!/usr/bin/env bash
# kill -9 at random points, then the same command again until it finishes: the same lake as an undisturbed run. So for a run alone, and
# for those that go on from others. A point is a number of files the run has made: a slow machine is killed where a quick one is.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
RANDOM=${PQR_TEST_SEED:-4711}
ended_or_made() { ended "$1" || has_files wild "$2"; } # PID COUNT

# both ARGUMENTS...: a run undisturbed in lake calm, and killed again and again in lake wild, which is as calm was
both() {
  local all pid
  rm -rf wild && cp -r calm wild
  expect 0 SUCCESS "$pqr" run "$@" --lake calm
  all=$(($(files_in calm) - $(files_in wild)))
  kills=0
  for _ in $(seq 1 8); do
    "$pqr" run "$@" --lake wild --quiet >/dev/null 2>&1 </dev/null &
    pid=$!
    # some of the files that are still to come: eight kills go through the whole job
    within 120 ended_or_made "$pid" $(($(files_in wild) + 1 + RANDOM % (all / 6))) || bad "the run neither ends nor goes on"
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    [ $? -eq 137 ] || break
    kills=$((kills + 1))
  done
  expect 0 'SUCCESS' "$pqr" run "$@" --lake wild
  [ "$kills" -ge 3 ] || bad "only $kills kills hit"
}

# alike: the two lakes, and what they show
alike() {
  local tables table
  same "$(lake_hash wild)" "$(lake_hash calm)" "lake after $kills kills"
  same "$(temporary_files wild)" 0 "temporary files"
  tables=$(sqlite3 calm/control.db "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'gold\_%' ESCAPE '\\' ORDER BY name")
  [ -n "$tables" ] || bad "nothing published"
  for table in $tables; do
    same "$(sqlite3 wild/control.db "SELECT * FROM $table" | sort | sha256sum)" "$(sqlite3 calm/control.db "SELECT * FROM $table" | sort | sha256sum)" "$table"
  done
  expect 0 ' 0 differences' "$pqr" verify --lake wild
}

mkdir calm
both --from 2025-11-01 --to 2026-01-31 --volume 600
alike

# The tables are changed file by file, and each row stands once whenever the run died.
rm -rf calm
october=(--from 2025-09-01 --to 2025-10-31 --emit-from 2025-10-01 --volume 300)
november=(--from 2025-09-01 --to 2025-11-30 --emit-from 2025-11-01 --volume 300)
expect 0 SUCCESS "$pqr" run --from 2025-09-01 --to 2025-09-30 --volume 300 --lake calm
for month in october november; do
  declare -n arguments=$month
  both "${arguments[@]}"
  alike
  expect 0 'nothing to do' "$pqr" run "${arguments[@]}" --lake wild
done
done_testing
