# bash completion for pqr: source it, or put it into /etc/bash_completion.d
_pqr() {
  local word=${COMP_WORDS[COMP_CWORD]} command= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
    run | generate | ingest | bronze | silver | gold | publish | plan | task | verify | runs | quality | lineage | explain | calendar | table | sql | contract | lake | doctor | completion | help)
      command=${COMP_WORDS[i]}
      break
      ;;
    esac
  done
  local options=" --lake --control --config --threads --executor --json --log-format --log-level --quiet --no-progress --unsafe-single-writer --help --version"
  case $command in
  "") options+=" run generate ingest bronze silver gold publish plan task verify runs quality lineage explain calendar table sql contract lake doctor completion help" ;;
  run) options+=" --seed --from --to --emit-from --as-of --volume --run-id --input --source --until --no-publish" ;;
  generate) options+=" --seed --from --to --emit-from --as-of --volume --run-id" ;;
  ingest) options+=" --format --source --as-of --run-id" ;;
  bronze) options+=" --run-id" ;;
  silver) options+=" --run-id" ;;
  gold) options+=" --run-id" ;;
  publish) options+=" --run-id" ;;
  plan) options+=" --seed --from --to --emit-from --as-of --volume --run-id --input --source" ;;
  verify) options+=" --run-id" ;;
  quality) options+=" --run-id" ;;
  lineage) options+=" --run-id --format" ;;
  table) options+=" --version --at --where --columns --limit --format --zorder --target-size --retention --no-retention-check --dry-run" ;;
  sql) options+=" --format --version --at" ;;
  contract) options+=" --format --write" ;;
  help) options+=" --man" ;;
  esac
  if [[ $word == -* || -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _pqr pqr
