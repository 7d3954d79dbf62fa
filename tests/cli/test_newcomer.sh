#!/usr/bin/env bash
# The mistakes of a first day: each is told in one line that says what to do, and leaves nothing behind.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
nothing() { [ -z "$(ls -A)" ] || bad "$1 left $(ls -A | tr '\n' ' ')"; }

# slips of the keyboard
expect 2 "did you mean runs\?" "$pqr" rnus
expect 2 "did you mean quality\?" "$pqr" qualtiy
expect 2 "did you mean --from\?" "$pqr" run --form 2026-01-01
expect 2 'expected raw, bronze, silver, gold or publish' "$pqr" run --until brozne
expect 2 'expected a date YYYY-MM-DD, found "01-09-2025"' "$pqr" run --from 01-09-2025
expect 2 'files are given with --input' "$pqr" run events.jsonl
expect 2 "unexpected argument 'FROM'; a statement stands between quotes" "$pqr" sql SELECT FROM
expect 2 "unexpected argument 'latest'; a run is named with --run" "$pqr" verify latest
expect 2 "a shell replaces ~ at the beginning of a word alone: expected the whole path, found \"~/lake\"" "$pqr" run --lake='~/lake'
expect 2 'expected a path, file:///path or s3://bucket/prefix, found "s3:/bucket/lake"' "$pqr" run --lake s3:/bucket/lake
expect 2 'emit-from 2020-01-01 lies outside the run.s days, 2025-09-01 to 2026-02-28' "$pqr" run --emit-from 2020-01-01
expect 2 '--seed: .*expected an integer of at most 9223372036854775807' "$pqr" run --seed 99999999999999999999
nothing "a wrong command line"

# the wrong folder: nothing is made there by looking
for command in runs quality lineage verify bronze silver gold publish 'runs show 00000000-0000-4000-8000-000000000000'; do
  # shellcheck disable=SC2086
  expect 1 'no lake at \./lake: .*--lake.*pqr run' "$pqr" $command
done
expect 1 'no lake at ' "$pqr" runs --lake "file://$work/elsewhere"
nothing "looking at no lake"

# YAML by hand
printf 'simulation:\n\tseed: 3\n' >pqr.yaml
expect 2 'pqr.yaml:2: .*spaces, not tabs' "$pqr" run
printf 'simulation:\n  sede: 3\n' >pqr.yaml
expect 2 'pqr.yaml:2: simulation.sede: .*did you mean "seed"' "$pqr" run
printf 'lake: ./here\n' >pqr.yaml
expect 2 'pqr.yaml:1: lake: expected a map' "$pqr" run
rm pqr.yaml
nothing "a wrong configuration"

# a folder that is no lake yet
mkdir empty
expect 1 'the lake .*/empty has no tickets yet: .pqr run. makes them' "$pqr" explain RAD-1 --lake empty
rm -r empty

# a file where the lake should be
touch notes
expect 1 'cannot open lake notes: .*a file stands where a folder belongs.*--lake' "$pqr" run "${small[@]}" --lake notes
expect 1 'notes: .*a file stands where' "$pqr" runs --lake notes

# the report: aligned, with a total; nothing in it where nothing was done
expect 0 'SUCCESS' "$pqr" run "${small[@]}"
report=$("$pqr" run "${small[@]}")
for pattern in '^  stage +tasks +rows in +rows out +MB out +seconds +MB/s$' '^  total +[0-9.]+$' '^  raw +[0-9]+ +- +[0-9 ]+' \
  'raw lines = .* bronze rows \+ 0 duplicates \+ 0 rejects' '^  type +closed +late +in_time_pct$' '^  P +[0-9 ]+ +[0-9]+ +[0-9]+\.[0-9]{2}$'; do
  grep -qE "$pattern" <<<"$report" || bad "report: no /$pattern/"
done
"$pqr" runs | awk 'length > 120 {exit 1}' || bad "runs: lines over 120 columns"
id=$("$pqr" runs --json | jq -r '.[0].run_id')
"$pqr" runs show "$id" >shown
awk 'length > 120 {exit 1}' shown || bad "runs show: lines over 120 columns"
same "$(sed -nE '/^tasks/,/^$/s/^  ([a-z]+) .*/\1/p' shown | tr '\n' ' ')" "stage raw bronze silver gold publish " "order of the stages"
same "$("$pqr" runs show "$id" --json | jq '.quality | length')" "$("$pqr" quality --json | jq length)" "checks of runs show --json"
expect 0 '^  publish  gold.daily_kpis -> serving.gold_daily_kpis$' "$pqr" lineage

