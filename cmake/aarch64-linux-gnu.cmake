# SPDX-License-Identifier: Apache-2.0
# Toolchain: cross-compile for aarch64 with Debian's cross gcc and run the tests under qemu-user.
#
# The libraries (cmocka, pcre2, cjson, hwloc) are Debian's arm64 packages, installed beside the host's by multiarch; they
# bring libc6:arm64, whose dynamic loader lies at the path that every aarch64 program names. So qemu needs no -L: with
# `-L /usr/aarch64-linux-gnu` it would take the cross compiler's own loader, which does not look into the multiarch folder.
# scripts/install ci installs all of it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)

# Programs are the host's, found in PATH; libraries and headers only where arm64 ones lie.
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
