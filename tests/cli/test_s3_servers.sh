#!/usr/bin/env bash
# What docs/operate.md says of the S3 servers: which let one client win when 16 create a key at once, and one which lets all.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=stack.sh
. "$root/tests/cli/stack.sh"
stack_up s3:moto s3:versitygw s3:minio s3:s3rver
python=$(echo "${PQR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pqr}"/stack/moto-*/bin/python3) # it has boto3
race() { stack_use "s3:$1" && "$python" "$root/tests/stack/race.py" 6; }
for server in versitygw minio; do
  expect 0 'complete: 6 of 6 rounds with one winner' race "$server"
done
expect 1 'put: 0 of 6 rounds with one winner, most winners 16' race s3rver
done_testing
