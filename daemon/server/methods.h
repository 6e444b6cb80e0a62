/* SPDX-License-Identifier: ISC */
/* methods.h: the table of the methods that a client may request. */
#ifndef MCPD_METHODS_H
#define MCPD_METHODS_H

#include <stdbool.h>

#include "lib/protocol.h"

struct request;

struct method {
	const char *name;
	/* Ends the call of R, now or later. */
	void (*handle)(struct request *r);
	bool needs_view;    /* the request waits until the backends were listed */
	unsigned char eras; /* METHOD_* */
	const char *named;  /* the parameter that Mcp-Name repeats (2026-07-28); NULL: none */
};
#define METHOD_LEGACY	1
#define METHOD_MODERN	2
#define METHOD_INTERNAL 4 /* for requests that mcpd makes on behalf of modern clients */

/* The method NAME of REV; NULL: REV has no such method. */
const struct method *method_find(const char *name, enum mcp_rev rev);

#endif
