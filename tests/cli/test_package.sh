#!/usr/bin/env bash
# make package: the .deb installs on an empty Debian 12 and 13, the program there works and finds its documents, the wheel beside
# it works there too. The empty machines are folders made by debootstrap, kept in the cache.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cache=${PQR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pqr}/debian
skip() { echo "SKIPPED: $1"; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "an empty Debian is made by root"
(cd "$root" && scripts/install-deps package && scripts/package) >package.log 2>&1 || { cat package.log; exit 1; }
deb=$(echo "$root"/build-package/pqr_*.deb) wheel=$(echo "$root"/build-package/pqr_lakehouse-*.whl)
dpkg-deb -c "$deb" >contents
for file in usr/bin/pqr usr/include/pqr.h usr/share/man/man1/pqr.1 usr/share/bash-completion/completions/pqr usr/share/doc/pqr/README.md \
  usr/share/doc/pqr/docs/operate.md usr/share/pqr/get-libduckdb; do
  grep -qE " \./$file(\.gz)?$" contents || bad "not in the package: $file"
done
grep -q '/pkgconfig/pqr.pc$' contents || bad "not in the package: pqr.pc"

# machine SUITE: an empty one in ./SUITE, status 1 where it cannot be had
machine() {
  local new
  mkdir -p "$cache" "$1"
  if [ ! -e "$cache/$1.tar" ]; then
    command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >/dev/null 2>&1 || return 1
    new=$(mktemp -d "$PWD/boot-XXXX")
    debootstrap --variant=minbase "$1" "$new" >"$1.log" 2>&1 && tar -C "$new" -cf "$cache/.$1.tar" . && mv "$cache/.$1.tar" "$cache/$1.tar"
    rm -rf "$new"
  fi
  [ -e "$cache/$1.tar" ] && tar -C "$1" -xf "$cache/$1.tar" && chmod 755 "$1" # mktemp's folder let nobody but root in
}
job=(--from 2026-01-05 --to 2026-01-07 --volume 20)
want=$("$pqr" run "${job[@]}" --lake here --json --quiet | field .root)
tried=0
for suite in bookworm trixie; do
  machine "$suite" || { echo "not tested: $suite: no debootstrap, or its archive is out of reach"; continue; }
  tried=$((tried + 1))
  cp "$deb" "$suite/tmp/pqr.deb"
  cp "$wheel" "$suite/tmp/"
  inside() { chroot "$work/$suite" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PQR_SIMULATION_SPIKE_ENABLED=false DEBIAN_FRONTEND=noninteractive "$@"; }
  cp /etc/resolv.conf "$suite/etc/" 2>/dev/null
  inside sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends /tmp/pqr.deb python3' >"$suite.log" 2>&1 || { bad "$suite: $(tail -n 3 "$suite.log")"; continue; }
  same "$(inside pqr --version)" "$("$pqr" --version)" "$suite: version"
  same "$(inside pqr run "${job[@]}" --lake /tmp/lake --json --quiet | field .root)" "$want" "$suite: root"
  expect 0 'documents: +/usr/share/doc/pqr ' inside pqr help
  [ -s "$suite/usr/share/doc/pqr/docs/operate.md" ] || bad "$suite: no documents where pqr help says"
  expect 1 'no libduckdb here: ./usr/share/pqr/get-libduckdb. gets it' inside pqr sql 'SELECT 1' --lake /tmp/lake
  expect 1 'needs curl and unzip: apt-get install' inside /usr/share/pqr/get-libduckdb
  inside python3 -m zipfile -e "/tmp/$(basename "$wheel")" /tmp/wheel || bad "$suite: the wheel"
  same "$(inside env PYTHONPATH=/tmp/wheel python3 -c 'import pqr_lakehouse; print(pqr_lakehouse.Table("silver.tickets", lake="/tmp/lake").version)' 2>&1)" 0 "$suite: the wheel's library"
  expect 0 '' inside apt-get purge -y -qq pqr
  [ ! -e "$suite/usr/bin/pqr" ] && [ ! -e "$suite/usr/share/pqr" ] || bad "$suite: left after purge"
  rm -rf "${work:?}/$suite"
done
[ "$tried" -gt 0 ] || [ "$fails" -gt 0 ] || skip "no empty Debian here (debootstrap and Debian's archive)"
done_testing
