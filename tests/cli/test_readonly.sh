#!/usr/bin/env bash
# A lake and its control.db that a user may only read: looking works, and what writes says in one line that it may not.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
expect 0 "" "$pqr" run "${small[@]}" --quiet --lake lake
run=$("$pqr" runs list --lake lake --json | jq -r '.[0].run_id')
rows=$("$pqr" table list --lake lake --json)
chmod -R a+rX,a-w lake
chmod 755 "$work"
mkdir home && chmod 1777 home # and a place for temporary files
if [ "$(id -u)" -ne 0 ]; then
  other() { "$@"; }
elif command -v setpriv >/dev/null && setpriv --reuid=65534 --regid=65534 --clear-groups "$pqr" --version >/dev/null 2>&1; then
  other() { setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$work/home" TMPDIR="$work/home" "$@"; }
else
  echo "SKIPPED: root may become no other user here that can run $pqr"
  exit 77
fi
look() { expect 0 "$1" other "$pqr" "${@:2}" --lake lake; }
refused() { # a command that writes: exit 1, one line
  local out code
  out=$(other "$pqr" "$@" --lake lake 2>&1 </dev/null)
  code=$?
  [ "$code" -eq 1 ] || bad "$*: exit $code, expected 1: $out"
  [ "$(wc -l <<<"$out")" -eq 1 ] && grep -q 'give this user' <<<"$out" || bad "$*: not one line with the remedy: $out"
}
state() { find lake -printf '%p %s %T@ %m\n' | LC_ALL=C sort | sha256sum; }

for way in "at rest" "beside a writer"; do
  if [ "$way" = "beside a writer" ]; then # its -wal and -shm are there, and can be read
    chmod u+w lake lake/control.db
    coproc sqlite3 lake/control.db
    writer=$COPROC_PID
    printf "BEGIN; UPDATE meta_run_records SET attempts = 7; COMMIT; SELECT 'written';\n" >&"${COPROC[1]}"
    read -r answer <&"${COPROC[0]}"
    same "$answer" written "the writer's answer"
    chmod a-w lake lake/control.db*
    other "$pqr" runs --lake lake 2>&1 | grep -q 'as it stands' && bad "$way: the file alone was read"
    same "$(other "$pqr" runs list --lake lake --json | jq '.[0].attempts')" 7 "what only the -wal has"
  else
    look 'control.db is read as it stands: this user may not write beside it' runs
    same "$(other "$pqr" runs --quiet --lake lake 2>&1 >/dev/null)" "" "--quiet"
  fi
  look "$run" runs
  look SUCCESS runs show "$run"
  look 'no difference' runs diff "$run" "$run"
  look ' 0 differences' verify
  look ' 0 differences' verify --run-id "$run"
  look 'published_rows' quality
  look 'digraph' lineage --format dot
  look 'ok +lake .*/lake; this user may read it and not write it' doctor
  look 'ok +control plane .*, 1 run; this user may read it and not write it' doctor
done
kill -9 "$writer"
wait "$writer" 2>/dev/null
same "$(other "$pqr" runs list --lake lake --json | jq '.[0].attempts')" 7 "what a killed writer left in the -wal"
chmod u+w lake lake/control.db
sqlite3 lake/control.db "UPDATE meta_run_records SET attempts = 1"
chmod a-w lake lake/control.db


before=$(state)
same "$(other "$pqr" table list --lake lake --json)" "$rows" "table list"
look 'ticket_id' table schema silver.tickets
look 'silver' table history silver.tickets
look 'parquet' table files silver.tickets
look 'ticket_id' table cat silver.tickets --limit 1
library=${PQR_DUCKDB_LIB:-${PQR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pqr}/duckdb/libduckdb.so}
if [ -e "$library" ]; then
  cp -L "$library" libduckdb.so && chmod 755 libduckdb.so
  same "$(PQR_DUCKDB_LIB=$work/libduckdb.so other "$pqr" sql "SELECT count(*) AS n FROM silver.tickets" --lake lake --json | jq '.[0].n')" \
    "$(jq '.[] | select(.table == "silver.tickets") | .rows' <<<"$rows")" "rows by sql"
else
  echo "note: no libduckdb here (scripts/install-deps duckdb); sql was not run"
fi
refused run "${small[@]}" --seed 3
refused publish --run-id "$run"
refused runs retry "$run"
refused table checkpoint silver.tickets
same "$(state)" "$before" "the lake after all this"

# a database that another version must bring up to date first
chmod u+w lake lake/control.db
sqlite3 lake/control.db "DELETE FROM meta_migrations"
chmod a-w lake lake/control.db
expect 1 'has schema version 0, this program needs [0-9]+; have a user who may write there look at it once' other "$pqr" runs --lake lake
# a database that may not even be read
chmod 000 lake/control.db
expect 1 'cannot read control database .*Permission denied; give this user the right to read it' other "$pqr" runs --lake lake
chmod -R u+w lake
done_testing
