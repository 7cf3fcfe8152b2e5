#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Does the README keep its word? bare_machine.sh [FOLDER [COMMAND]]: makes a bare Debian 12 in FOLDER (kept for the next
# time; a new temporary one otherwise, removed at the end), with git and nothing else, clones this tree's HEAD into it, and
# runs the first two lines of the README's first fenced block, or COMMAND (for instance .ci/run). Not part of the suite: it
# needs root, debootstrap and a mirror, which it takes from this machine's own apt sources.
set -eu

[ "$(id -u)" -eq 0 ] || { echo "bare_machine: needs root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "bare_machine: needs debootstrap" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../.." && pwd)

if [ $# -gt 0 ]; then
  base=$1
else
  base=$(mktemp -d)
fi
system=$base/debian
clean=$base/clean.tar

mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Identifier: Packages' | awk '$1 == "bookworm" { print $2; exit }')
[ -n "$mirror" ] || { echo "bare_machine: no apt source of this machine has bookworm" >&2; exit 2; }

mkdir -p "$base"
if [ ! -e "$clean" ]; then
  rm -rf "$system"
  echo "bare_machine: making a Debian 12 in $system"
  debootstrap --variant=minbase bookworm "$system" "$mirror" >"$base/debootstrap.log" 2>&1 || {
    tail -n 20 "$base/debootstrap.log" >&2
    exit 1
  }
  # The machine's other sources of the same release (updates, security) as well: what a user's machine has.
  apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' |
    grep ' bookworm' | sort -u >"$system/etc/apt/sources.list"
  chroot "$system" sh -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
    --no-install-recommends git && apt-get clean && rm -rf /var/lib/apt/lists/*' </dev/null >"$base/git.log" 2>&1
  tar -C "$system" -cf "$clean" .
fi
rm -rf "$system"
mkdir -p "$system"
tar -C "$system" -xf "$clean"

git -C "$root" bundle create -q "$system/heddle.bundle" HEAD
cp /etc/resolv.conf "$system/etc/resolv.conf"

[ $# -lt 2 ] || printf '%s\n' "$2" >"$system/commands"

# Its own mounts and processes: all of them are gone when it ends, however it ends.
cat >"$system/try.sh" <<'INSIDE'
set -eu
cd /root
git -c advice.detachedHead=false clone -q /heddle.bundle heddle
cd heddle
if [ ! -e /commands ]; then
  awk '/^```/ { inside = !inside; if (!inside) exit; next } inside && n < 2 { n++; print }' README.md >/commands
  [ "$(wc -l </commands)" -eq 2 ] || { echo "the README's first block has no two commands"; exit 1; }
fi
result=0
while read -r command; do
  echo "----- $command"
  start=$(date +%s)
  if sh -c "$command" </dev/null; then word="passed"; else word="FAILED"; result=1; fi
  echo "----- $word after $(($(date +%s) - start)) s: $command"
done </commands
exit $result
INSIDE
status=0
unshare --mount --pid --fork sh -c '
  mount --make-rprivate / && mount -t proc proc "$1/proc" && mount --rbind /sys "$1/sys" && mount --rbind /dev "$1/dev" &&
  exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /try.sh' sh "$system" || status=$?

[ $# -gt 0 ] || rm -rf "$base"
exit $status
