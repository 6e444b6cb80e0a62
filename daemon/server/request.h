/* SPDX-License-Identifier: ISC */
/* request.h: a request of the client in flight, and questions to its client. For the files that
 * include server_impl.h. The struct itself is in server_request.h. */
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

/* R was sent to this server, as this call. The call is another one after server_next_call(). */
struct server *request_server(const struct request *r);
struct call *request_call(const struct request *r);

/* R calls TOOL, as the backend of the tool lists it (a reference that R takes; NULL: the tool is
 * not listed). */
void request_set_tool(struct request *r, json_t *tool_take);
/* Whether request_set_tool() told R of a tool that is listed. */
bool request_has_tool(const struct request *r);

/* R goes to backend SOURCE of the view, over L (NULL: there was no memory for a link). */
void request_route(struct request *r, size_t source, struct link *l);

/* The result of R may be a task of the client's. */
void request_relay_task(struct request *r);

/* BYTES of what the session may keep are set aside until R ends, for the URI that R names. */
void request_reserve(struct request *r, size_t bytes);
size_t request_reserved(const struct request *r);

/* FN is called when R has ended with ANSWER, before the client is told: what the session remembers
 * of the outcome (a subscription). */
typedef void request_after_fn(struct request *r, const struct answer *answer);
void request_set_after(struct request *r, request_after_fn *fn);

/* The revision that is spoken with the backend of R. */
enum mcp_rev server_backend_rev(const struct request *r);
/* The next call of R in the place of one that has ended; PARAMS is consumed. NULL on lack of
 * memory. */
struct call *server_next_call(struct request *r, const char *method, json_t *params_take,
			      int64_t deadline_ms);
/* Whether the client can be asked Q. False: it cannot, and R of a client of 2026-07-28 is denied:
 * its end will say what is missing. */
bool server_can_ask(struct request *r, const struct question *q);
/* Asks the client on behalf of the request at WHERE (NULL: of none), if it declared that it can be
 * asked. */
void server_ask(struct server *s, void *where, struct question *q_take);
/* Whether the client declared the extension for tasks. */
bool server_declared_tasks(const struct server *s);
/* Denies R, whose client lacks the extension for tasks; its end names the extension. */
void server_deny_tasks(struct request *r);
/* Whether the log message with PARAMS is of a level that the client wants. */
bool server_wants_log(const struct server *s, json_t *params);

#endif
