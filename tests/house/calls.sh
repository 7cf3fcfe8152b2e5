#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the library's objects define and call: calls.sh OBJECTS NM. No exit, no getenv, no signal handler, no printing; a
# pure room calls nothing that has a clock or the system behind it; nobody calls past the walk (layers.txt, `calls`);
# what is visible begins with hd_ (he_ in engine), or hdX_ between the files of a room.
# OBJECTS holds lines "ROOM OBJECT", written by CMake.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
nm=$2
# A line without an object is of a room of headers alone.
awk 'NF == 2 { print $2 }' "$1" | xargs "$nm" -A -P | awk -f "$here/calls.awk" "$here/layers.txt" "$1" -
