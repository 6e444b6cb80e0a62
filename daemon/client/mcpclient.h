/* SPDX-License-Identifier: ISC */
/* mcpclient.h: the client role of the gateway towards one MCP server, over any channel of messages,
 * in the era that the server speaks.
 *
 * An mcpclient uses neither processes nor sockets: the owner sends its messages over the channel,
 * and feeds it the messages that come. Request ids and progress tokens are numbers of the mcpclient
 * (one integer serves as both) and are mapped back in answers. So no id of a client reaches the
 * server, and no answer to another call reaches a client. (Lifecycle, Ping, Cancellation, Progress;
 * 2026-07-28: Discovery, Multi Round-Trip Requests, Subscriptions.) */
#ifndef MCPD_MCPCLIENT_H
#define MCPD_MCPCLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/protocol.h"
#include "mcp/call.h"

struct bearer;
struct event_base;
struct jsontext;
struct mask;
struct mcpclient;
struct offer;
struct question;

/* How sampling/createMessage, elicitation/create and roots/list are answered. */
enum mcpclient_asks {
	MCPCLIENT_ASKS_FORWARD, /* all calls are one client's: to the call in flight (the latest of
				   several), else to on_question */
	MCPCLIENT_ASKS_ONLY,	/* calls of several clients: to the only call in flight, to
				   on_question without one, and refused in doubt */
	MCPCLIENT_ASKS_REFUSE,	/* method not found: no capability for them was declared */
	MCPCLIENT_ASKS_PROBE,	/* there is no client: no roots, cancelled, rejected */
};

/* The server's era, as far as it is known at the start. */
enum mcpclient_era {
	MCPCLIENT_ERA_LEGACY, /* it gets initialize */
	MCPCLIENT_ERA_MODERN, /* it gets server/discover alone */
	MCPCLIENT_ERA_PROBE,  /* it gets server/discover, and initialize where that is not known */
};

struct mcpclient_spec {
	const char *name;     /* the backend's; borrowed */
	json_t *capabilities; /* the client's, an object; referenced */
	json_t *client_info;  /* referenced */
	enum mcpclient_asks asks;
	int64_t timeout_ms; /* for what mcpd itself asks, initialize included; 0: none */
	/* The answers of different requests come on streams of their own, in no order among them.
	 */
	bool parallel;
	unsigned max_queue; /* calls that wait for the handshake; more are refused; 0: no limit */
	unsigned share; /* percent that one holder has of max_queue and of the questions of several
			   clients */
	const struct mask *mask; /* values to mask in texts of the server; borrowed; NULL: none */
	enum mcpclient_era era;
	/* MCPCLIENT_ERA_PROBE: how long a server may say nothing to server/discover before it gets
	 * initialize as well; 0: silence is a failure, not a verdict */
	int64_t silence_ms;
};
/* Codes of the errors that a channel makes up for a server/discover without an answer in JSON-RPC.
 * They are smaller than every code that a server may use. */
enum mcpclient_code {
	/* The server refused it with an HTTP 4xx, or exited: the server does not know the request.
	 */
	MCPCLIENT_CODE_REFUSED = -1000001,
	/* The request failed before the server judged it: network, time, 401, 403, 5xx. */
	MCPCLIENT_CODE_FAILED = -1000002,
};
/* The channel and the owner. Each may close the mcpclient. */
struct mcpclient_events {
	/* Sends TEXT (borrowed), for a call with the token BEARER unless that is NULL. MSG
	 * (borrowed) is the message without the arguments of a call; NULL: a response. 0,
	 * ERR_LIMIT, ERR_CLOSED, ERR_NOMEM. */
	int (*send)(struct mcpclient *m, json_t *msg, struct jsontext *text, struct bearer *bearer,
		    void *arg);
	/* The handshake is over; calls that waited for it are sent after this returns. */
	void (*on_ready)(struct mcpclient *m, void *arg);
	/* There will be no handshake. Calls wait until the owner closes it. */
	void (*on_failed)(struct mcpclient *m, const struct err *why, void *arg);
	/* Everything but progress and cancellation. PARAMS is borrowed and may be NULL. */
	void (*on_notification)(struct mcpclient *m, const char *method, json_t *params, void *arg);
	void (*on_question)(struct mcpclient *m, struct question *q_take, void *arg);
};
/* The answer to a request that mcpd itself made. */
struct mcpclient_reply {
	json_t *result;	     /* an object, borrowed; NULL: it failed */
	int code;	     /* of the server's error; 0: it did not answer */
	const char *message; /* why it failed */
	json_t *data;	     /* of the server's error, borrowed; may be NULL */
};
typedef void (*mcpclient_reply_fn)(struct mcpclient *m, const struct mcpclient_reply *r, void *arg);

