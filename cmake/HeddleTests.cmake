# SPDX-License-Identifier: Apache-2.0
# hd_test(NAME SOURCES ... [LIBS ...] [MAY_INCLUDE rooms...] [LABELS ...] [ARGS ...] [TIMEOUT s]): a cmocka program run by
# ctest. A test that needs something absent says so and exits 77.
enable_testing()
function(hd_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LIBS;MAY_INCLUDE;LABELS;ARGS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  hd_may_include(${name} ${T_MAY_INCLUDE})
  target_link_libraries(${name} PRIVATE ${T_LIBS} heddle_core cmocka)
  add_test(NAME ${name} COMMAND ${name} ${T_ARGS})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${T_TIMEOUT})
  if(T_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}")
  endif()
endfunction()
