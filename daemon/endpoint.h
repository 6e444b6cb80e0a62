/* SPDX-License-Identifier: ISC */
/* endpoint.h: serves the paths of the daemon, and makes the checks that do not depend on the era.
 */
#ifndef MCPD_ENDPOINT_H
#define MCPD_ENDPOINT_H

#include <jansson.h>
#include <stddef.h>

#include "lib/err.h"

struct auth;
struct config;
struct endpoint;
struct event_base;
struct gate_hooks;
struct exchange;
struct sessions;
struct stopping;
struct store;
struct users;
struct view;

/* The arguments of endpoint_new(). The struct is copied. The objects that its pointers name are
 * borrowed and have to outlive the endpoint. */
struct endpoint_deps {
	struct event_base *base;
	const struct config *conf;
	struct sessions *sessions;
	const struct store *store; /* /health tells of its trouble; NULL: there is no store */
	struct auth *auth;	   /* finds the user of each request; NULL: requests have no user */
	struct users *users;	   /* told of each user; NULL: users have no limits and no tokens */
	struct view *all;	   /* serves the configured path itself */
	struct view *const *singles; /* singles[i] serves "PATH/NAME" of the i-th backend */
	size_t n_singles;
	unsigned max_requests; /* how many are served at a time; 0: no limit */
	/* Once the daemon is going down, every request is answered with 503. */
	const struct stopping *stopping;
};

/* NULL with E filled. */
struct endpoint *endpoint_new(const struct endpoint_deps *deps, struct err *e);
/* endpoint_drain() and the end of all exchanges come first. */
void endpoint_free(struct endpoint **e);

/* The hooks by which E judges requests by their heads, before a larger body is read. */
void endpoint_hooks(struct endpoint *e, struct gate_hooks *hooks_r);

/* Takes an exchange (httpd_handler; ARG is the endpoint). */
void endpoint_handle(struct exchange *x, void *arg);

/* The daemon is going down, which its struct stopping says already: ends the requests and streams
 * of the modern era. */
void endpoint_drain(struct endpoint *e);

/* What is open besides sessions, as modern_describe() says it: a new reference, NULL on lack of
 * memory. */
json_t *endpoint_describe(const struct endpoint *e);

#endif
