#!/usr/bin/env bash
# pqr metrics: as the control plane has it, read by Prometheus' own tools; through Pushgateway, Prometheus and Alertmanager to a person.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$root/tests/cli/stack.sh"
metric() { "$pqr" metrics --lake "${2:-lake}" | sed -nE "s/^$1 //p"; }

# ---- what it says is what the tables say
expect 1 'no lake at lake' "$pqr" metrics --lake lake
expect 0 "" "$pqr" run "${small[@]}" --quiet --lake lake
expect 0 "" "$pqr" run clickstream --from 2026-01-01 --to 2026-01-02 --quiet --lake lake
sql() { sqlite3 lake/control.db "$1"; }
same "$(metric 'pqr_backlog\{pqrs_type="P"\}')" \
  "$(sql "SELECT sum(backlog_count) FROM gold_kpi_backlog_daily WHERE pqrs_type = 'P' AND day = (SELECT max(day) FROM gold_kpi_backlog_daily)")" backlog
same "$(metric 'pqr_sla_breaches\{pqrs_type="R"\}')" "$(sql "SELECT sum(overdue_count) FROM gold_kpi_sla_daily WHERE pqrs_type = 'R'")" breaches
same "$(metric 'pqr_stage_records_total\{workload="pqrs",stage="bronze",direction="out"\}')" "$(sql "SELECT bronze_rows FROM meta_runs WHERE workload = 'pqrs'")" records
same "$(metric 'pqr_stage_records_total\{workload="clickstream",stage="raw",direction="out"\}')" "$(sql "SELECT raw_rows FROM meta_runs WHERE workload = 'clickstream'")" "records of clickstream"
same "$(metric 'pqr_last_run_status\{workload="pqrs",status="success"\}')" 1 status
same "$(date -u -d "@$(metric 'pqr_last_success_timestamp_seconds\{workload="pqrs"\}')" +%FT%T)" \
  "$(sql "SELECT substr(finished_at, 1, 19) FROM meta_runs WHERE workload = 'pqrs'")" "last success"
same "$(metric 'pqr_quality_checks\{workload="pqrs",layer="gold",result="pass"\}')" "$(sql "SELECT count(*) FROM meta_quality_checks q JOIN meta_runs r USING (run_id) WHERE workload = 'pqrs' AND layer = 'gold' AND result = 'PASS'")" checks
# rejects by reason, over two runs
printf '{"event_id":1}\nnot json\nalso not\n' >bad.jsonl
printf 'worse\n' >worse.jsonl
cat lake/raw/pqrs/source=*/day=2026-01-0[1-3]/run_id=*/events.jsonl >good.jsonl
cat good.jsonl bad.jsonl >one.jsonl
cat good.jsonl worse.jsonl >two.jsonl
expect 0 "" "$pqr" run --input one.jsonl --quiet --lake files
expect 0 "" "$pqr" run --input two.jsonl --quiet --lake files
same "$(metric 'pqr_rejected_records_total\{reason="not_json"\}' files)" 3 "rejects of two runs"
same "$("$pqr" metrics --lake files | grep -c '^pqr_rejected_records_total')" 2 "reasons"

# ---- a file for node exporter: whole, no other file beside it
mkdir textfile
expect 0 "" "$pqr" metrics --lake lake --textfile textfile/pqr.prom
same "$(ls textfile)" pqr.prom "the folder of the text file"
grep -v '^pqr_leases' textfile/pqr.prom | cmp -s - <("$pqr" metrics --lake lake | grep -v '^pqr_leases') || bad "the text file is not what is printed"
expect 1 'cannot create nowhere/pqr.prom' "$pqr" metrics --lake lake --textfile nowhere/pqr.prom
expect 2 'expected http://HOST:PORT of a Pushgateway' "$pqr" metrics --lake lake --push localhost:9091
expect 5 'cannot send metrics to http://127.0.0.1:9' "$pqr" metrics --lake lake --push http://127.0.0.1:9/

