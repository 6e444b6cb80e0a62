/* SPDX-License-Identifier: ISC */
/* mcpclient_dialect.h: the two eras of the client role, for mcpclient.c and mcpclient_*.c alone:
 * how the era of a server is found, and the functions of each era. */
#ifndef MCPD_MCPCLIENT_DIALECT_H
#define MCPD_MCPCLIENT_DIALECT_H

#include "client/mcpclient_pending.h"

struct jsontext;

/* The functions of one era. */
struct mcpclient_dialect {
	/* The parameters of P on the wire (a new reference, NULL for none). 0 or ERR_NOMEM. */
	int (*params)(const struct pending *p, json_t **params_r);
	/* P has a result (borrowed). */
	void (*on_result)(struct pending *p, struct jsontext *result);
	/* The call P has an error. */
	void (*on_error)(struct pending *p, int code, const char *text, json_t *data);
	/* Answers P, which is in no list, without the server; false: P has to be sent. NULL: always
	 * so. */
	bool (*answer)(struct pending *p);
	/* The server asks. */
	void (*on_request)(struct mcpclient *m, json_t *id, const char *method, json_t *params);
	/* Sends the first messages once M is ready. May be NULL. */
	void (*start)(struct mcpclient *m);
	/* True: the notification was for mcpd itself. May be NULL. */
	bool (*on_notification)(struct mcpclient *m, const char *method, json_t *params);
};
extern const struct mcpclient_dialect mcpclient_legacy, mcpclient_modern;

/* mcpclient_handshake.c: initialize, or server/discover and what follows from its answer. */
void mcpclient_initialize(struct mcpclient *m);
void mcpclient_discover(struct mcpclient *m);
void mcpclient_probe_fini(struct mcpclient *m);
void mcpclient_on_silence(struct delayq_node *node, void *arg);

/* mcpclient_envelope.c. Adds to META the revision that is spoken, CAPS and INFO. 0 or ERR_NOMEM. */
int mcpclient_add_envelope(struct mcpclient *m, json_t *meta, json_t *caps, json_t *info_take);
/* PARAMS (may be NULL) with the envelope of mcpd itself (a new reference). */
json_t *mcpclient_enveloped(struct mcpclient *m, json_t *params);
/* The capabilities of CALLER as 2026-07-28 has them: borrowed until the next call of this function.
 * NULL on lack of memory. */
json_t *mcpclient_caller_capabilities(struct mcpclient *m, const struct caller *caller);

/* mcpclient_rounds.c: RESULT asks for input before the call P can go on. */
void mcpclient_input_required(struct pending *p, json_t *result);
/* Whether it may, and may ask this client that; false: P was ended. */
bool mcpclient_check_input(struct pending *p, json_t *result);
/* Adds what a retry says to PARAMS. 0 or ERR_NOMEM. */
int mcpclient_rounds_params(const struct pending *p, json_t *params);
/* P is over: withdraws the questions that were asked for P. */
void mcpclient_rounds_end(struct pending *p);
void mcpclient_on_pace(struct delayq_node *node, void *arg);

/* mcpclient_requests.c. Cancels request ID, one of mcpd itself, at the server; its callback is not
 * called. */
void mcpclient_abandon(struct mcpclient *m, json_int_t id);
/* The server says that it will not answer it. */
void mcpclient_ended(struct mcpclient *m, json_int_t id);

/* mcpclient_listen.c: one subscriptions/listen for all subscriptions of M. */
void mcpclient_listen_start(struct mcpclient *m);
void mcpclient_listen_stop(struct mcpclient *m); /* nothing is opened any more */
void mcpclient_listen_free(struct mcpclient *m);
void mcpclient_on_again(struct delayq_node *node, void *arg);
/* P, a resources/(un)subscribe or (ours alone) tasks/(un)subscribe in no list, is answered, maybe
 * later. */
void mcpclient_subscribe(struct pending *p);
void mcpclient_unsubscribe(struct pending *p);
/* True: the notification was about a subscription of mcpclient_listen.c. */
bool mcpclient_listen_heard(struct mcpclient *m, const char *method, json_t *params);

#endif
