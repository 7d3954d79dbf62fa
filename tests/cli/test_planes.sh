#!/usr/bin/env bash
# The default run on disk and SQLite, and on S3 and PostgreSQL: the README's manifest root, and the same published rows; a shorter one
# on disk and PostgreSQL, and on S3 and SQLite.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$root/tests/cli/stack.sh"
# shellcheck source-path=SCRIPTDIR source=rows.sh
. "$root/tests/cli/rows.sh"
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE AWS_ENDPOINT_URL_S3 PQR_SIMULATION_SPIKE_ENABLED
stack_up postgres s3
lake=s3://$PQR_STACK_BUCKET/planes
for name in disk_pg s3_pg; do psql -XAtq -c "CREATE DATABASE $name" || bad "cannot create database $name"; done

# run NAME LAKE CONTROL [RANGE...]: its report in NAME.json
run() {
  timeout 300 "$pqr" run --lake "$2" --control "$3" --json --no-progress "${@:4}" >"$1.json" 2>"$1.log" || bad "$1: $(tail -n 1 "$1.log")"
}
published() { # NAME TABLE
  case $1 in
  *_lite) sqlite_rows "$1.db" gold "$2" ;;
  *_pg) postgres_rows "postgresql:///$1" gold "$2" ;;
  esac
}
tables=$(published_tables)
[ "$(wc -w <<<"$tables")" -ge 14 ] || bad "only these tables: $tables"
# as NAME OTHER...: the others have its root, its counts, and its rows of each published table
as() {
  local name table rows=0
  for name in "${@:2}"; do
    same "$(field .root <"$name.json")" "$(field .root <"$1.json")" "$name: manifest root"
    same "$(jq -c '[.rows, .quality.warn, .quality.fail]' "$name.json")" "$(jq -c '[.rows, .quality.warn, .quality.fail]' "$1.json")" "$name: rows and checks"
  done
  for table in $tables; do
    published "$1" "$table" >want.rows
    [ -s want.rows ] || bad "$1: gold.$table is empty"
    rows=$((rows + $(wc -l <want.rows)))
    for name in "${@:2}"; do
      published "$name" "$table" >got.rows
      cmp -s got.rows want.rows || bad "gold.$table: $name differs from $1: $(diff got.rows want.rows | head -n 3)"
    done
  done
  same "$rows" "$(jq '[.rows.gold[]] | add' "$1.json")" "$1: rows compared"
}

# all of it where both planes are near, and where both are far
run disk_lite disk_lite sqlite:disk_lite.db
run s3_pg "$lake/pg" "postgresql:///s3_pg"
want=$(grep -xE '[0-9a-f]{64}' "$root/README.md")
same "$(field .root <disk_lite.json)" "$want" "manifest root"
as disk_lite s3_pg

# one of them far: six weeks show it as well
run near_lite near_lite sqlite:near_lite.db "${small[@]}"
run s3_lite "$lake/lite" sqlite:s3_lite.db "${small[@]}"
run disk_pg disk_pg "postgresql:///disk_pg" "${small[@]}"
as near_lite s3_lite disk_pg

# both planes remote: every command goes on from there, and a finished run does nothing
remote=(--lake "$lake/pg" --control "postgresql:///s3_pg")
expect 0 'nothing' "$pqr" run "${remote[@]}"
expect 0 ' 0 differences; manifest root '"$want" "$pqr" verify "${remote[@]}"
expect 0 "$(field .run_id <s3_pg.json)" "$pqr" runs "${remote[@]}"
expect 0 'silver.tickets' "$pqr" lineage "${remote[@]}"
expect 0 '^ok +lake' "$pqr" doctor "${remote[@]}"
done_testing