# ---- members of streams tell of themselves
"$pqr" stream produce --sink - --rate max --limit 1000 --start 2026-03-01T10:00:00Z --late-share 0.05 >events.jsonl 2>/dev/null
mkfifo lines
"$pqr" stream aggregate --source - --interval 0.05 --metrics-listen 127.0.0.1:0 --lake streamed <lines 2>member.log &
member=$!
exec 5>lines
{ cat events.jsonl; echo '{"no":"event"}'; } >&5
scrape() { curl -s --noproxy '*' --max-time 60 "http://127.0.0.1:$(sed -nE 's/.*metrics at port ([0-9]+).*/\1/p' member.log)/$1"; }
counted() { [ "$(scrape metrics | sed -nE 's/^pqr_stream_records_total\{.*\} //p')" = 1001 ]; }
within 120 counted || bad "1001 records: $(scrape metrics | head -n 3) $(tail -n 2 member.log)"
scrape metrics >stream.prom
grep -qE '^pqr_stream_rejected_records_total\{command="aggregate",topic="",reason="[a-z_]+"\} 1$' stream.prom || bad "rejected: $(grep rejected stream.prom)"
same "$(sed -nE 's/^pqr_stream_late_records_total\{.*\} //p' stream.prom)" "$(sqlite3 streamed/control.db 'SELECT sum(event_count) FROM realtime_late_events')" 'late events'
same "$(scrape healthz)" ok healthz
same "$(scrape nothing | jq .status)" 404 'what is not there'
expect 2 "expected ADDR:PORT, found .nowhere." "$pqr" stream land --source - --metrics-listen nowhere --lake streamed
exec 5>&-
wait "$member" || bad "the member: $(tail -n 1 member.log)"
command -v promtool >/dev/null || { echo "SKIPPED: no promtool here (scripts/install-deps prometheus)"; done_testing; exit 77; }
expect 0 "" promtool check metrics <textfile/pqr.prom
expect 0 "" promtool check metrics <stream.prom
"$pqr" metrics --lake files | promtool check metrics >promtool.out 2>&1 || bad "promtool: $(cat promtool.out)"
(cd "$root/deploy/prometheus" && promtool check config prometheus.yml && promtool check config compose.yml && promtool test rules rules_test.yml && amtool check-config alertmanager.yml) >promtool.out 2>&1 ||
  bad "deploy/prometheus: $(tail -n 20 promtool.out)"
for alert in $(sed -nE "s/.*alert: (.*)/\1/p" "$root/deploy/prometheus/rules.yml"); do
  grep -q "^### $alert" "$root/docs/operate.md" || bad "docs/operate.md has no entry for $alert"
  grep -q "alertname: $alert" "$root/deploy/prometheus/rules_test.yml" || bad "rules_test.yml has no case for $alert"
done

# ---- a run fails; somebody is told
cat >webhook.py <<'PY'
import http.server, json, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open("alerts", "a") as f:
            for a in body["alerts"]:
                print(a["status"], a["labels"]["alertname"], a["labels"].get("workload"), a["annotations"]["summary"], file=f)
        self.send_response(200); self.end_headers()
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
print(server.server_port, flush=True)
server.serve_forever()
PY
exec 7< <(exec python3 webhook.py)
webhook=$!
read -r port <&7
export PQR_ALERT_WEBHOOK=http://127.0.0.1:$port/ PQR_PROMETHEUS_INTERVAL=1s
stack_up prometheus:pushgateway prometheus:alertmanager prometheus
expect 0 "" "$pqr" metrics --lake lake --push "$PQR_PUSHGATEWAY_URL"
# doctor looks at what the environment names
for service in Prometheus Pushgateway Alertmanager; do expect 0 "^ok +$service +http://127.0.0.1:" "$pqr" doctor --lake lake; done
expect 0 '^ok +Dask +tcp://127.0.0.1:' env DASK_SCHEDULER_ADDRESS="tcp://${PQR_PROMETHEUS_URL#http://}" "$pqr" doctor --lake lake
expect 1 '^BAD +Dask +nobody takes connections at tcp://127.0.0.1:9, which DASK_SCHEDULER_ADDRESS names' env DASK_SCHEDULER_ADDRESS=tcp://127.0.0.1:9 "$pqr" doctor --lake lake
expect 1 '^BAD +Prefect +http://127.0.0.1:9/api/health, which PREFECT_API_URL names, does not answer' env PREFECT_API_URL=http://127.0.0.1:9/api/ "$pqr" doctor --lake lake
expect 1 "^BAD +Airflow +$PQR_PROMETHEUS_URL/api/v2/monitor/health answers 404" env PQR_STACK_AIRFLOW_URL="$PQR_PROMETHEUS_URL" "$pqr" doctor --lake lake
env SPARK_MASTER='local[2]' METABASE_URL=https://me:secret@127.0.0.1:9 "$pqr" doctor --lake lake | grep -qE 'Spark|secret' && bad "doctor looks at what is no address"
asked() { curl -fsS "$PQR_PROMETHEUS_URL/api/v1/query" --data-urlencode "query=$1" | jq -r '.data.result[0].value[1]'; }
answers() { [ "$(asked "$1")" = "$2" ]; }
within 120 answers 'pqr_last_run_status{workload="pqrs",job="pqr"}' 1 || bad "Prometheus does not have the last run: $(asked pqr_last_run_status)"
within 120 answers 'pqr:backlog:sum' "$(sql "SELECT sum(backlog_count) FROM gold_kpi_backlog_daily WHERE day = (SELECT max(day) FROM gold_kpi_backlog_daily)")" || bad "pqr:backlog:sum: $(asked pqr:backlog:sum)"
[ -e alerts ] && bad "an alert before anything failed: $(cat alerts)"
expect 3 "" "$pqr" run --input bad.jsonl --quiet --lake failing
expect 0 "" "$pqr" metrics --lake failing --push "$PQR_PUSHGATEWAY_URL"
within 120 grep -qs '^firing PqrRunFailed pqrs the newest run of pqrs failed' alerts || bad "nobody was told: $(cat alerts 2>/dev/null)"
kill "$webhook"
done_testing
