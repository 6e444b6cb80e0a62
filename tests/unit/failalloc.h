/* SPDX-License-Identifier: ISC */
/* failalloc.h: lets the n-th allocation fail, wherever it is made: in our code (through the
 * linker's
 * --wrap), in jansson, in libevent. A test that uses it links with $(failalloc_ldflags). */
#ifndef MCPD_TESTS_FAILALLOC_H
#define MCPD_TESTS_FAILALLOC_H

#include <stdbool.h>

/* Once, before the first allocation of jansson and libevent. */
void failalloc_install(void);
/* From now on allocation number N (counted from 1) fails; STAY: and all after it. */
void failalloc_at(long n, bool stay);
/* While HOLD nothing fails and nothing is counted: for what the test itself needs. */
void failalloc_hold(bool hold);
/* Back to normal. Returns whether an allocation failed since failalloc_at(). */
bool failalloc_off(void);

#endif
