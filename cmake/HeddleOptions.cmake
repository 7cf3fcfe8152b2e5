# SPDX-License-Identifier: Apache-2.0
# What a builder can choose, and the compiler flags that follow.
include(CMakeDependentOption)
include(CheckCCompilerFlag)

# Inside of another project only the library is built, unless that project asks for more.
option(HEDDLE_TESTS "Build the test suite (needs cmocka)" ${PROJECT_IS_TOP_LEVEL})
option(HEDDLE_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(HEDDLE_ENGINE "Build the inference engine (needs pcre2)" ${PROJECT_IS_TOP_LEVEL})
cmake_dependent_option(HEDDLE_COMMAND "Build the heddle command (needs cjson)" ${PROJECT_IS_TOP_LEVEL} HEDDLE_ENGINE OFF)
option(HEDDLE_WERROR "Warnings are errors" OFF)
option(HEDDLE_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(HEDDLE_HWLOC "AUTO" CACHE STRING "Find cores with hwloc: AUTO (if present), ON, OFF (sysfs only)")
set_property(CACHE HEDDLE_HWLOC PROPERTY STRINGS AUTO ON OFF)
set(HEDDLE_SANITIZE "" CACHE STRING "Sanitizers: '', 'address,undefined' or 'thread'")

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# asserts state programmer errors in Debug; a shipped library never aborts its host (CMake's Release sets NDEBUG).

find_package(Threads REQUIRED)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -fno-omit-frame-pointer
                    -ffp-contract=off)
if(HEDDLE_WERROR)
  add_compile_options(-Werror)
endif()
if(HEDDLE_SANITIZE)
  add_compile_options(-fsanitize=${HEDDLE_SANITIZE} -fno-sanitize-recover=all -g)
  add_link_options(-fsanitize=${HEDDLE_SANITIZE})
endif()
