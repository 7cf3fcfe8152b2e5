#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who includes whom: layering.sh ROOT. Prints each include that layers.txt does not allow.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tree.sh"
cd "$1"
[ -n "$(tree_code .)" ] || { echo "layering: no source file below $1"; exit 1; }
{
  tree_files . | sed 's/^/file /'
  tree_code . | xargs grep -nHE '^[[:space:]]*#[[:space:]]*(include|include_next|import)' || true
} | awk -f "$here/layering.awk" "$here/layers.txt" -
