/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "lib/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"

#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif

int paths_control_default(char *buf, size_t size)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	int n;

	if (geteuid() == 0)
		n = snprintf(buf, size, "%s/mcpd/control.sock", RUNSTATEDIR);
	else if (dir && dir[0] == '/') /* XDG Base Directory: a relative path is invalid */
		n = snprintf(buf, size, "%s/mcpd/control.sock", dir);
	else
		n = snprintf(buf, size, "/tmp/mcpd-%lu/control.sock", (unsigned long)geteuid());
	return n < 0 || (size_t)n >= size ? ERR_LIMIT : 0;
}

int paths_control_key(const char *socket, char *buf, size_t size)
{
	static const char end[] = ".sock";
	size_t len = strlen(socket), end_len = sizeof end - 1;
	int n;

	if (len > end_len && socket[len - end_len - 1] != '/' &&
	    strcmp(socket + len - end_len, end) == 0)
		len -= end_len;
	n = snprintf(buf, size, "%.*s.key", (int)len, socket);
	return n < 0 || (size_t)n >= size ? ERR_LIMIT : 0;
}
