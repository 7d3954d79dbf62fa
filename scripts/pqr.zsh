#compdef pqr
# zsh completion for pqr: source it after compinit, or put it into a folder of $fpath as _pqr
_pqr() {
  local -a found
  found=("${(@f)$("${words[1]}" completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(${found:#})
  if (( $#found )); then compadd -- $found; else _files; fi
}
if [ "$funcstack[1]" = _pqr ]; then _pqr "$@"; else compdef _pqr pqr; fi
