#!/usr/bin/env bash
# The default run on disk or S3, recorded in SQLite or PostgreSQL: the README's manifest root, and the same published rows.
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

# run NAME LAKE CONTROL: its root and rows in NAME.json
run() {
  timeout 300 "$pqr" run --lake "$2" --control "$3" --json --no-progress >"$1.json" 2>"$1.log" || bad "$1: $(tail -n 1 "$1.log")"
}
run disk_lite disk_lite sqlite:disk_lite.db
run s3_lite "$lake/lite" sqlite:s3_lite.db
run disk_pg disk_pg "postgresql:///disk_pg"
run s3_pg "$lake/pg" "postgresql:///s3_pg"
want=$(grep -xE '[0-9a-f]{64}' "$root/README.md")
[ "${#want}" -eq 64 ] || bad "no root in README.md: $want"
for name in disk_lite s3_lite disk_pg s3_pg; do
  same "$(field .root <$name.json)" "$want" "$name: manifest root"
  same "$(jq -c '[.rows, .quality.warn, .quality.fail]' $name.json)" "$(jq -c '[.rows, .quality.warn, .quality.fail]' disk_lite.json)" "$name: rows and checks"
done

# What was published, table by table and row by row.
tables=$(published_tables)
[ "$(wc -w <<<"$tables")" -ge 14 ] || bad "only these tables: $tables"
rows=0
for table in $tables; do
  sqlite_rows disk_lite.db gold "$table" >want.rows
  [ -s want.rows ] || bad "gold.$table is empty"
  rows=$((rows + $(wc -l <want.rows)))
  for name in s3_lite disk_pg s3_pg; do
    case $name in
    *_lite) sqlite_rows "$name.db" gold "$table" ;;
    *_pg) postgres_rows "postgresql:///$name" gold "$table" ;;
    esac >got.rows
    cmp -s got.rows want.rows || bad "gold.$table: $name differs from disk and SQLite: $(diff got.rows want.rows | head -n 3)"
  done
done
same "$rows" "$(jq '[.rows.gold[]] | add' disk_lite.json)" "rows compared"

# both planes remote: every command goes on from there, and a finished run does nothing
remote=(--lake "$lake/pg" --control "postgresql:///s3_pg")
expect 0 'nothing' "$pqr" run "${remote[@]}"
expect 0 ' 0 differences; manifest root '"$want" "$pqr" verify "${remote[@]}"
expect 0 "$(field .run_id <s3_pg.json)" "$pqr" runs "${remote[@]}"
expect 0 'silver.tickets' "$pqr" lineage "${remote[@]}"
expect 0 '^ok +lake' "$pqr" doctor "${remote[@]}"
done_testing
