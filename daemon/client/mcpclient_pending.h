/* SPDX-License-Identifier: ISC */
/* mcpclient_pending.h: the requests of ours that have no answer yet: their lists, ids, places and
 * ends. For mcpclient.c and mcpclient_*.c alone. Other files read the lists of struct mcpclient;
 * only mcpclient_move() changes in which one a request is. */
#ifndef MCPD_MCPCLIENT_PENDING_H
#define MCPD_MCPCLIENT_PENDING_H

#include "client/mcpclient_impl.h"

void mcpclient_pending_init(struct mcpclient *m);
/* The call C as a request that is not on its way yet, among those that wait for the handshake where
 * that is not over. NULL with E: there is no place for it. */
struct pending *mcpclient_pending_call(struct mcpclient *m, struct call *c, struct err *e);
/* A request of mcpd's own, in no list. NULL on lack of memory. */
struct pending *mcpclient_pending_own(struct mcpclient *m, const char *method);
/* Takes P out of its list and puts it into TO, a list of its mcpclient or NULL: none. Leaving a
 * list gives back what P has there (place, id, time limit); SENT gives it an id, and mcpd's own a
 * time limit. 0, or ERR_NOMEM: P is in no list. */
int mcpclient_move(struct pending *p, struct pending_list *to);
/* Frees P without calling its callbacks. */
void mcpclient_forget(struct pending *p);
/* The holder of places for the call C (share.h); NULL: none, because all calls of M are one
 * client's. */
const char *mcpclient_holder(const struct mcpclient *m, const struct call *c);
const char *mcpclient_method(const struct pending *p);
json_t *mcpclient_params(const struct pending *p); /* borrowed, may be NULL */
/* The request that is on its way under ID; NULL: there is none. */
struct pending *mcpclient_find(const struct mcpclient *m, json_int_t id);
/* Request ID, mcpd's own, may take as long as it likes. */
void mcpclient_no_timeout(struct mcpclient *m, json_int_t id);
/* Frees the requests that were sent, without calling their callbacks. For a channel that ended
 * before the handshake. */
void mcpclient_forget_sent(struct mcpclient *m);
/* The ends of P, which is freed: without an answer, with one, and, for a call, by its client. */
void mcpclient_fail(struct pending *p, const char *why);
void mcpclient_done(struct pending *p, struct jsontext *result_take);
void mcpclient_done_tree(struct pending *p, json_t *result_take);
void mcpclient_error(struct pending *p, int code, json_t *data_take, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void mcpclient_cancelled(struct pending *p);
/* The end of P, a request of mcpd's own. */
void mcpclient_end_own(struct pending *p, const struct mcpclient_reply *r);

#endif
