#!/usr/bin/env bash
# The documents are true: every command and option is described, links lead somewhere, derived files are the program's output,
# and what is installed can be used.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# every command has a section, which names its options; the options of every command stand in their table
manual=$root/docs/cli.md
sections() { sed -nE 's/^### (pqr .*)$/\1/p' "$manual"; }
section_of() { awk -v c="pqr $1" '/^##/ {on = 0; n = split(substr($0, 5), names, ", "); for (i = 1; i <= n; i++) if (index(names[i] " ", c " ") == 1) on = 1} on' "$manual"; }
general=$(sed -n '/^## Options of every command/,/^## The job/p' "$manual")
commands=$("$pqr" help | sed -nE '/^commands:/,/^$/s/^  ([a-z]+) .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 15 ] || bad "too few commands: $commands"
for option in $("$pqr" help | sed -nE '/^options of every/,/^$/s/^  (--[a-z-]+).*/\1/p'); do
  grep -qE -- "\`$option[ \`]" <<<"$general" || bad "docs/cli.md: no $option among the options of every command"
done
for command in $commands; do
  section=$(section_of "$command")
  [ -n "$section" ] || { bad "docs/cli.md: no section on pqr $command"; continue; }
  own=$("$pqr" help "$command" | sed -nE '/^options:/,/^$/s/^  (--[a-z-]+).*/\1/p')
  for option in $own; do
    grep -qE -- "\`$option[ \`]" <<<"$section" || bad "docs/cli.md: pqr $command has $option, its section has not"
  done
  for option in $(grep -oE '`--[a-z-]+' <<<"$section" | tr -d '`' | sort -u); do
    "$pqr" help "$command" | grep -qE -- "^  $option( |$)" || bad "docs/cli.md: the section on pqr $command names $option, which it does not have"
  done
done
while read -r _ name _; do
  grep -qx "${name%,}" <<<"$commands" || bad "docs/cli.md: a section on pqr $name, which is no command"
done < <(sections)

# relative links, and the headings they point to
anchor() { tr '[:upper:]' '[:lower:]' <<<"$1" | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'; }
for document in "$root"/README.md "$root"/CONTRIBUTING.md "$root"/CHANGELOG.md "$root"/docs/*.md; do
  name=${document#"$root"/}
  while read -r link; do
    case $link in *://* | mailto:*) continue ;; esac
    target=$(dirname "$document")/${link%%#*}
    [ "${link%%#*}" = "" ] && target=$document
    [ -e "$target" ] || { bad "$name: link to $link, which is not there"; continue; }
    case $link in *#*)
      found=
      while read -r heading; do [ "$(anchor "$heading")" = "${link#*#}" ] && found=1; done < <(sed -nE 's/^#+ (.*)$/\1/p' "$target")
      [ -n "$found" ] || bad "$name: link to $link, a heading that is not there"
      ;;
    esac
  done < <(grep -oE '\]\([^) ]+\)' "$document" | sed -E 's/^\]\((.*)\)$/\1/')
done

# derived files
expect 0 '' "$pqr" contract --write contracts
diff -r contracts "$root/contracts/pqrs/v2" >difference || bad "contracts/pqrs/v2 is not what the program says (make docs): $(head -n 3 difference)"
expect 0 '' "$pqr" contract clickstream --write clicks
diff -r clicks "$root/contracts/clickstream/v1" >difference || bad "contracts/clickstream/v1 is not what the program says (make docs): $(head -n 3 difference)"
"$pqr" help --man | cmp -s - "$root/docs/pqr.1" || bad "docs/pqr.1 is not what the program says (make docs)"
"$pqr" serve --describe markdown | cmp -s - "$root/docs/api.md" || bad "docs/api.md is not what the program says (make docs)"
"$pqr" serve --describe openapi | python3 -c 'import json, sys; assert json.load(sys.stdin)["openapi"].startswith("3.1")' || bad "openapi is no OpenAPI 3.1"
for shell in bash zsh fish; do
  "$pqr" completion "$shell" | cmp -s - "$root/scripts/pqr.$shell" || bad "scripts/pqr.$shell is not what the program says (make docs)"
done
if command -v mandoc >/dev/null; then
  mandoc -T lint -W warning "$root/docs/pqr.1" >lint 2>&1 || bad "docs/pqr.1: $(head -n 3 lint)"
elif command -v groff >/dev/null; then
  groff -man -ww -z "$root/docs/pqr.1" >lint 2>&1
  [ -s lint ] && bad "docs/pqr.1: $(head -n 3 lint)"
else
  echo "note: no mandoc or groff here; the man page was not checked"
fi

# completion completes
PATH=$(dirname "$pqr"):$PATH
complete_words() { bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pqr; printf "%s\n" "${COMPREPLY[@]}"' _ "$root/scripts/pqr.bash" "$@"; }
same "$(complete_words pqr qual)" quality "completion of a command"
same "$(complete_words pqr run --emi)" --emit-from "completion of an option"
same "$(complete_words pqr lineage --form)" --format "completion of a command's option"

# what is installed: program, library, header, man page, completion, licence, examples
build=${PQR_BUILD:-$root/build}
if [ -e "$build/cmake_install.cmake" ] && [ -z "${PQR:-}" ]; then
  DESTDIR='' cmake --install "$build" --prefix "$work/usr" >install.log 2>&1 || bad "install: $(tail -n 3 install.log)"
  same "$(usr/bin/pqr --version)" "$("$pqr" --version)" "installed program"
  expect 0 "^documents: +$work/usr/share/doc/pqr " usr/bin/pqr help
  [ -s usr/share/doc/pqr/docs/operate.md ] || bad "not installed: docs/operate.md, where pqr help sends people"
  mkdir -p none/silver
  expect 1 "no libduckdb here: .$work/usr/share/pqr/get-libduckdb. gets it" env -u PQR_DUCKDB_LIB PQR_CACHE="$work/none" LD_LIBRARY_PATH= usr/bin/pqr sql 'SELECT 1' --lake none
  [ -x usr/share/pqr/get-libduckdb ] && [ -x usr/share/pqr/fetch-jar ] || bad "not installed: what fetches libduckdb"
  for file in share/man/man1/pqr.1 share/bash-completion/completions/pqr share/zsh/site-functions/_pqr share/fish/vendor_completions.d/pqr.fish share/doc/pqr/LICENSE share/doc/pqr/config/pqr.yaml include/pqr.h; do
    [ -s "usr/$file" ] || bad "not installed: $file"
  done
  cat >use.c <<'C'
#include <pqr.h>
#include <stdio.h>
int main(void)
{
	struct pqr_context *c;
	int code = pqr_open("made", &c);
	char *result = NULL;
	if (code == PQR_OK) code = pqr_task_run(c, "{}", &result);
	printf("%s %d %s\n", pqr_version(), code, pqr_last_error(c));
	pqr_close(c);
	return 0;
}
C
  pc=$(find usr -name pqr.pc)
  export PKG_CONFIG_PATH=$work/${pc%/*}
  # shellcheck disable=SC2046
  cc -Wall -Werror use.c -o use $(pkg-config --cflags --libs pqr) 2>cc.log || bad "a program with pqr.h: $(tail -n 3 cc.log)"
  LD_LIBRARY_PATH=$(pkg-config --variable=libdir pqr) ./use >used 2>&1
  grep -q "^$("$pqr" --version | cut -d' ' -f2) 2 task document" used || bad "a program with libpqr: $(cat used)"
else
  echo "note: no build folder with an install script; the installed files were not checked"
fi
done_testing
