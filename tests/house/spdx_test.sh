#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# spdx.sh sees a file without its licence or its sentence.
. "$(dirname "$0")/fixture.sh"
check() { "$house/spdx.sh" "$fixture"; }

printf '/* SPDX-License-Identifier: Apache-2.0 */\n/* Knows nothing. */\n' | put engine/a.c
printf '#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n' | put scripts/a
must_pass check
echo 'int x;' | put engine/b.c
must_complain 'engine/b.c: no SPDX' check
printf '/* SPDX-License-Identifier: Apache-2.0 */\nint x;\n' | put engine/b.c
must_complain 'engine/b.c:2: no comment says' check
fresh
printf '#!/bin/sh\ntrue\n' | put scripts/a
must_complain 'scripts/a: no SPDX' check
finish
