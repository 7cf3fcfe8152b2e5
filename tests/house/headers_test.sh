#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# headers.sh sees a header that leans on another, or warns: headers_test.sh COMPILER [FLAGS...].
. "$(dirname "$0")/fixture.sh"
compiler=$*
# shellcheck disable=SC2086 # a list of words
check() { "$house/headers.sh" "$fixture" $compiler; }

printf '#include <stdint.h>\nstruct a { uint32_t x; };\n' | put include/heddle/a.h
must_complain 'heddle/a.h cannot' check
printf '#pragma once\n#include <stdint.h>\nstruct a { uint32_t x; };\n' | put include/heddle/a.h
must_pass check
printf '#pragma once\nstruct b { uint32_t x; };\n' | put include/heddle/b.h
must_complain 'heddle/b.h cannot' check
printf '#pragma once\nstatic inline int b(int x) { { int x = 1; } return x; }\n' | put include/heddle/b.h
must_complain 'heddle/b.h cannot' check
finish
