#!/usr/bin/env bash
# Every command of the manual answers as written there.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
expect 0 '^pqr [0-9]' "$pqr" --version
expect 0 'commands:' "$pqr" --help
expect 2 'commands:' "$pqr"
expect 0 'commands:' "$pqr" -h
expect 0 '^usage: pqr run' "$pqr" -h run
commands=$("$pqr" help | sed -nE '/^commands:/,/^$/s/^  ([a-z]+) .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 15 ] || bad "too few commands: $commands"
for command in $commands; do
  expect 0 "^usage: pqr $command" "$pqr" help "$command"
  expect 0 "^usage: pqr $command" "$pqr" "$command" --help
  expect 0 "^usage: pqr $command" "$pqr" "$command" -h
done
expect 0 '^\.SS pqr run' "$pqr" help --man
bash -n <("$pqr" completion) || bad "completion is not bash"
expect 1 'no lake at' "$pqr" runs

expect 0 SUCCESS "$pqr" run "${small[@]}"
id=$(sqlite3 lake/control.db 'SELECT run_id FROM meta_runs')
expect 0 "$id" "$pqr" runs
expect 0 "$id" "$pqr" runs list
expect 0 'SUCCESS' "$pqr" runs show "$id"
same "$("$pqr" runs --json | jq -r '.[0].status')" SUCCESS "runs --json"
same "$("$pqr" runs show "$id" --json | jq -r '.run[0].run_id')" "$id" "runs show --json"
"$pqr" run "${small[@]}" --json 2>/dev/null | jq -c '.stages | map([.name, .tasks, .rows_in, .rows_out, .seconds > 0])' >stages
same "$("$pqr" runs show "$id" --json | jq -c '.tasks | map([.stage, .tasks, .rows_in, .rows_out, .seconds > 0])')" "$(cat stages)" "stages of runs show"
same "$(jq -r 'map(.[0]) | join(" ")' stages)" "raw bronze silver gold publish" "stages of a run"
# A program built from a git tree knows its commit.
git_sha=$("$pqr" runs show "$id" --json | jq -r '.run[0].git_sha')
if [ -z "${PQR:-}" ] && git -C "$root" rev-parse HEAD >/dev/null 2>&1; then
  [[ $git_sha =~ ^[0-9a-f]{40}$ ]] || bad "git_sha of a run: $git_sha"
fi
expect 0 'SUCCESS|nothing' "$pqr" runs retry "$id"

# a run by the beginning of its id, by latest, and --run for short
for name in "$id" "${id:0:4}" "${id^^}" latest; do
  same "$("$pqr" runs show "$name" --json | jq -r '.run[0].run_id')" "$id" "runs show $name"
  expect 0 ' 0 differences' "$pqr" verify --run "$name"
  same "$("$pqr" quality --run "$name" --json | sha256sum)" "$("$pqr" quality --run-id="$id" --json | sha256sum)" "quality --run $name"
  same "$("$pqr" table cat gold.daily_kpis --run "$name" --format csv | sha256sum)" "$("$pqr" table cat gold.daily_kpis --format csv | sha256sum)" "table cat --run $name"
  expect 0 'part-.*parquet' "$pqr" table files gold.daily_kpis --run-id "$name"
done
expect 1 "no run begins with 0000-; .pqr runs. lists them" "$pqr" table cat gold.daily_kpis --run 0000-
expect 2 'each name a version: give one' "$pqr" table cat gold.daily_kpis --run "$id" --version 0
expect 2 'one of them' "$pqr" sql 'SELECT 1' --run "$id" --version 0
if "$pqr" sql 'SELECT 1' >/dev/null 2>&1; then
  for name in "$id" "${id:0:4}" latest; do
    same "$("$pqr" sql --run "$name" --format csv 'SELECT count(*) FROM silver.tickets')" "$("$pqr" sql --format csv 'SELECT count(*) FROM silver.tickets')" "sql --run $name"
  done
fi
mv lake/control.db elsewhere
expect 0 'part-' "$pqr" table files gold.daily_kpis --run "$id"
mv elsewhere lake/control.db
other_digit=$([ "${id:0:1}" = 0 ] && echo 1 || echo 0)
expect 1 "no run begins with $other_digit; .pqr runs. lists them" "$pqr" quality --run "$other_digit"
expect 2 "expected a run's id .a UUID., the beginning of one, or latest, found 'newest'" "$pqr" quality --run newest
cp -r lake two
sqlite3 two/control.db "CREATE TEMP TABLE copy AS SELECT * FROM meta_run_records; UPDATE copy SET run_id = substr(run_id, 1, 8) || '-0000-4000-8000-000000000000'; INSERT INTO meta_run_records SELECT * FROM copy"
expect 2 "2 runs begin with ${id:0:4}, as .*: give more of the id" "$pqr" quality --run "${id:0:4}" --lake two

# what a line can become: commands, options, values, tables, runs
words() { "$pqr" completion words -- "$@" | paste -sd ' '; }
same "$(words qual)" quality "a command"
same "$(words run --until g)" gold "a value of an option"
same "$(words --log-level w)" warn "a value of an option of every command"
same "$(words table h)" history "an action"
same "$(words table cat silver.tick)" silver.tickets "a table"
same "$(words --lake two table cat silver.tick)" silver.tickets "a table of another lake"
same "$(words --lake nowhere table cat silver.)" "" "tables of no lake"
[ ! -e nowhere ] || bad "completion made a lake"
same "$(words quality --run-id "${id:0:6}")" "$id" "a run"
same "$(words quality --run lat)" latest "latest"
same "$(words table cat silver.tickets --run "${id:0:6}")" "$id" "a run of table"
same "$(words sql --run "${id:0:6}")" "$id" "a run of sql"
same "$(words runs show "${id:0:6}")" "$id" "a run to show"
same "$(words contract silver.mess)" silver.messages "a table of the contract"
same "$(words sql --format p)" parquet "a format of sql"
same "$(words table list '')" "" "an argument of list"
expect 2 'expected bash, zsh or fish' "$pqr" completion csh

# a lost control plane: every command that asks it for runs says the same
cp -r lake lost && rm lost/control.db*
says=$("$pqr" quality --lake lost 2>&1 | sed 's/^pqr: error: //')
grep -q 'where control.db was lost' <<<"$says" || bad "quality of a lost control plane: $says"
same "$("$pqr" runs --lake lost)" "$says" "runs of a lost control plane"

expect 0 'PASS' "$pqr" quality
same "$("$pqr" quality --run-id "$id" --json | jq 'map(select(.result != "PASS")) | length')" 0 "checks that did not pass"
expect 0 'silver.tickets' "$pqr" lineage
expect 0 '^digraph' "$pqr" lineage --format dot
for format in json openlineage; do "$pqr" lineage --format "$format" | jq -es 'length > 0' >/dev/null || bad "lineage --format $format is not JSON"; done
expect 0 'CREATE|MERGE' "$pqr" lineage --format cypher
expect 2 'format' "$pqr" lineage --format picture
expect 0 ' 0 differences' "$pqr" verify
expect 0 'lake' "$pqr" doctor
expect 0 '^none +lake +none yet at mistyped: `pqr run` makes it' "$pqr" doctor --lake mistyped
expect 0 '^none +lake +none yet at ' "$pqr" doctor --lake "file://$work/no/such/place"
same "$("$pqr" doctor --lake mistyped --json | jq -c 'map(select(.check == "control plane") | .ok, .text[0:8])')" '[null,"none yet"]' "doctor of no control plane"
[ ! -e mistyped ] && [ ! -e no ] || bad "doctor made a lake"
expect 0 'CREATE TABLE' "$pqr" contract gold.kpi_volume_daily --format ddl-sqlite
expect 0 'CREATE VIEW' "$pqr" contract --format ddl-sqlite
expect 0 '^## raw.event' "$pqr" contract
expect 2 "no table or layer 'brass'" "$pqr" contract brass
same "$("$pqr" contract --json | jq -S . | sha256sum)" "$("$pqr" contract --format json-schema | jq -S . | sha256sum)" "contract --json"
same "$("$pqr" contract silver.tickets --json | jq -r 'type')" object "contract of a table as JSON"
expect 2 'one of them' "$pqr" contract --json --format markdown
same "$("$pqr" contract --format json-schema | jq -r 'keys | length')" 30 'documents of the whole contract'
"$pqr" contract silver.tickets --format json-schema | jq -e . >/dev/null || bad "contract json-schema"
same "$("$pqr" plan "${small[@]}" | jq -r '.stages | map(.name) | join(" ")')" "raw bronze silver gold" "stages of the plan"

# stage by stage is the same as all at once
expect 0 '' "$pqr" generate "${small[@]}" --lake steps
expect 1 'bronze' "$pqr" silver --lake steps --run-id "$id"
for stage in bronze silver gold publish; do expect 0 '' "$pqr" "$stage" --lake steps --run-id "$id"; done
same "$(lake_hash steps)" "$(lake_hash lake)" "stage by stage"
expect 0 'SUCCESS' "$pqr" runs show "$id" --lake steps
expect 0 '' "$pqr" run "${small[@]}" --seed 7 --no-publish
other=$(sqlite3 lake/control.db "SELECT run_id FROM meta_runs WHERE run_id <> '$id'")
expect 0 'seed' "$pqr" runs diff "$id" "$other"
# a check that one run has and the other not, either way round, and values that are NULL
expect 0 'quality publish gold.daily_kpis published_rows +PASS [0-9]+ +not checked' "$pqr" runs diff "$id" "$other"
expect 0 'quality publish gold.daily_kpis published_rows +not checked +PASS [0-9]+' "$pqr" runs diff "$other" "$id"
cp -r lake edited
sqlite3 edited/control.db "UPDATE meta_quality_checks SET value = NULL WHERE layer = 'bronze' AND run_id = '$id'; UPDATE meta_quality_checks SET value = NULL, result = 'WARN' WHERE layer = 'raw' AND run_id = '$other'"
"$pqr" runs diff "$id" "$other" --lake edited --json >diff.json || bad "runs diff --json"
same "$(jq -c '[.[] | select(.what == null or .a == null or .b == null)]' diff.json)" '[]' "nameless lines of runs diff"
same "$(jq -c '[.[] | select(.what | startswith("quality raw")) | .b] | unique' diff.json)" '["WARN"]' "a check without a value"
[ "$(jq -c '[.[] | select(.what | startswith("quality bronze")) | .a] | unique' diff.json)" = '["PASS"]' ] || bad "checks without a value: $(jq -c . diff.json)"
same "$(sqlite3 lake/control.db 'SELECT COUNT(DISTINCT run_id) FROM gold_daily_kpis')" 1 "--no-publish published nothing"

# a refused run shows no status that is not its own; retry reports as run does; the KPIs shown are the run's own
expect 1 'begun with another configuration' "$pqr" run "${small[@]}" --run-id "$id" --seed 9
grep -q PENDING <<<"$("$pqr" run "${small[@]}" --run-id "$id" --seed 9 2>&1)" && bad "a refused run was shown as PENDING"
expect 0 "^run $id  SUCCESS  nothing to do" "$pqr" runs retry "$id"
same "$("$pqr" runs retry "$id" --json | jq -r .nothing_to_do)" true "runs retry --json"
expect 0 '^Tickets created by month' "$pqr" run "${small[@]}"
expect 0 '' "$pqr" publish --run-id "$other"
expect 0 'hold a run that was published later' "$pqr" run "${small[@]}"
grep -q 'Tickets created' <<<"$("$pqr" run "${small[@]}")" && bad "the KPIs of another run were shown"

# logs are set by configuration, variables and flags, the later wins
printf 'log:\n  level: error\n  format: json\n' >log.yaml
same "$("$pqr" run "${small[@]}" --until raw --lake log1 --config log.yaml 2>&1 >/dev/null)" "" "log.level: error in pqr.yaml"
"$pqr" run "${small[@]}" --until raw --lake log2 --config log.yaml --log-level info 2>log >/dev/null || bad "log.format"
jq -e '.msg' log >/dev/null || bad "log.format: json in pqr.yaml"
same "$(PQR_LOG_LEVEL=error "$pqr" run "${small[@]}" --until raw --lake log3 2>&1 >/dev/null)" "" "PQR_LOG_LEVEL=error"

# The operational picture goes to SQLite on request only.
same "$(sqlite3 lake/control.db "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'core%'")" 0 "core tables without publish.core"
PQR_PUBLISH_CORE=true "$pqr" run "${small[@]}" --lake core --json --quiet >core.json || bad "publish.core"
same "$(sqlite3 core/control.db 'SELECT COUNT(DISTINCT ticket_id) FROM core_tickets')" "$(jq '.rows.silver["tickets"] // .rows.silver["silver.tickets"]' core.json)" "core_tickets"
same "$(sqlite3 core/control.db "SELECT COUNT(*) FROM core_ticket_events e JOIN core_tickets t USING (ticket_id) WHERE e.status_to = 'RADICATED' AND e.ts = t.radicated_at")" \
  "$(sqlite3 core/control.db 'SELECT COUNT(*) FROM core_tickets WHERE radicated_at IS NOT NULL')" "core_ticket_events"
same "$(sqlite3 core/control.db "SELECT count(*), count(DISTINCT role), min(text <> '') FROM core_messages m JOIN core_tickets t USING (ticket_id)")" \
  "$(jq '.rows.silver["messages"]' core.json)|2|1" "core_messages"
for dim in status:10 status_transition:11 channel:5 pqrs_type:4 priority:3 role:4; do
  same "$(sqlite3 core/control.db "SELECT count(*) FROM core_dim_${dim%:*}")" "${dim#*:}" "core_dim_${dim%:*}"
done

# an empty lake, before there is a run; what is there stays
expect 0 '^lake +.*new: made$' "$pqr" lake create --lake new
[ -s new/control.db ] || bad "lake create: no control plane"
expect 0 '^lake +.*new: was there$' "$pqr" lake create --lake new
expect 0 'no runs|^\[?\]?$' "$pqr" runs --lake new
expect 0 SUCCESS "$pqr" run "${small[@]}" --lake new
expect 0 'was there' "$pqr" lake create --lake new
expect 0 ' 0 differences' "$pqr" verify --lake new
expect 2 'expected create' "$pqr" lake make --lake new2
expect 2 . "$pqr" lake --lake new2
[ ! -e new2 ] || bad "a wrong command made a lake"

# JSON logs are JSON, quiet is quiet
"$pqr" run "${small[@]}" --lake logs --log-format json 2>log >/dev/null || bad "json logs"
[ -s log ] && { jq -es 'all(has("ts") and has("level") and has("msg"))' log >/dev/null || bad "log lines are not JSON"; }
PQR_LOG_FORMAT=json "$pqr" run "${small[@]}" --seed 8 --lake logs --replace-published 2>log >/dev/null || bad "json logs by a variable"
{ [ -s log ] && jq -es 'all(has("msg"))' log >/dev/null; } || bad "PQR_LOG_FORMAT=json has no effect"
PQR_LOG_LEVEL=error "$pqr" run "${small[@]}" --seed 9 --lake logs --replace-published 2>log >/dev/null || bad "a level by a variable"
[ -s log ] && bad "PQR_LOG_LEVEL=error has no effect"
"$pqr" run "${small[@]}" --lake quiet --quiet >out 2>err || bad "quiet"
[ -s out ] || [ -s err ] && bad "--quiet printed something"
done_testing
