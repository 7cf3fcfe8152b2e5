# SPDX-License-Identifier: Apache-2.0
# Help, version and wrong command lines: what a user meets first.
. "$(dirname "$0")/lib.sh"

call --version
exits 0 version
says '^heddle [0-9]' version
call version --json
json schema=heddle.version/1 version

call help
exits 0 help
for command in $("$heddle" help --json | "$json_has" --get commands | tr '{' '\n' | sed -n 's/.*"name":"\([a-z]*\)".*/\1/p'); do
  call help
  says "^  $command " "help lists $command"
  call "$command" --help
  exits 0 "$command --help"
  says '^Usage: heddle '"$command" "$command --help"
  says '^Examples' "$command --help"
  says '^  heddle ' "$command --help has an example"
  says '--json' "$command --help"
  silent "$command --help"
  if awk 'length($0) > 120 { exit 1 }' "$scratch/out"; then ok; else wrong "$command --help has a line of over 120"; fi
  cp "$scratch/out" "$scratch/long"
  call help "$command"
  same "$scratch/long" "$scratch/out" "help $command is $command --help"
  refuses 2 "heddle $command: unknown option '--no-such-thing'; see 'heddle $command --help'" "$command" --no-such-thing
  refuses 2 "heddle $command: unknown option '-Z'" "$command" --json -Z
  refuses 2 "heddle $command: unknown option '--jsno'; did you mean '--json'?" "$command" --jsno
  refuses 2 "heddle $command: option '--json=yes' takes no argument" "$command" --json=yes
done

call help --json
json schema=heddle.help/1 'commands[0].name' 'commands[0].summary'
refuses 2 "which command? see 'heddle help'"
refuses 2 "unknown command 'hepl'; did you mean 'help'?" hepl
refuses 2 "unknown command 'xylophone'; see 'heddle help'" xylophone
refuses 2 "unknown command 'xylophone'" help xylophone
refuses 2 'one argument too many' help help help

# A stream that cannot be written is a failure, and is said.
if [ -w /dev/full ]; then
  "$heddle" help >/dev/full 2>"$scratch/err"
  code=$?
  : >"$scratch/out"
  exits 1 'help >/dev/full'
  one_line 'standard output: No space left' 'help >/dev/full'
fi
# No colours in a pipe.
call help
if grep -q "$(printf '\033')" "$scratch/out"; then wrong 'escape sequences in a pipe'; else ok; fi
finish
