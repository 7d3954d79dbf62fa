#!/usr/bin/env bash
# kill -9 at random points, then the same command again until it finishes: the same lake as an undisturbed run.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
job=(--from 2025-11-01 --to 2026-01-31 --volume 600)
start=$(date +%s%N)
expect 0 SUCCESS "$pqr" run "${job[@]}" --lake calm
took_ms=$((($(date +%s%N) - start) / 1000000))
RANDOM=${PQR_TEST_SEED:-4711}
kills=0
for _ in $(seq 1 60); do
  "$pqr" run "${job[@]}" --lake wild --quiet >/dev/null 2>&1 </dev/null &
  pid=$!
  # a random moment in a third of the time the whole job takes: several kills before it can end
  wait_ms=$((RANDOM * took_ms / 3 / 32768))
  sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  if [ $? -eq 137 ]; then
    kills=$((kills + 1))
    [ "$kills" -lt 8 ] || break
  elif [ "$kills" -ge 3 ]; then
    break
  else # the machine was slower when the time was taken: aim earlier, from the start
    took_ms=$((took_ms * 2 / 3))
    kills=0
    rm -rf wild
  fi
done
expect 0 'SUCCESS' "$pqr" run "${job[@]}" --lake wild
[ "$kills" -ge 3 ] || bad "only $kills kills hit"
same "$(lake_hash wild)" "$(lake_hash calm)" "lake after $kills kills"
same "$(temporary_files wild)" 0 "temporary files"
tables=$(sqlite3 calm/control.db "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'gold\_%' ESCAPE '\\' ORDER BY name")
[ -n "$tables" ] || bad "nothing published"
for table in $tables; do
  same "$(sqlite3 wild/control.db "SELECT * FROM $table" | sort | sha256sum)" "$(sqlite3 calm/control.db "SELECT * FROM $table" | sort | sha256sum)" "$table"
done
expect 0 ' 0 differences' "$pqr" verify --lake wild
done_testing
