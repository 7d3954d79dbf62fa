# fish completion for pqr: source it, or put it into ~/.config/fish/completions/pqr.fish
complete -c pqr -a '(pqr completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
