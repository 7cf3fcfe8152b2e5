#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# forbidden_includes.sh notices an include path too many.
. "$(dirname "$0")/fixture.sh"

echo '#include <stdint.h>' | put include/heddle/status.h
echo '#include "missing.h"' | put sched/control/queue.h
echo '#include "heddle/status.h"' | put kernel_shims/psi.h
printf 'sched/control -I%s/include\nkernel_shims -I%s/include\n' "$fixture" "$fixture" | put rooms
must_pass "$house/forbidden_includes.sh" "$fixture" "$fixture/rooms" "$@"
printf 'sched/control -I%s/include\nkernel_shims -I%s/include -I%s/sched\n' "$fixture" "$fixture" "$fixture" | put rooms
must_complain 'kernel_shims can include "control/queue.h"' "$house/forbidden_includes.sh" "$fixture" "$fixture/rooms" "$@"
printf 'sched/control -I%s\nkernel_shims -I%s/include\n' "$fixture" "$fixture" | put rooms
must_complain 'the probe is broken' "$house/forbidden_includes.sh" "$fixture" "$fixture/rooms" "$@"
finish
