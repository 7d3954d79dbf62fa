#!/usr/bin/env bash
# core.dim_geo where PostGIS stands: each municipality is a point, too; and a server without the extension needs none.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
command -v psql >/dev/null || { echo "SKIPPED: no psql here"; exit 77; }
mkdir server
chmod 755 "$work"
"$root/tests/postgres" start "$work/server" || exit
trap '"$root/tests/postgres" stop "$work/server" >/dev/null 2>&1; rm -rf "$work"' EXIT
export PGHOST=$work/server PGUSER=postgres
unset PGPORT PGDATABASE
sql() { psql -XAtq -d "$1" -c "$2" 2>/dev/null; }
[ "$(sql postgres "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'")" = 1 ] ||
  { echo "SKIPPED: no PostGIS for this server (Debian package postgresql-VERSION-postgis-3)"; exit 77; }
sql postgres 'CREATE DATABASE plain'
sql postgres 'CREATE DATABASE places'
sql places 'CREATE SCHEMA extensions' # where Supabase has it
sql places 'CREATE EXTENSION postgis SCHEMA extensions'
same "$(sql places "SELECT count(*) FROM pg_extension WHERE extname = 'postgis'")" 1 "the extension"
columns="SELECT string_agg(column_name || ' ' || udt_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_schema = 'core' AND table_name = 'dim_geo'"
rows='SELECT md5(string_agg(d::text, chr(10) ORDER BY d::text)) FROM (SELECT dane_city_code, latitude, longitude, run_id FROM core.dim_geo) AS d'
for database in plain places; do
  "$pqr" run "${small[@]}" --lake $database --control "postgresql:///$database" --quiet >/dev/null 2>log || bad "$database: $(tail -n 1 log)"
done
same "$(sql places "$columns")" "$(sql plain "$columns"), location geography" "columns of core.dim_geo"
same "$(sql places "$rows")" "$(sql plain "$rows")" "rows of core.dim_geo"
n=$(sql plain 'SELECT count(*) FROM core.dim_geo')
[ "${n:-0}" -gt 10 ] || bad "core.dim_geo has '$n' rows"
fits="SELECT count(*) FROM core.dim_geo WHERE extensions.ST_X(location::extensions.geometry) = longitude::float8
  AND extensions.ST_Y(location::extensions.geometry) = latitude::float8 AND extensions.ST_SRID(location::extensions.geometry) = 4326"
placed=$(sql plain 'SELECT count(*) FROM core.dim_geo WHERE latitude IS NOT NULL AND longitude IS NOT NULL')
same "$(sql places "$fits")" "$placed" "points that are latitude and longitude"
# Once more, over the same rows, and after the table was lost.
run_id=$("$pqr" runs --lake places --control postgresql:///places --json | jq -r '.[0].run_id')
expect 0 SUCCESS "$pqr" publish --run-id "$run_id" --lake places --control postgresql:///places
same "$(sql places "$fits")" "$placed" "points after publishing again"
sql places 'DROP TABLE core.dim_geo CASCADE'
expect 0 SUCCESS "$pqr" publish --run-id "$run_id" --lake places --control postgresql:///places
same "$(sql places "$fits")" "$placed" "points after the table was lost"
# Metres between two of them: what it is for.
far=$(sql places "SELECT round(max(extensions.ST_Distance(a.location, b.location)) / 1000) FROM core.dim_geo a, core.dim_geo b")
if [ "${far:-0}" -lt 100 ] || [ "$far" -gt 3000 ]; then bad "the two places farthest apart are '$far' km apart"; fi
done_testing