/* Tells of the end of a call, before the front hears of it. OK: by a result. */
typedef void (*mcpclient_done_fn)(struct mcpclient *m, struct call *c, bool ok, void *arg);

/* NULL on lack of memory. Nothing is sent yet. */
struct mcpclient *mcpclient_new(struct event_base *base, const struct mcpclient_spec *spec,
				const struct mcpclient_events *events, void *arg);
/* Sends the handshake. on_failed may come from inside. */
void mcpclient_start(struct mcpclient *m);
/* Whether M, which is not ready, has sent a request before initialize. Some servers exit at such a
 * request; the owner then opens a new channel and calls mcpclient_start_legacy(). Calls that wait
 * go on waiting. */
bool mcpclient_probing(const struct mcpclient *m);
void mcpclient_start_legacy(struct mcpclient *m);
/* Ends calls and requests with "backend NAME: WHY" and withdraws questions; no event comes any
 * more. The memory is freed in a later turn. Idempotent; *M becomes NULL. */
void mcpclient_close(struct mcpclient **m, const char *why);
/* Takes TEXT (borrowed; its bytes are shared with what is made of it), one message or batch, which
 * came with the answer to request ORIGIN (an id of mcpd; 0: not known): questions and notifications
 * in TEXT belong to the call of that request. A TEXT that is no message is dropped and logged, the
 * first time as a warning with its beginning, then at level info with a limited rate; where TEXT
 * was meant as the response to a request, that request ends with an error that says what is wrong.
 */
void mcpclient_feed_text(struct mcpclient *m, struct jsontext *text, json_int_t origin);
/* Request ID, whose error follows, is refused for lack of SCOPE. A handshake: so are the calls that
 * wait for it. */
void mcpclient_denied(struct mcpclient *m, const json_t *id, const char *scope);
/* A message of the server is lost, which begins with LEN bytes at BEGIN: the request ends that this
 * answers. Where the beginning shows neither an id nor a method, all requests do, because each of
 * them may wait for just this message. */
void mcpclient_lost_message(struct mcpclient *m, const char *begin, size_t len, const char *why);
/* Sends C, or keeps it until the handshake is over. C ends exactly once, maybe before this returns.
 * DONE (may be NULL) comes once for each call. */
void mcpclient_call(struct mcpclient *m, struct call *c, mcpclient_done_fn done, void *arg);
/* Asks the server itself, once the handshake is over. FN (may be NULL) comes exactly once, maybe
 * before this returns, and from mcpclient_close(). */
void mcpclient_request(struct mcpclient *m, const char *method, json_t *params_take,
		       mcpclient_reply_fn fn, void *arg);
void mcpclient_notify(struct mcpclient *m, const char *method, json_t *params);
/* How many messages were of no use to a call: no JSON-RPC, responses to no request, notifications
 * other than progress and log messages, requests. The owner slows its reading by this number. */
unsigned long mcpclient_useless(const struct mcpclient *m);
/* How the first line began that is not JSON, of which the log has a warning, too: without secrets
 * and control characters; "": there was none. */
const char *mcpclient_noise(const struct mcpclient *m);
bool mcpclient_ready(const struct mcpclient *m);
bool mcpclient_is_modern(const struct mcpclient *m); /* once ready */
size_t mcpclient_calls(const struct mcpclient *m);   /* that have not ended */
/* The call that the message being fed belongs to: the one that mcpclient_feed_text() named, or the
 * only call in flight. NULL where several calls could be meant. */
struct call *mcpclient_only_call(const struct mcpclient *m);
/* The server's own description, as an offer with empty lists (a new reference); NULL on lack of
 * memory. Only when M is ready. */
struct offer *mcpclient_introduction(const struct mcpclient *m);
bool mcpclient_can(const struct mcpclient *m,
		   const char *capability); /* whether it declared that ("logging") */
const char *mcpclient_name(const struct mcpclient *m);
/* Masks TEXT, which the server said, by the mask of the specification. CUT: see mask_here(). */
void mcpclient_mask(const struct mcpclient *m, char *text, bool cut);

#endif
