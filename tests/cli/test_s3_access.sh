#!/usr/bin/env bash
# Ways to an S3 server and what bars them, on real servers: buckets as virtual hosts, TLS with a CA of one's own, users without
# rights, what is missing or wrong. Each refusal is one line that says what to do.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$root/tests/cli/stack.sh"
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE SSL_CERT_FILE AWS_MAX_ATTEMPTS AWS_ENDPOINT_URL_S3 AWS_VIRTUAL_HOSTED_STYLE_REQUEST
export AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_CONFIG_FILE=/dev/null
stack_up s3:versitygw s3:versitygw-tls s3:minio fault
gateway=$(echo "${PQR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pqr}"/stack/versitygw-*/bin/versitygw)
lake=s3://$PQR_STACK_BUCKET
use() { unset AWS_CA_BUNDLE AWS_SESSION_TOKEN; stack_use "$1"; }
# refused STATUS PATTERN COMMAND...: that status, and one line on standard error that matches
refused() {
  local want=$1 pattern=$2 code
  shift 2
  "$@" >refused.out 2>refused.err </dev/null
  code=$?
  same "$code" "$want" "status of: $* ($(cat refused.err))"
  same "$(wc -l <refused.err)" 1 "lines of: $*"
  grep -qE -- "^pqr: error.*$pattern" refused.err || bad "$*: no /$pattern/ in: $(cat refused.err)"
}
run() { rm -f control.db*; "$pqr" run "${small[@]}" --lake "$1" --json --no-progress >run.json 2>run.log; echo "$? $(field .root <run.json)"; }
list() { "$pqr" table list --lake "$lake/$1" --log-level error | sed 's/ *20[0-9-]*T[0-9:.]*Z$//'; }

want=$(run disk)
[ "${#want}" -eq 66 ] || bad "the run on a disk: $want $(tail -n 1 run.log)"

# the bucket as a virtual host: libcurl knows that names below localhost are this machine. What one style wrote the other reads.
for server in versitygw minio; do
  use "s3:$server"
  direct=$AWS_ENDPOINT_URL
  export AWS_ENDPOINT_URL=http://localhost:${direct##*:}
  same "$(AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true run "$lake/virtual")" "$want" "$server by virtual host: status and root ($(tail -n 1 run.log))"
  same "$(run "$lake/path")" "$want" "$server by path: status and root ($(tail -n 1 run.log))"
  same "$(AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true list path)" "$(list virtual)" "$server: tables in both styles"
  printf '[default]\ns3 =\n  addressing_style = virtual\n' >config
  AWS_CONFIG_FILE=$work/config expect 0 'silver.tickets' list virtual
  AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true AWS_ENDPOINT_URL=$direct refused 2 'needs an endpoint with a name, found 127.0.0.1' list virtual
done

# TLS: trusted by the CA's certificate alone
use s3:versitygw-tls
ca=$AWS_CA_BUNDLE
same "$(run "$lake/tls")" "$want" "TLS: status and root ($(tail -n 1 run.log))"
same "$(unset AWS_CA_BUNDLE; SSL_CERT_FILE=$ca list tls)" "$(list tls)" "TLS: SSL_CERT_FILE in place of AWS_CA_BUNDLE"
printf '[default]\nca_bundle = %s\n' "$ca" >config
same "$(unset AWS_CA_BUNDLE; AWS_CONFIG_FILE=$work/config list tls)" "$(list tls)" "TLS: ca_bundle of a profile"
port=${AWS_ENDPOINT_URL##*:}
AWS_ENDPOINT_URL=https://localhost:$port AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true expect 0 'silver.tickets' list tls
AWS_CA_BUNDLE='' refused 1 "signed by nobody whom this machine trusts: set AWS_CA_BUNDLE to a PEM file" list tls
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=another CA' -keyout other.key -out other.pem 2>/dev/null
AWS_CA_BUNDLE=$work/other.pem refused 1 "signed by nobody whom $work/other.pem trusts: set AWS_CA_BUNDLE" list tls
AWS_CA_BUNDLE=$work/nowhere.pem refused 1 "$work/nowhere.pem is no readable PEM file of certificates: check AWS_CA_BUNDLE" list tls
AWS_ENDPOINT_URL=https://other.localhost:$port refused 1 'TLS with other.localhost:[0-9]*: its certificate is for other names: .*AWS_ENDPOINT_URL' list tls
AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_MAX_ATTEMPTS=1 refused 5 'AWS_ENDPOINT_URL' list tls
use s3:versitygw
AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL/http:/https:} refused 1 'TLS with .* failed: .*AWS_ENDPOINT_URL .*http://' list path
# a certificate that expired as it was made, before the same server
tls=$PQR_STACK_DIR/fault:tls
mkdir -p "$tls"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout "$tls/key.pem" -out request.pem 2>/dev/null
openssl x509 -req -in request.pem -CA other.pem -CAkey other.key -CAcreateserial -days 0 -extfile <(echo 'subjectAltName=IP:127.0.0.1') -out "$tls/cert.pem" 2>/dev/null
"$stack" up fault:tls >up.log 2>&1 || bad "fault:tls: $(tail -n 1 up.log)"
AWS_ENDPOINT_URL=$(eval "$("$stack" env fault:tls)"; echo "$PQR_STACK_FAULT_TLS_URL") AWS_CA_BUNDLE=$work/other.pem \
  refused 1 'its certificate has expired or is not valid yet: renew it' list path

