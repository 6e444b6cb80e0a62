/* SPDX-License-Identifier: ISC */
#include "cli/complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/text.h"

enum status complain(enum status status, const char *fmt, ...)
{
	char text[1024], *safe;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	safe = text_escape(text, "\n");
	fflush(stdout);
	fprintf(stderr, "mcpctl: %s\n", safe ? safe : "out of memory");
	free(safe);
	return status;
}
