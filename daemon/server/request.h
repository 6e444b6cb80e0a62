/* SPDX-License-Identifier: ISC */
/* request.h: a request of the client in flight, and questions to the client. For the files that
 * include server_impl.h. The insides of struct request are in server_request.h. */
#ifndef MCPD_REQUEST_H
#define MCPD_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "mcp/call.h"

struct question;
struct request;
struct server;

/* The server that R was sent to. */
struct server *request_server(const struct request *r);
/* The call to the backend for R: the first one, or the latest of server_next_call(). */
struct call *request_call(const struct request *r);

/* R calls TOOL, as the backend of the tool lists it (a reference that R takes; NULL: the tool is
 * not listed). */
void request_set_tool(struct request *r, json_t *tool_take);
/* Whether request_set_tool() was given a tool for R. */
bool request_has_tool(const struct request *r);

/* R goes to backend SOURCE of the view, over L (NULL: there was no memory for a link). */
void request_route(struct request *r, size_t source, struct link *l);

/* Marks R: the result may be a task, whose id is then mapped for the client (server_tasks.c). */
void request_relay_task(struct request *r);

/* Sets BYTES of limits.maxSessionBytes aside until R ends, for the URI that R names. */
void request_reserve(struct request *r, size_t bytes);
size_t request_reserved(const struct request *r);

/* FN is called when R has ended with ANSWER, before the response is sent: for state of the session
 * that depends on the outcome (a subscription). */
typedef void request_after_fn(struct request *r, const struct answer *answer);
void request_set_after(struct request *r, request_after_fn *fn);

/* The revision that is spoken with the backend of R. */
enum mcp_rev server_backend_rev(const struct request *r);
/* The next call of R in the place of one that has ended; PARAMS is consumed, ARGUMENTS (NULL:
 * none) borrowed. NULL on lack of
 * memory. */
struct call *server_next_call(struct request *r, const char *method, json_t *params_take,
			      struct jsontext *arguments, int64_t deadline_ms);
/* Whether the client can be asked Q. Where a client of 2026-07-28 cannot, R is denied: R will end
 * with an error that names the missing capability. */
bool server_can_ask(struct request *r, const struct question *q);
/* Asks the client Q on behalf of the request of ORIGIN (struct server_front; NULL: of no request),
 * if the client declared the capability for that; else refuses Q. */
void server_ask(struct server *s, void *origin, struct question *q_take);
/* Whether the client declared the extension for tasks. */
bool server_declared_tasks(const struct server *s);
/* Denies R, whose client lacks the extension for tasks: R will end with an error that names the
 * extension. */
void server_deny_tasks(struct request *r);
/* Whether the log message with PARAMS is of a level that the client wants. */
bool server_wants_log(const struct server *s, json_t *params);

#endif
