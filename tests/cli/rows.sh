# tests/cli/rows.sh: the rows of a published table, in one spelling of numbers, times and truth and in one order, so that those of
# SQLite and of PostgreSQL can be compared byte by byte.
# shellcheck shell=bash disable=SC2154 # pqr comes from lib.sh
# postgres_rows URI SCHEMA TABLE [COLUMN]: without this column
postgres_rows() {
  local columns
  columns=$(psql -XAtq "$1" -c "SELECT string_agg(CASE WHEN t = 'timestamptz' THEN format('to_char(%I AT TIME ZONE ''UTC'', ''YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'')', c)
    WHEN t = 'bool' THEN format('%I::int', c) WHEN t = 'numeric' THEN format('to_char(%I, ''FM9999999990.000000'')', c) ELSE format('%I', c) END, ', ' ORDER BY n)
    FROM (SELECT column_name AS c, udt_name AS t, ordinal_position AS n FROM information_schema.columns WHERE table_schema = '$2' AND table_name = '$3' AND column_name <> '${4:-}') x")
  psql -XAtq "$1" -c "SELECT $columns FROM $2.$3" | LC_ALL=C sort
}
# sqlite_rows FILE SCHEMA TABLE [COLUMN]
sqlite_rows() {
  local columns
  columns=$(sqlite3 "$1" "SELECT group_concat(CASE WHEN type LIKE 'DECIMAL%' THEN 'printf(''%.6f'', ' || name || ')' ELSE name END, ', ') FROM pragma_table_info('$2_$3') WHERE name <> '${4:-}'")
  sqlite3 "$1" "SELECT $columns FROM $2_$3" | LC_ALL=C sort
}
published_tables() { "$pqr" contract pqrs --format ddl-postgres | sed -nE 's/^CREATE TABLE IF NOT EXISTS gold\.([a-z_]+).*/\1/p'; }
