#!/usr/bin/env bash
# The same bytes for 1, 2 and 7 threads; for a task run by hand; and for another folder.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
for threads in 1 2 7; do
  expect 0 SUCCESS "$pqr" run "${small[@]}" --lake "lake$threads" --threads "$threads"
done
same "$(lake_hash lake2)" "$(lake_hash lake1)" "2 threads against 1"
same "$(lake_hash lake7)" "$(lake_hash lake1)" "7 threads against 1"

# Every raw task by hand, last first, then the rest of the job: the same lake again.
"$pqr" plan "${small[@]}" --lake hand >plan.json || bad "plan"
n=$(jq '.stages[0].tasks | length' plan.json)
[ "$n" -ge 1 ] || bad "no raw task in the plan"
for ((i = n - 1; i >= 0; i--)); do
  jq ".stages[0].tasks[$i]" plan.json | "$pqr" task - --lake hand >result.json || bad "task $i"
  same "$(jq -r '.outputs | length > 0' result.json)" true "task $i wrote something"
done
expect 0 SUCCESS "$pqr" run "${small[@]}" --lake hand
same "$(lake_hash hand)" "$(lake_hash lake1)" "tasks by hand"
expect 0 SUCCESS "$pqr" run "${small[@]}" --lake other --seed 43
[ "$(lake_hash other)" != "$(lake_hash lake1)" ] || bad "another seed gave the same lake"
done_testing
