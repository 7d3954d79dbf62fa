#!/bin/sh
# Run by the image of PostgreSQL when it makes its cluster: the login "dashboards", which may what pqr_bi may (roles.sql).
set -eu
psql -X -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v password="$PQR_BI_PASSWORD" <<'SQL'
CREATE ROLE pqr_bi NOLOGIN;
CREATE ROLE dashboards LOGIN PASSWORD :'password' IN ROLE pqr_bi;
SQL
