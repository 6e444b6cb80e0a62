/* SPDX-License-Identifier: ISC */
/* clock.h: the time that intervals are measured with. */
#ifndef MCPD_CLOCK_H
#define MCPD_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC (clock_gettime(2)), which no change of the date moves. */
int64_t clock_ms(void);

#endif
