# bash completion for pqr: source it, or put it into /usr/share/bash-completion/completions/pqr
_pqr() {
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _pqr pqr
