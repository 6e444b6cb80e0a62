/* SPDX-License-Identifier: ISC */
/* said.h: what clients say, made from trees by the tests of the parts that take it. */
#ifndef MCPD_TESTS_SAID_H
#define MCPD_TESTS_SAID_H

#include <jansson.h>
#include <stdbool.h>

struct call;
struct message;
struct server;
struct transport;

/* server_request() with the "arguments" that PARAMS (borrowed, may be NULL) have. */
int said_request(struct server *s, void *origin, json_t *id, const char *method, json_t *params);
/* Reads the response MSG (borrowed, "jsonrpc" is added) as M, which is to be cleared. */
int said_response(struct message *m, const json_t *msg);
/* transport_answer() of the response MSG (borrowed, "jsonrpc" is added). ERR_NOTFOUND also where
 * MSG is no response. */
int said_answer(struct transport *t, const json_t *msg);
/* Whether the parameters of C, with its arguments, are TEXT (see json_of()). */
bool said_params_are(struct call *c, const char *text);

#endif