# keys and buckets
for server in versitygw minio; do
  use "s3:$server"
  AWS_SECRET_ACCESS_KEY=wrong refused 1 'the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY' list path
  AWS_ACCESS_KEY_ID=wrong refused 1 'the access key is unknown there: check AWS_ACCESS_KEY_ID' list path
  lake=s3://no-such-bucket-here refused 1 'there is no such bucket: make it, or check AWS_ENDPOINT_URL .*check --lake' list path
  refused 1 'there is no such bucket: make it' "$pqr" run "${small[@]}" --lake s3://no-such-bucket-here/x --log-level error --no-progress
done
use s3:minio
AWS_SESSION_TOKEN=not.a.token refused 1 'the session token is not valid: get new credentials, or unset AWS_SESSION_TOKEN' list path
# No server lets a token expire within a test (15 minutes at least): the answer is AWS's, by the proxy.
use s3:versitygw
curl -s --noproxy '*' -X PUT --data-binary 'answer status=400 code=ExpiredToken' "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null
AWS_ENDPOINT_URL=$PQR_STACK_FAULT_URL AWS_SESSION_TOKEN=old refused 1 'the session token has expired: get new credentials \(AWS_SESSION_TOKEN\)' list path
AWS_ENDPOINT_URL=$PQR_STACK_FAULT_URL AWS_SESSION_TOKEN=old refused 1 'the session token has expired' "$pqr" run "${small[@]}" --lake "$lake/expired" --log-level error --no-progress
curl -s --noproxy '*' -X DELETE "$PQR_STACK_FAULT_CONTROL/rules" >/dev/null

# rights: a user without any, then one who may only look
ADMIN_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID ADMIN_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY ADMIN_ENDPOINT_URL=$AWS_ENDPOINT_URL \
  "$gateway" admin create-user --access visitor --secret visiting --role user >user.log 2>&1 || bad "create-user: $(cat user.log)"
visitor() { AWS_ACCESS_KEY_ID=visitor AWS_SECRET_ACCESS_KEY=visiting "$@"; }
denied='access denied: give the access key that right \(docs/operate.md lists all it needs\)'
visitor refused 1 "$denied" list path
visitor refused 1 "$denied" "$pqr" run "${small[@]}" --lake "$lake/path" --log-level error --no-progress
cat >policy.json <<POLICY
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["visitor"]}, "Action": ["s3:ListBucket", "s3:GetObject"],
  "Resource": ["arn:aws:s3:::$PQR_STACK_BUCKET", "arn:aws:s3:::$PQR_STACK_BUCKET/*"]}]}
POLICY
same "$(curl -s -o answer -w '%{http_code}' --noproxy '*' --aws-sigv4 aws:amz:us-east-1:s3 -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -X PUT \
  -H "x-amz-content-sha256: $(sha256sum <policy.json | cut -d' ' -f1)" --data-binary @policy.json "$AWS_ENDPOINT_URL/$PQR_STACK_BUCKET?policy=")" 204 "PutBucketPolicy ($(cat answer))"
same "$(visitor list path)" "$(list path)" "tables for one who may look"
run "$lake/path" >/dev/null # control.db of that lake
visitor expect 0 ' 0 differences' "$pqr" verify --lake "$lake/path"
visitor expect 0 'ok +lake .*/path; this user may read it and not write it' "$pqr" doctor --lake "$lake/path"
visitor expect 1 'BAD +lake .*access denied' "$pqr" doctor --lake "$lake/new"
rm -f control.db*
visitor refused 1 "$denied" "$pqr" run "${small[@]}" --lake "$lake/new" --log-level error --no-progress
grep -qE 'try put-if-absent|write' refused.err || bad "no verb in: $(cat refused.err)"
done_testing
