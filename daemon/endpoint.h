/* endpoint.h: what is served under which path, and the checks that come before any era. */
#ifndef MCPD_ENDPOINT_H
#define MCPD_ENDPOINT_H

#include <stddef.h>

struct config;
struct endpoint;
struct exchange;
struct sessions;
struct view;

/* ALL serves CONF's path itself, SINGLES[i] "PATH/NAME" of the i-th backend. All outlive the endpoint. NULL on
 * lack of memory. */
struct endpoint *endpoint_new(const struct config *conf, struct sessions *sessions, struct view *all,
			      struct view *const *singles, size_t n);
void endpoint_free(struct endpoint **e);

/* Takes an exchange (httpd_handler; ARG is the endpoint). */
void endpoint_handle(struct exchange *x, void *arg);

/* From now on everything is answered with 503. */
void endpoint_drain(struct endpoint *e);

#endif
