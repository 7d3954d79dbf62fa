#!/usr/bin/env bash
# The same job on disk or S3, recorded in SQLite or PostgreSQL: one manifest root, one set of published rows.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$root/tests/cli/stack.sh"
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE AWS_ENDPOINT_URL_S3
stack_up postgres s3
lake=s3://$PQR_STACK_BUCKET/planes
for name in disk_pg s3_pg; do psql -XAtq -c "CREATE DATABASE $name" || bad "cannot create database $name"; done

# run NAME LAKE CONTROL: its root and rows in NAME.json
run() {
  timeout 300 "$pqr" run "${small[@]}" --lake "$2" --control "$3" --json --no-progress >"$1.json" 2>"$1.log" || bad "$1: $(tail -n 1 "$1.log")"
}
run disk_lite disk_lite sqlite:disk_lite.db
run s3_lite "$lake/lite" sqlite:s3_lite.db
run disk_pg disk_pg "postgresql:///disk_pg"
run s3_pg "$lake/pg" "postgresql:///s3_pg"
want=$(field .root <disk_lite.json)
[ "${#want}" -eq 64 ] || bad "no root: $want"
for name in s3_lite disk_pg s3_pg; do
  same "$(field .root <$name.json)" "$want" "$name: manifest root"
  same "$(jq -c '[.rows, .quality.warn, .quality.fail]' $name.json)" "$(jq -c '[.rows, .quality.warn, .quality.fail]' disk_lite.json)" "$name: rows and checks"
done

# What was published, table by table; SQLite against PostgreSQL is tests/cli/test_postgres.sh's. PostgreSQL has core too, and its checks.
tables=$("$pqr" contract gold --format ddl-postgres | sed -nE 's/^CREATE TABLE IF NOT EXISTS gold\.([a-z_]+).*/\1/p')
for table in $tables; do
  for name in disk s3; do
    sqlite3 "${name}_lite.db" "SELECT * FROM gold_$table" | LC_ALL=C sort >"$name.lite"
    psql -XAtq -d "${name}_pg" -c "SELECT * FROM gold.$table" | LC_ALL=C sort >"$name.pg"
  done
  [ -s disk.lite ] || bad "gold.$table is empty"
  same "$(wc -l <disk.pg)" "$(wc -l <disk.lite)" "gold.$table: rows in PostgreSQL and SQLite"
  cmp -s s3.lite disk.lite || bad "gold.$table: SQLite beside S3 differs: $(diff s3.lite disk.lite | head -n 3)"
  cmp -s s3.pg disk.pg || bad "gold.$table: PostgreSQL beside S3 differs: $(diff s3.pg disk.pg | head -n 3)"
done

# both planes remote: every command goes on from there, and a finished run does nothing
remote=(--lake "$lake/pg" --control "postgresql:///s3_pg")
expect 0 'nothing' "$pqr" run "${small[@]}" "${remote[@]}"
expect 0 ' 0 differences; manifest root '"$want" "$pqr" verify "${remote[@]}"
expect 0 "$(field .run_id <s3_pg.json)" "$pqr" runs "${remote[@]}"
expect 0 'silver.tickets' "$pqr" lineage "${remote[@]}"
expect 0 '^ok +lake' "$pqr" doctor "${remote[@]}"
done_testing
