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
struct store;
struct users;
struct view;

/* BASE and all else outlive the endpoint. ALL serves CONF's path itself, SINGLES[i] "PATH/NAME" of
 * the i-th backend. NULL with E filled. */
struct endpoint *endpoint_new(struct event_base *base, const struct config *conf,
			      struct sessions *sessions, struct view *all,
			      struct view *const *singles, size_t n, struct err *e);
void endpoint_free(struct endpoint **e);

/* /health tells of STORE's trouble. STORE outlives it. */
/* At most MAX requests are served at a time; 0: no limit. Before the first one. 0 or ERR_NOMEM. */
int endpoint_limit(struct endpoint *e, unsigned max);
void endpoint_set_store(struct endpoint *e, const struct store *store);

/* AUTH finds the user of each request that is not public; NULL: requests have no user. USERS is
 * told of each user. Both outlive the endpoint. */
void endpoint_set_auth(struct endpoint *e, struct auth *auth, struct users *users);

/* The hooks by which E judges requests by their heads, before a larger body is read. */
void endpoint_hooks(struct endpoint *e, struct gate_hooks *hooks_r);

/* Takes an exchange (httpd_handler; ARG is the endpoint). */
void endpoint_handle(struct exchange *x, void *arg);

/* Answers every request with 503 from now on, and ends the requests and streams of the modern era.
 */
void endpoint_drain(struct endpoint *e);

/* What is open besides sessions, as modern_describe() says it: a new reference, NULL on lack of
 * memory. */
json_t *endpoint_describe(const struct endpoint *e);

#endif
