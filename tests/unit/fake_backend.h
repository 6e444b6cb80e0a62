/* SPDX-License-Identifier: ISC */
/* fake_backend.h: a backend that does what a test tells it. A program that links fake_backend.c
 * gets it in place of the stdio and the exec backend, below the real backend.c. */
#ifndef MCPD_TESTS_FAKE_BACKEND_H
#define MCPD_TESTS_FAKE_BACKEND_H

#include <stddef.h>

#include "backend/backend.h"
#include "mcp/call.h"

/* Makes a backend called NAME and starts it. It offers the tool "echo", the prompt "p" and the
 * resource "r:1" with every capability there is. */
struct backend *fake_backend(struct event_base *base, const char *name);
void fake_backend_free(struct backend **b); /* fails the test when a link is left */

/* It answers nothing by itself: each call is held until the test ends it. */
size_t fake_held(void);
struct call *fake_call(size_t i); /* oldest first; fails the test when there is none */
struct call *fake_take(size_t i); /* the same, and whoever takes it ends it */
size_t fake_links(const struct backend *b);
struct link *fake_link(const struct backend *b, size_t i);
/* From now on a backend that is started does not learn by itself: the test says when, or that it
 * failed. */
extern bool fake_slow_start;
void fake_learn(struct backend *b);
void fake_fail(struct backend *b, const char *why);
/* It offers one tool more now, called NAME. */
void fake_offer_tool(struct backend *b, const char *name);

/* What happens inside its callbacks, besides; NULL: nothing. */
extern struct fake_hooks {
	void (*call)(struct call *c);
	void (*cancel)(struct call *c);
	void (*link_close)(struct link *l);
	void (*notify)(struct link *l);
} fake_hooks;

#endif
