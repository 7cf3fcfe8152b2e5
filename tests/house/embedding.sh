#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The README's lines for CMake embed the library in a project that has nothing else of it: embedding.sh ROOT CMAKE CC. The
# project's program is the example; it is built and run. No engine, command or test may come along: nothing of theirs is
# installed on the machine of somebody who embeds.
set -eu
root=$1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

ln -s "$root" "$made/heddle"
{
  echo 'cmake_minimum_required(VERSION 3.22)'
  echo 'project(service LANGUAGES C)'
  echo 'add_executable(service heddle/examples/embed.c)'
  awk '/^```/ { if (inside) exit; inside = $0 == "```cmake"; next } inside' "$root/README.md"
} >"$made/CMakeLists.txt"
grep -q add_subdirectory "$made/CMakeLists.txt" || { echo "README.md has no cmake block"; exit 1; }

"$2" -G Ninja -S "$made" -B "$made/build" -DCMAKE_C_COMPILER="$3" >"$made/log" 2>&1 &&
  "$2" --build "$made/build" --target service >>"$made/log" 2>&1 || { cat "$made/log"; exit 1; }
for target in heddle heddle_engine; do
  if ! "$2" --build "$made/build" --target help | grep -q "^$target:"; then continue; fi
  echo "a project that embeds the library is given $target, which it did not ask for"
  exit 1
done
"$made/build/service"
