#!/usr/bin/env bash
# Ten times the volume, the whole job, in 1 GiB of address space: stages stream, they don't load.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
unset PQR_SIMULATION_SPIKE_ENABLED
free_gb=$(df --output=avail -BG . | tail -n 1 | tr -dc 0-9)
[ "$free_gb" -ge 14 ] || { echo "SKIPPED: ten times the volume needs 14 GB of disk, $free_gb GB are free in $work"; exit 77; }
(ulimit -v 1048576 && exec "$pqr" run --json --threads 2 --no-progress --volume 11500) >report.json 2>log || bad "ten times the volume under 1 GiB: $(tail -n 2 log)"
same "$(field .status <report.json)" SUCCESS "status"
[ "$(field .rows.raw <report.json)" -gt 20000000 ] || bad "only $(field .rows.raw <report.json) events"
same "$(field '.rows.raw == .rows.bronze + .rows.rejected + .rows.duplicates' <report.json)" true "conservation"
# A day of a million tickets: one object alone is larger than this.
(ulimit -v 655360 && exec "$pqr" run --json --threads 2 --no-progress --lake day --volume 1000000 --from 2025-09-01 --to 2025-09-01 --until raw) >day.json 2>log \
  || bad "a day of a million tickets under 640 MiB: $(tail -n 2 log)"
[ "$(find day/raw -name events.jsonl -size +500M | wc -l)" -gt 0 ] || bad "no object of over 500 MB"
done_testing
