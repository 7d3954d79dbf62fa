#!/usr/bin/env bash
# The dashboard of `pqr serve` in Chromium, over the default run: every page in both languages, themes and sizes, without an error, a
# request elsewhere or a breach of accessibility; what it shows is what the SQL gives.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
unset PQR_SIMULATION_SPIKE_ENABLED
chromium=${PQR_CHROMIUM:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "SKIPPED: no Chromium here (Debian package chromium)"; exit 77; }
modules=$("$root/scripts/web" modules 2>&1) || { echo "${modules##*$'\n'}"; exit 77; }
export PQR_CACHE=${PQR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pqr} # before HOME is another
export HOME=$work                                                # where Chromium leaves its things

"$pqr" run --from 2025-09-01 --to 2025-09-01 --volume 5 --quiet --lake one && "$pqr" sql 'SELECT 1' --lake one >sql.out 2>&1
grep -q 'no libduckdb' sql.out && { echo "SKIPPED: no libduckdb here (scripts/install-deps duckdb): cases are read by it"; exit 77; }

# a Node.js that is too old for the browser driver is told as such
mkdir old && printf '#!/bin/sh\necho v18.20.4\n' >old/node && chmod +x old/node
expect 77 '^SKIPPED: playwright-core wants Node.js 20 or newer \(here v18.20.4\)$' env PATH="$work/old:$PATH" "$root/scripts/web" modules

# what a browser has to fetch, all of it
gzipped=$(cd "$root/web/dist" && cat -- *.html *.js *.css *.json *.svg | gzip -9 | wc -c)
[ "$gzipped" -le 409600 ] || bad "the dashboard is $gzipped bytes gzipped"

expect 0 "" "$pqr" run --quiet --lake lake
expect 0 "" "$pqr" run clickstream --quiet --lake lake
"$pqr" stream produce --sink - --rate max --limit 20000 2>/dev/null | "$pqr" stream aggregate --source - --source-id shop --lake lake >/dev/null 2>&1 || bad "the stream"
"$pqr" serve --listen 127.0.0.1:0 --json --sql --lake lake >serve.out 2>serve.err &
server=$!
export PQR_SERVER_AUTH_JWT_SECRET=a-secret-of-the-dashboard-of-32-bytes-or-more
"$pqr" serve --listen 127.0.0.1:0 --json --lake lake >closed.out 2>closed.err &
closed=$!
listening() { [ -s serve.out ] && [ -s closed.out ]; }
within 120 listening || bad "pqr serve: $(cat serve.err closed.err)"
url=$(jq -r .url serve.out)
PQR_DASHBOARD_CLOSED=$(jq -r .url closed.out)
export PQR_DASHBOARD_CLOSED
node "$root/tests/web/dashboard.mjs" "$modules" "$url" "$work/lake" "$pqr" ${PQR_DASHBOARD_PICTURES:+"$PQR_DASHBOARD_PICTURES"} || bad "the dashboard"
kill -TERM "$server" "$closed"
wait "$server" || bad "pqr serve ended with $?"
wait "$closed" || bad "pqr serve with tokens ended with $?"
done_testing
