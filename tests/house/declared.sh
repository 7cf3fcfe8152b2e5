#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The front door leads somewhere, and there is no other door: declared.sh ROOT OBJECTS NM CC [FLAGS...]. Each function that
# include/ declares is defined in some object, and each hd_ function that an object shows is declared there (engine/ has
# its own front door, engine/engine.h, with he_).
set -eu
root=$1
objects=$2
nm=$3
shift 3
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

# A declared function is the first name with a '(' behind it in a declaration of the outermost level that is no typedef.
# The preprocessor has removed comments and macros; inline functions are defined where they stand.
(cd "$root/include" && find heddle -name '*.h' | sed 's/.*/#include "&"/') >"$made/all.c"
"$@" -E -P -I"$root/include" "$made/all.c" | awk '
  { text = text " " $0 }
  END {
    n = length(text)
    for (i = 1; i <= n; i++) {
      c = substr(text, i, 1)
      if (c == "{") depth++
      else if (c == "}") { if (!--depth && declaration ~ /inline/) declaration = "" }
      else if (!depth && c == ";") {
        gsub(/__attribute__ *\(\(.*\)\)/, "", declaration)
        if (declaration !~ /typedef/ && match(declaration, /[^a-z0-9_]hd_[a-z0-9_]+ *\(/))
          print substr(declaration, RSTART + 1, RLENGTH - 1)
        declaration = ""
      } else if (!depth) declaration = declaration c
    }
  }' | tr -d ' (' | sort -u >"$made/declared"
awk '{ print $2 }' "$objects" | xargs "$nm" -P 2>/dev/null | awk '$2 ~ /^[TW]$/ && $1 ~ /^hd_/ { print $1 }' |
  sort -u >"$made/defined"

bad=0
for name in $(comm -23 "$made/declared" "$made/defined"); do
  echo "$name is declared in include/ and defined nowhere"
  bad=1
done
for name in $(comm -13 "$made/declared" "$made/defined"); do
  echo "$name is visible and not declared in include/: between the files of a room it is hdi_"
  bad=1
done
echo "$(wc -l <"$made/declared") functions declared"
[ -s "$made/declared" ] && exit $bad
