/* SPDX-License-Identifier: Apache-2.0 */
/* The dots of avx2_k.inc.h with AVX-VNNI. */
#define HDI_DOT(FORMAT) hdi_avxvnni_dot_##FORMAT
#include "cpu/x86/avx2_k.inc.h"
