# SPDX-License-Identifier: Apache-2.0
# Judges what the objects of the library's rooms define and call. Input: layers.txt, then lines "ROOM OBJECT", then lines
# "OBJECT: SYMBOL KIND ..." as nm prints them.

function complain(room, object, why) {
  sub(/.*\.dir\//, "", object)
  sub(/:$/, "", object)
  printf "%s: %s: %s\n", room, object, why
  bad = 1
}

function row_of(room, table, parts) {
  if (room in table) return room
  split(room, parts, "/")
  return parts[1] "/*"
}

BEGIN {
  # They end the process, take it over, or speak for it: the host's business.
  ban("abort exit _exit _Exit quick_exit atexit at_quick_exit raise kill signal sigaction sigprocmask pthread_kill")
  ban("system popen fork vfork execve execvp setlocale chdir umask puts putchar printf vprintf perror stdout stderr")
  # They read what nobody handed in.
  ban("getenv secure_getenv setenv putenv unsetenv environ")
  # They keep state of their own between calls.
  ban("strtok rand srand random srandom drand48 localtime gmtime ctime asctime basename")
  # What a pure room may take from libc: no clock, no system call, no allocation.
  pure_may("memcpy memset memmove memcmp bcmp memchr strlen strnlen strcmp strncmp strchr strrchr strspn strcspn strstr")
  pure_may("strtol strtoul strtoll strtoull snprintf vsnprintf __errno_location __assert_fail __stack_chk_fail")
  pure_may("_GLOBAL_OFFSET_TABLE_ __udivti3 __umodti3 __divti3 __multi3 __ctype_b_loc")
}
function ban(names, list, n) { n = split(names, list, " "); while (n) banned[list[n--]] = 1 }
function pure_may(names, list, n) { n = split(names, list, " "); while (n) pure_libc[list[n--]] = 1 }

FILENAME == ARGV[1] {
  sub(/#.*/, "")
  if ($1 == "calls") { list = " "; for (i = 3; i <= NF; i++) list = list $i " "; calls[$2] = list }
  if ($1 == "room" && $NF == "pure") pure[$2] = 1
  next
}

FILENAME == ARGV[2] { room_of[$2 ":"] = $1; next }

$3 == "U" || $3 == "w" || $3 == "v" {
  used[++n_used] = $2
  by[n_used] = $1
  next
}
$3 ~ /^[TDBRGSCVW]$/ {
  room = room_of[$1]
  home[$2] = room
  prefix = room == "engine" ? "^(hd|he)[a-z]?_" : "^hd[a-z]?_"
  if ($2 !~ prefix) complain(room, $1, $2 " is visible to everyone and has not our prefix")
}

END {
  if (!n_used) { print "no object was read"; exit 1 }
  for (i = 1; i <= n_used; i++) {
    name = used[i]
    object = by[i]
    room = room_of[object]
    # Fortified and versioned names stand for the plain ones.
    plain = name
    if (sub(/^__/, "", plain)) sub(/_chk$/, "", plain); else plain = name
    if (name in banned || plain in banned) complain(room, object, "calls " name)
    else if (name in home) {
      row = row_of(room, calls)
      if (home[name] != room && row in calls && !index(calls[row], " " home[name] " "))
        complain(room, object, "calls " name " of " home[name])
    } else if (row_of(room, pure) in pure && !(name in pure_libc) && !(plain in pure_libc) && name !~ /^(hd|__aarch64_)/)
      complain(room, object, "is pure, and calls " name)
  }
  exit bad
}
