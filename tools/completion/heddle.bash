# SPDX-License-Identifier: Apache-2.0
# Completion of the heddle command for bash: source this file, or install it as
# share/bash-completion/completions/heddle. The options come from the command's own help, so that there is one list.

_heddle_names() { # COMMAND KEY: the "name"s of a list in `heddle COMMAND --json`
  heddle $1 --json 2>/dev/null | awk -v key="\"$2\":" '
    $1 == key { on = 1 }
    on && /"name":/ { gsub(/.*"name":[ \t]*"|".*/, ""); print }
    on && /^\t\}?\]/ { exit }'
}

_heddle_options() { # COMMAND
  heddle help "$1" 2>/dev/null | grep -oE '^ +(-[a-zA-Z], )? *--[a-z-]+' | grep -oE '[-]-[a-z-]+'
}

_heddle_list() { # completes the last item of a comma-separated list: NAMES WORD
  local before=
  case $2 in *,*) before=${2%,*}, ;; esac
  mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${2##*,}")
}

_heddle() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_heddle_names help commands) --help --version" -- "$word")
    return
  fi
  case $before in
  -d | --devices) _heddle_list "$(_heddle_names devices backends)" "$word" && return ;;
  --policy) mapfile -t COMPREPLY < <(compgen -W "$(_heddle_names devices policies)" -- "$word") && return ;;
  --class)
    mapfile -t COMPREPLY < <(compgen -W 'interactive initiated default utility background' -- "$word") && return
    ;;
  --model | -m) mapfile -t COMPREPLY < <(compgen -d -S / -- "$word"; compgen -f -X '!*.gguf' -- "$word") && return ;;
  esac
  case $word in
  -*)
    mapfile -t COMPREPLY < <(compgen -W "$(_heddle_options "$command") --help" -- "$word")
    return
    ;;
  esac
  case $command in
  help) mapfile -t COMPREPLY < <(compgen -W "$(_heddle_names help commands)" -- "$word") ;;
  trace)
    if [ "$COMP_CWORD" -eq 2 ]; then
      mapfile -t COMPREPLY < <(compgen -W print -- "$word")
    else
      compopt -o default
    fi
    ;;
  *) compopt -o default ;;
  esac
}

complete -F _heddle heddle
