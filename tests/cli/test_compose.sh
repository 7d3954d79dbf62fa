#!/usr/bin/env bash
# deploy/compose.yaml: what `docker compose config` makes of it where there is that client (no engine is needed), and without it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
python=/usr/bin/python3
[ -x "$python" ] || python=python3
git -C "$root" check-ignore -q deploy/.env 2>/dev/null || [ ! -e "$root/.git" ] || bad "deploy/.env is not ignored by git"
"$python" "$root/tests/stack/check_compose.py" >out 2>&1
code=$?
compose=()
for candidate in "docker compose" docker-compose; do
  # shellcheck disable=SC2086
  $candidate version >/dev/null 2>&1 && read -ra compose <<<"$candidate" && break
done
if [ "${#compose[@]}" -gt 0 ]; then
  expect 1 'POSTGRES_PASSWORD|RUSTFS_SECRET_KEY|GRAFANA_PASSWORD|PQR_BI_PASSWORD' "${compose[@]}" -f "$root/deploy/compose.yaml" --env-file "$root/deploy/.env.example" config
  sed -E 's/^([A-Z_]+(PASSWORD|SECRET_KEY))=$/\1=secret/' "$root/deploy/.env.example" >env
  "${compose[@]}" -f "$root/deploy/compose.yaml" --env-file env --profile extended config --format json >config.json 2>errors ||
    bad "${compose[*]} config: $(tail -n 3 errors)"
  expect 0 'sound' "$python" "$root/tests/stack/check_compose.py" config.json
elif [ "$code" -eq 77 ]; then
  cat out
  exit 77
fi
[ "$code" -eq 0 ] || [ "$code" -eq 77 ] || bad "$(cat out)"
done_testing
