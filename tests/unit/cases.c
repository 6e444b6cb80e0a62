/* SPDX-License-Identifier: ISC */
/* cases.c: with MCPD_TEST_CASE=TEXT in the environment a test program runs those of its cases whose
 * name contains TEXT (make t T=test_call:TEXT). Nothing calls a function of this file, so each
 * program links its object, not the library's copy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void __attribute__((constructor)) choose_cases(void)
{
	static char pattern[256];
	const char *part = getenv("MCPD_TEST_CASE");

	if (!part)
		return;
	snprintf(pattern, sizeof pattern, "*%s*", part);
	cmocka_set_test_filter(pattern);
}
