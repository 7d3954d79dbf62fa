#!/usr/bin/env bash
# The default run: its root is the README's, every count agrees, it fits its memory, and running it again does nothing.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
unset PQR_SIMULATION_SPIKE_ENABLED

# 512 MiB of address space is more than strict for 512 MiB of resident memory.
(ulimit -v 524288 && exec "$pqr" run --json --threads 2 --no-progress) >report.json 2>log || bad "default run under 512 MiB: $(tail -n 2 log)"
readme_root=$(grep -oE '^[0-9a-f]{64}$' "$root/README.md")
same "$(field .root <report.json)" "$readme_root" "manifest root"
same "$(field .status <report.json)" SUCCESS "status"
same "$(field '.rows.raw == .rows.bronze + .rows.rejected + .rows.duplicates' <report.json)" true "conservation"
same "$(field .quality.fail <report.json)" 0 "failed checks"
same "$(field .quality.warn <report.json)" 0 "warnings"
events=$(field .rows.raw <report.json)
[ "$events" -gt 2000000 ] || bad "only $events events"
before=$(lake_hash lake)
expect 0 'nothing to do' "$pqr" run
expect 0 ' 0 differences' "$pqr" verify
same "$(lake_hash lake)" "$before" "lake after a second run"
same "$(temporary_files lake)" 0 "temporary files"
sql() { sqlite3 lake/control.db "$1"; }
same "$(sql 'SELECT SUM(total_tickets) FROM gold_daily_kpis')" "$(field '.rows.silver["tickets"] // .rows.silver["silver.tickets"]' <report.json)" "published tickets"
same "$(sql 'SELECT COUNT(*) FROM gold_tickets_snapshot')" "$(field '.rows.silver["tickets"] // .rows.silver["silver.tickets"]' <report.json)" "published snapshot"
same "$(sql "SELECT SUM(closed_count) FROM gold_kpi_sla_daily")" "$(sql "SELECT SUM(tickets_count) FROM gold_sla_daily")" "closed tickets"
breach=$(sql "SELECT CAST(ROUND(1000.0 * SUM(overdue_count) / SUM(closed_count)) AS INT) FROM gold_kpi_sla_daily")
{ [ "$breach" -ge 70 ] && [ "$breach" -le 120 ]; } || bad "breach rate $breach per mille is outside 70..120"
same "$(sql "SELECT COUNT(*) FROM meta_runs WHERE status = 'SUCCESS'")" 1 "runs"
done_testing
