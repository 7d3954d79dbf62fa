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
# the bucket as a virtual host
for server in versitygw minio; do
  stack_use "s3:$server"
  same "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' --aws-sigv4 aws:amz:us-east-1:s3 -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    -H "x-amz-content-sha256: $(sha256sum </dev/null | cut -d' ' -f1)" "http://$PQR_STACK_BUCKET.localhost:${AWS_ENDPOINT_URL##*:}/")" 200 "$server by virtual host"
done
done_testing
