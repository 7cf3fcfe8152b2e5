# SPDX-License-Identifier: Apache-2.0
# Which files of a tree are ours to check. Sourced by the checks.

# Every file below $1, relative to it, one a line; without what builds, git and editors leave there.
tree_files() {
  (cd "$1" && find . \( -name .git -o -name .cache -o -name __pycache__ -o -path './build*' -o -path './out' \) -prune \
    -o -type f -print | sed 's#^\./##' | sort)
}

tree_code() {
  tree_files "$1" | grep -E '\.(c|h|S|inc)$' || true
}
