# SPDX-License-Identifier: Apache-2.0
# Judges include lines. Input: layers.txt, then the list of files (as "file NAME"), then lines "FILE:LINE:TEXT".

function complain(why) {
  printf "%s:%s: %s: %s\n", file, line, why, text
  bad = 1
}

# The room that a path lies in: the longest one of the table that is a prefix; backends/* stands for its folders.
function room_of(path, parts, n, i, name, best) {
  n = split(path, parts, "/")
  best = ""
  name = ""
  for (i = 1; i < n; i++) {
    name = i == 1 ? parts[1] : name "/" parts[i]
    if (name in may) best = name
    else if (i == 2 && (parts[1] "/*") in may) best = name
  }
  return best
}

function row_of(room, parts) {
  if (room in may) return room
  split(room, parts, "/")
  return parts[1] "/*"
}

function word_in(word, list) { return index(" " list " ", " " word " ") > 0 }

# May this room see that one?
function allowed(from, to) { return from == to || may[row_of(from)] == "*" || word_in(to, may[row_of(from)]) }

function judge_room(to) {
  if (to == "") complain("outside of every room")
  else if (!allowed(room, to)) complain(room " may not include " to)
}

function judge_system(name, kinds) {
  kinds = system_kinds[row_of(room)]
  if (name in library) {
    if (!word_in(name, kinds) && !word_in("*", kinds)) complain(room " may not use the library of this header")
  } else if (word_in("os", kinds)) return
  else if (name in pure) return
  else if (word_in("c", kinds) && name in c_standard) return
  else complain(room " may not include this system header")
}

# Where "name" is found from `file`: beside it, in its room, in include/, or as ROOM/... by a room's last part.
function judge_quoted(name, folder, i, n, names, parts, to) {
  if (name ~ /(^|\/)\.\.?(\/|$)/ || name ~ /^\//) { complain("a path goes around the rooms"); return }
  folder = file
  sub(/[^\/]*$/, "", folder)
  if ((folder name) in exists) { judge_room(room_of(folder name)); return }
  if ((room "/" name) in exists) return
  if (("include/" name) in exists) { judge_room("include"); return }
  for (to in folders) {
    n = split(to, parts, "/")
    if (index(name, parts[n] "/") == 1 && (to substr(name, length(parts[n]) + 1)) in exists) { judge_room(to); return }
  }
  if (name in library) { judge_system(name); return }
  # Tests lend each other their fixtures by include paths of their own.
  if (may[row_of(room)] == "*" && (room, name) in shared) return
  complain("no room has this header")
}

FILENAME == ARGV[1] {
  sub(/#.*/, "")
  if ($1 == "headers") {
    for (i = 3; i <= NF; i++)
      if ($2 == "pure") pure[$i] = 1; else if ($2 == "c") c_standard[$i] = 1; else library[$i] = 1
  } else if ($1 == "room") {
    list = ""
    for (i = 3; i <= NF && $i != "os" && $i != "c" && $i != "pure"; i++) list = list " " $i
    may[$2] = list == " *" ? "*" : list
    kinds = ""
    for (; i <= NF; i++) kinds = kinds " " $i
    system_kinds[$2] = kinds
  }
  next
}

/^file / {
  exists[$2] = 1
  found = room_of($2)
  if (found != "") folders[found] = 1
  n = split($2, parts, "/")
  if (n > 2) shared[found, parts[n]] = 1
  if (found == "" && $2 ~ /\.(c|h|S|inc)$/) { printf "%s: a source file outside of every room\n", $2; bad = 1 }
  next
}

{
  match($0, /^[^:]*:[0-9]+:/)
  split($0, head, ":")
  file = head[1]
  line = head[2]
  text = substr($0, RLENGTH + 1)
  room = room_of(file)
  if (room == "") next
  name = text
  if (name ~ /include_next|import/) complain("only plain includes")
  sub(/^[ \t]*#[ \t]*[a-z_]+[ \t]*/, "", name)
  if (name ~ /^"/) { sub(/^"/, "", name); sub(/".*/, "", name); judge_quoted(name) }
  else if (name ~ /^<heddle\//) complain("our own headers stand in quotes")
  else if (name ~ /^</) { sub(/^</, "", name); sub(/>.*/, "", name); judge_system(name) }
  else complain("an include must name its header")
}

END { exit bad }
