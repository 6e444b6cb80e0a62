/* methods.h: what a legacy client may request, as a table. */
#ifndef MCPD_METHODS_H
#define MCPD_METHODS_H

#include <stdbool.h>

struct request;

struct method {
	const char *name;
	/* Must see to it that the call ends. */
	void (*handle)(struct request *r);
	bool needs_view; /* waits until the backends were learnt */
};

/* NULL: there is no such method. */
const struct method *method_find(const char *name);

#endif
