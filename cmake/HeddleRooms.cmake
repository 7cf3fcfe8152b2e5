# SPDX-License-Identifier: Apache-2.0
# Rooms: one object library a room, and only the include paths that the design allows it. A room's headers are reached
# as "room/header.h" through a folder of links in the build tree that holds that room alone, so that a forbidden include
# finds nothing. (tests/house checks the text as well: a relative path could get around an include path.)
set(HD_FACADES ${CMAKE_BINARY_DIR}/rooms)
set(HD_INCLUDE ${PROJECT_SOURCE_DIR}/include)

# Path of the folder in which "<room>/..." is found, made on first use. `room` is the source folder, e.g. sched/control;
# it is included by its last part: "control/...".
function(hd_facade room out_path)
  string(REPLACE "/" "_" flat ${room})
  get_filename_component(last ${room} NAME)
  file(MAKE_DIRECTORY ${HD_FACADES}/${flat})
  if(NOT EXISTS ${HD_FACADES}/${flat}/${last})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${room} ${HD_FACADES}/${flat}/${last} SYMBOLIC)
  endif()
  set(${out_path} ${HD_FACADES}/${flat} PARENT_SCOPE)
endfunction()

# Grants `target` the headers of rooms.
function(hd_may_include target)
  foreach(room ${ARGN})
    hd_facade(${room} path)
    target_include_directories(${target} PRIVATE ${path})
  endforeach()
endfunction()

# hd_room(NAME [CORE] SOURCES ... [MAY_INCLUDE rooms...]): object library room_NAME. include/ is granted to all; CORE
# rooms end up in libheddle.
function(hd_room name)
  cmake_parse_arguments(R "CORE" "" "SOURCES;MAY_INCLUDE" ${ARGN})
  add_library(room_${name} OBJECT ${R_SOURCES})
  target_include_directories(room_${name} PUBLIC ${HD_INCLUDE})
  hd_may_include(room_${name} ${R_MAY_INCLUDE})
  if(R_CORE)
    set_property(GLOBAL APPEND PROPERTY HD_CORE_ROOMS room_${name})
  endif()
endfunction()

# The core as one library out of its rooms.
function(hd_core_library)
  get_property(rooms GLOBAL PROPERTY HD_CORE_ROOMS)
  add_library(heddle_core STATIC)
  foreach(room ${rooms})
    target_sources(heddle_core PRIVATE $<TARGET_OBJECTS:${room}>)
  endforeach()
  target_include_directories(heddle_core PUBLIC ${HD_INCLUDE})
  target_link_libraries(heddle_core PUBLIC Threads::Threads ${HD_CORE_LIBS})
  get_property(libs GLOBAL PROPERTY HD_CORE_LIBS)
  target_link_libraries(heddle_core PUBLIC ${libs})
endfunction()
