/* SPDX-License-Identifier: ISC */
/* stopping.h: whether the daemon is going down.
 *
 * There is one struct stopping, and mcpd.c owns it and alone begins the end. Every other part gets
 * a pointer to it where it is made, and asks whether the end has begun before it begins something
 * new; what a part has to end by then, mcpd.c tells it (begin_stop()). A closed session, stream,
 * server or connection says nothing about the daemon and has a state of its own. */
#ifndef MCPD_STOPPING_H
#define MCPD_STOPPING_H

#include <stdbool.h>

/* All zero at first. */
struct stopping {
	bool begun; /* for stopping.c alone */
};

/* The daemon is going down from now on. False: it was before. */
bool stopping_begin(struct stopping *s);
/* Whether the daemon is going down. S may be NULL: it is not. */
bool stopping_has_begun(const struct stopping *s);

#endif
