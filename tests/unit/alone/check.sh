#!/usr/bin/env bash
# A program that was linked with one workload alone: it holds that workload, no other, and works. Usage: check.sh PROGRAM WORKLOAD OPTION...
# Of the toy, which no command line configures: it is linked, and knows its tables.
set -euo pipefail
program=$1 workload=$2
shift 2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
nm "$program" >"${TMPDIR:-/tmp}/alone.$$"
trap 'rm -rf "${TMPDIR:-/tmp}/alone.$$" "${lake:-}"' EXIT
others=$(find "$root/src/workloads" -mindepth 1 -maxdepth 1 -type d ! -name "$workload" -printf '%f\n')
grep -qE " ${workload}_workload\$" "${TMPDIR:-/tmp}/alone.$$" || { echo "no $workload in $program"; exit 1; }
for other in $others; do
  if grep -E " ${other}_" "${TMPDIR:-/tmp}/alone.$$" | head -n 5 | grep .; then echo "$program holds symbols of $other"; exit 1; fi
done
"$program" contract gold --format ddl-sqlite | grep -q 'CREATE TABLE'
[ $# -gt 0 ] || exit 0
lake=$(mktemp -d)
cd "$lake"
"$program" run --lake lake --from 2025-09-01 --to 2025-09-01 "$@" --quiet --no-progress --json | grep -q "\"workload\":\"$workload\""
"$program" verify --lake lake | grep -q ' 0 differences'
