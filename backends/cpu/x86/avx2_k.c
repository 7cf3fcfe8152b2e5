/* SPDX-License-Identifier: Apache-2.0 */
/* The dots of avx2_k.inc.h in AVX2. */
#define HDI_DOT(FORMAT) hdi_avx2_dot_##FORMAT
#include "cpu/x86/avx2_k.inc.h"
