#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the documents promise is there: documents.sh ROOT. Each relative link of a .md file leads to a file; what is named
# in `code` as ours exists, in docs/architecture.md each name and path; the README's first fenced block begins with two commands that can be run; its C code stands,
# line for line, in examples/, where it is compiled.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tree.sh"
cd "$1"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
bad=0
complain() {
  echo "$1"
  bad=1
}

tree_files . | grep '\.md$' >"$made/documents"
while read -r document; do
  grep -oE '\]\([^)# ]+' "$document" | sed 's/^](//' | grep -vE '^[a-z]+:' >"$made/links" || true
  while read -r link; do
    [ -e "$(dirname "$document")/$link" ] || complain "$document: leads to $link, which is not there"
  done <"$made/links"
done <"$made/documents"

# Functions and types that a document names in `code` exist.
tree_code . | xargs cat | grep -oE '\b(hd|he)[a-z]?_[a-z0-9_]+' | sort -u >"$made/known"
while read -r document; do
  grep -oE '`[^`]+`' "$document" | grep -oE '\b(hd|he)[a-z]?_[a-z0-9_]+' | grep -vE '_$|^hd_noun_verb$' | sort -u >"$made/named" || true
  for name in $(comm -23 "$made/named" "$made/known"); do
    complain "$document: names $name, which is in no source file"
  done
done <"$made/documents"

# The map is followed by hand: what docs/architecture.md names in `code`, however local, and its files, are there.
map=docs/architecture.md
if [ -e $map ]; then
  tree_files . | grep -vE '\.md$' >"$made/files"
  xargs cat <"$made/files" | grep -aoE '[A-Za-z_][A-Za-z0-9_]*' | sort -u >"$made/words"
  grep -oE '`[^`]+`' $map | tr -d '`' | sort -u >"$made/spans"
  grep -xE '[a-z_][a-z0-9_]*' "$made/spans" >"$made/named" || true
  for name in $(comm -23 "$made/named" "$made/words"); do
    complain "$map: names $name, which is nowhere in the tree"
  done
  for path in $(grep -oE '^[a-z_]+(/[A-Za-z0-9_.]+)+' "$made/spans"); do
    [ -e "$path" ] || complain "$map: names $path, which is not there"
  done
fi

# block KIND N: the N-th fenced block of that kind of the README (any kind: '').
block() {
  awk -v kind="$1" -v wanted="$2" '
    /^```/ { if (inside) { inside = 0; if (n == wanted) exit; next } inside = 1; take = kind == "" || $0 == "```" kind; n += take; next }
    inside && take && n == wanted' README.md
}

block '' 1 | head -n 2 >"$made/commands"
[ "$(wc -l <"$made/commands")" -eq 2 ] || complain "README.md: its first block has not two commands"
while read -r program _; do
  [ -x "$program" ] || complain "README.md: $program cannot be run"
done <"$made/commands"

cat examples/*.c >"$made/examples" 2>/dev/null || true
n=1
while block c $n >"$made/block" && [ -s "$made/block" ]; do
  # A line that stands nowhere, or not where the block has it, ends the comparison. Indentation may differ.
  awk '{ gsub(/^[ \t]+|[ \t]+$/, "") } NR == FNR { want[++wanted] = $0; next }
    { have[++lines] = $0 }
    END {
      for (i = 1; i + wanted - 1 <= lines; i++) {
        for (k = 1; k <= wanted && have[i + k - 1] == want[k]; k++) continue
        if (k > wanted) exit 0
      }
      exit 1
    }' "$made/block" "$made/examples" || complain "README.md: its C block $n stands in no file of examples/"
  n=$((n + 1))
done
exit $bad
