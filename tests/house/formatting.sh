#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# C files look as .clang-format says: formatting.sh ROOT. The look is clang-format 14's (Debian 12); another version
# breaks lines otherwise, so with another one nothing is said and the test is skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tree.sh"
for tool in clang-format-14 clang-format; do
  if command -v $tool >/dev/null && $tool --version | grep -q 'version 14\.'; then
    cd "$1"
    files=$(tree_code . | grep -E '\.(c|h)$')
    # shellcheck disable=SC2086 # a list of files
    if ! $tool --dry-run -Werror --ferror-limit=2 $files; then
      echo "run: clang-format -i FILE"
      exit 1
    fi
    exit 0
  fi
done
echo "skipped: there is no clang-format 14 here"
exit 77
