#!/usr/bin/env bash
# pqr sql with the libduckdb before the newest: all of test_sql.sh.
library=$(printf '%s\n' "${PQR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pqr}"/duckdb/1.*/libduckdb.so | sort -V | tail -n 1)
[ -e "$library" ] || { echo "SKIPPED: no libduckdb 1.x here (scripts/install-deps test)"; exit 77; }
PQR_DUCKDB_LIB=$library exec bash "$(dirname "$0")/test_sql.sh"
