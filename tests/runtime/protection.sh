#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The switch keeps what its object's note promises: protection.sh CC SWITCH_AARCH64_S. Assembled with branch protection the
# object is marked BTI and PAC, each function that is called begins with a landing pad and the return address is signed and
# authenticated; without, there is no mark. x18, the platform's register, appears in neither.
set -eu
cc=$1
source=$2
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
tools=$("$cc" -print-prog-name=objdump)
command -v "$tools" >/dev/null || tools=objdump

bad() {
  echo "$1" >&2
  exit 1
}

marks() { # marks OPTION: what the note says
  "$cc" "$1" -c "$source" -o "$made/$1.o"
  "$tools" -d "$made/$1.o" >"$made/$1.text"
  ! grep -Eq '\b[wx]18\b' "$made/$1.text" || bad "x18 is touched"
  "$("$cc" -print-prog-name=readelf)" -n "$made/$1.o" | sed -n 's/.*AArch64 feature: //p'
}

# in_function NAME OPTION PATTERN
in_function() {
  awk -v name="<$1>:" '$2 == name { inside = 1 } /^$/ { inside = 0 } inside' "$made/$2.text" | grep -Eq "$3"
}

protected=-mbranch-protection=standard
plain=-mbranch-protection=none
[ "$(marks $protected)" = "BTI, PAC" ] || bad "with branch protection the note is not 'BTI, PAC'"
[ -z "$(marks $plain)" ] || bad "without branch protection there is a note"
[ "$(marks -mbranch-protection=bti)" = "BTI" ] || bad "with BTI alone the note is not 'BTI'"
for pattern in paciasp autiasp; do
  in_function hdi_switch $protected $pattern || bad "hdi_switch has no $pattern"
  ! in_function hdi_switch $plain $pattern || bad "hdi_switch has $pattern without being asked"
done
in_function hdi_context_init $protected 'bti[[:space:]]+c' || bad "hdi_context_init has no landing pad"
in_function hdi_context_init $protected pacia1716 || bad "the first return address is not signed"
