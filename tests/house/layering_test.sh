#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layering.sh sees every way around the rooms that we could think of, and lets the allowed ways be.
. "$(dirname "$0")/fixture.sh"
check() { "$house/layering.sh" "$fixture"; }

rooms() {
  fresh
  echo '#include <stdint.h>' | put include/heddle/status.h
  echo '#include "heddle/status.h"' | put include/heddle/implement/backend.h
  echo '#include <stddef.h>' | put sched/control/queue.h
  echo '#include "queue.h"' | put sched/control/queue.c
  echo '#include <poll.h>' | put kernel_shims/psi.h
  echo '#include "kernel_shims/psi.h"' | put sched/runtime/worker.h
  echo '#include "runtime/worker.h"' | put sched/live/turn.c
  echo '#include "heddle/status.h"' | put backends/common/ops.h
  printf '#include "common/ops.h"\n#include "kernels/mul.h"\n' | put backends/cpu/cpu.c
  echo | put backends/cpu/kernels/mul.h
  echo | put backends/sim/sim.h
  printf '#include "control/queue.h"\n#include <cmocka.h>\n' | put tests/control/queue.c
}

rooms && must_pass check
rooms && echo '#include "control/queue.h"' | put policies/fair.c
must_complain 'policies/fair.c:1: policies may not include sched/control' check
rooms && echo '#  include "../sched/control/queue.h"' | put policies/fair.c
must_complain 'a path goes around the rooms' check
rooms && echo '#include "/usr/include/stdio.h"' | put policies/fair.c
must_complain 'a path goes around the rooms' check
rooms && printf '/* a */\n#include "sim/sim.h"\n' | put backends/cpu/cpu.c
must_complain 'backends/cpu/cpu.c:2: backends/cpu may not include backends/sim' check
rooms && echo '#include "kernel_shims/psi.h"' | put sched/control/queue.c
must_complain 'sched/control may not include kernel_shims' check
rooms && echo '#include <time.h>' | put sched/control/queue.c
must_complain 'sched/control may not include this system header' check
rooms && echo '#include <unistd.h>' | put include/heddle/status.h
must_complain 'include may not include this system header' check
rooms && echo '#include <hwloc.h>' | put engine/model.c
must_complain 'engine may not use the library of this header' check
rooms && echo '#include "control/queue.h"' | put sched/runtime/worker.h
must_complain 'sched/runtime may not include sched/control' check
rooms && echo '#include "common/ops.h"' | put engine/model.c
must_complain 'engine may not include backends/common' check
rooms && echo '#include "nowhere.h"' | put engine/model.c
must_complain 'no room has this header' check
rooms && echo '#include HEADER' | put engine/model.c
must_complain 'an include must name its header' check
rooms && echo 'int x;' | put util/util.c
must_complain 'a source file outside of every room' check
fresh && must_complain 'no source file' check
finish