# a place that is not there: the name that was given, and no other
expect 1 '^pqr: error: cannot create missing/r.html: No such file or directory$' "$pqr" report --html --period 2026Q1 -o missing/r.html

# names that are none, with where to look
expect 2 "^pqr: error: --where: no column \"colour\"; .pqr table schema. lists the columns" "$pqr" table cat silver.tickets --where 'colour = 3'
expect 2 '"yesterday" is no value of column created_at, which is timestamp, as 2025-09-01 or 2025-09-01T12:00:00-05:00' "$pqr" table cat silver.tickets --where 'created_at > yesterday'
expect 2 'has no column "colour"; .pqr table schema. lists the columns' "$pqr" table cat silver.tickets --columns colour
expect 2 'expected two run ids; .pqr runs. lists them' "$pqr" runs diff latest
expect 1 'no ticket RAD-1: .*table cat silver.tickets. lists them' "$pqr" explain RAD-1
expect 0 '^PASS +bronze.pqrs_events +counts_conserve +[0-9]+( [0-9]{3})+ +[0-9]+( [0-9]{3})+ +CRITICAL' "$pqr" quality

# control.db deleted: said, then recorded again from the lake
before=$(lake_hash lake)
checks=$("$pqr" quality --json | jq -c 'map([.dataset, .check_name, .result, .value])')
rm lake/control.db*
expect 1 'no runs recorded for lake .*control.db' "$pqr" verify
expect 0 '\(before\)' "$pqr" run "${small[@]}"
same "$(lake_hash lake)" "$before" "lake after control.db was lost"
expect 0 ' 0 differences' "$pqr" verify
same "$("$pqr" quality --json | jq -c 'map([.dataset, .check_name, .result, .value])')" "$checks" "checks after control.db was lost"
same "$("$pqr" runs show "$id" --json | jq -c '.tasks | map(select(.tasks > 0 and .rows_out > 0) | .stage)')" '["raw","bronze","silver","gold","publish"]' "stages after control.db was lost"
same "$(sqlite3 lake/control.db 'SELECT COUNT(*) > 0 FROM gold_daily_kpis')" 1 "published again"

# a raw file edited by hand
object=$(find lake/raw -name events.jsonl | LC_ALL=C sort | head -n 1)
cp "$object" saved
printf '\n' >>"$object"
expect 4 ' 1 difference;' "$pqr" verify
cat saved >"$object"
expect 0 ' 0 differences;' "$pqr" verify

# a machine with next to nothing: what it needs is said, and not a registry blamed
mkdir few && ln -s "$(command -v dirname)" few/
expect 1 '^get-libduckdb: needs curl and unzip: apt-get install curl ca-certificates unzip$' env PATH="$work/few" PQR_CACHE="$work/none" "$BASH" "$root/scripts/get-libduckdb"

# a build without a terminal tells how far it is while it builds
mkdir tools
printf '#!/bin/bash\n. %s/tests/poll.sh; echo "[1/10] first"; within 120 test -e %s/go; echo "[10/10] last"\n' "$root" "$work" >tools/ninja
printf '#!/bin/sh\n' >tools/cmake
chmod +x tools/ninja tools/cmake
PATH=$work/tools:$PATH "$root/scripts/build" newcomer >building 2>&1 &
within 120 grep -q '^building build-newcomer: 1 of 10$' building || bad "a build that tells nothing while it builds"
touch go
wait $! || bad "a build: $(cat building)"
grep -q '^building build-newcomer: 10 of 10$' building || bad "a build that does not tell its end"

# no right to write
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  chmod 755 "$work"
  other() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
  if other "$pqr" --version >/dev/null 2>&1; then
    expect 1 'give this user' other "$pqr" run "${small[@]}"
    expect 0 'ok +lake .*this user may read it and not write it' other "$pqr" doctor
    expect 1 'BAD +lake .*give this user' other "$pqr" doctor --lake "$work/theirs"
    expect 1 'give this user' other "$pqr" run "${small[@]}" --lake "$work/theirs"
    echo '{}' >"$work/secret.jsonl" && chmod 600 "$work/secret.jsonl"
    expect 1 'cannot read input .*secret.jsonl: Permission denied; give this user the right to read it' other "$pqr" run --input "$work/secret.jsonl"
  else
    echo "note: another user cannot run $pqr here; the cases without rights were not run"
  fi
else
  echo "note: no right to become another user here; the cases without rights were not run"
fi
done_testing
