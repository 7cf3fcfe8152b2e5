#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the library's objects define and call: calls.sh OBJECTS NM. No exit, no getenv, no signal handler, no printing; a
# pure room calls nothing that has a clock or the system behind it; nobody calls past the walk (layers.txt, `calls`);
# what is visible begins with hd_ (he_ in engine), or hdX_ between the files of a room.
# OBJECTS holds lines "ROOM OBJECT", written by CMake.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
nm=$2
while read -r room object; do
  [ -n "$object" ] || continue # a room of headers alone
  "$nm" -P "$object" | awk -v room="$room" -v object="$object" '{ print room, object, $2, $1 }'
done <"$1" | awk -f "$here/calls.awk" "$here/layers.txt" -
