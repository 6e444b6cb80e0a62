/* SPDX-License-Identifier: ISC */
/* exchange.h: one HTTP request and its one answer. The only file pair (with httpd) that knows
 * evhttp; it hides these traps of evhttp: clients that leave unnoticed while an answer is pending,
 * time limits that cut silent streams, close callbacks that outlive their request, orphaned
 * requests.
 *
 * Ownership: httpd hands an exchange to the handler, which must end it exactly once, now or later,
 * with exchange_reply*() or exchange_stream_begin() ... exchange_stream_end(); after that call the
 * pointer is dead. If the client leaves first, on_gone is called once (never from inside a call
 * that the owner makes) and the pointer is dead after it returns. The memory goes in a later turn.
 */
#ifndef MCPD_EXCHANGE_H
#define MCPD_EXCHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/time.h>

#include "lib/err.h"

struct bearer;
struct budget;
struct evbuffer;
struct evhttp_connection;
struct evhttp_request;
struct exchange;
struct jsontext;
struct share;
struct gate;
struct peer_rules;

enum exchange_method {
	EXCHANGE_GET,
	EXCHANGE_HEAD,
	EXCHANGE_POST,
	EXCHANGE_DELETE,
	EXCHANGE_OPTIONS,
	EXCHANGE_OTHER,
};

typedef void (*exchange_gone_fn)(struct exchange *x, void *arg);
/* Request side. All strings are borrowed. Headers and body live until the answer begins (a stream
 * may stay open for days and needs neither); path, query and peer live as long as the exchange. */
enum exchange_method exchange_method(const struct exchange *x);
/* The path of the request target as it was sent, decoded once, without query. "" where that can be
 * no path of ours: it has a NUL or an encoded slash, an encoding that was not needed ("%68"), or
 * the target names another host than the Host header. */
const char *exchange_path(const struct exchange *x);
/* The raw query, or NULL. */
const char *exchange_query(const struct exchange *x);
/* The client's address without port: the TCP peer's, or the one that a trusted proxy forwarded
 * (peer.h). "" if it is not known. */
const char *exchange_peer(struct exchange *x);
/* The verdict of gate_decide() on the head of X: 0, or a code with static text in *WHY_R, where X
 * is answered without its body. */
int exchange_verdict(const struct exchange *x, const char **why_r);
/* The holder of the places that X takes (share.h): "user:NAME" where a user is known, else
 * "addr:A" with A the client's IPv4 address or IPv6 /64, else NULL: loopback and trusted proxies
 * themselves have no share. Changes with exchange_set_user() alone, and lives as long as X. */
#define EXCHANGE_ADDRESS_HOLDER "addr:"
const char *exchange_holder(struct exchange *x);
/* Sets the user of X (copied; lives as long as X). Without this call X has none, NULL. 0 or
 * ERR_NOMEM. */
int exchange_set_user(struct exchange *x, const char *user);
const char *exchange_user(const struct exchange *x);
/* The token that X came with, which lives as long as X; NULL (the default): none was asked for. B
 * is referenced, and may be NULL. */
void exchange_set_bearer(struct exchange *x, struct bearer *b);
struct bearer *exchange_bearer(const struct exchange *x);
/* Adds the challenge that asks the client for another token (RFC 6750 section 3): FN sets the
 * headers for the error code ERROR ("insufficient_scope"); WHY is a text for people; SCOPE (NULL:
 * the configured ones) is the scope that the token needs. */
typedef void (*exchange_challenge_fn)(struct exchange *x, const char *error, const char *why,
				      const char *scope, void *arg);
void exchange_on_challenge(struct exchange *x, exchange_challenge_fn fn, void *arg);
/* Calls the FN of exchange_on_challenge(), if there is one. Before the answer begins. */
void exchange_challenge(struct exchange *x, const char *error, const char *why, const char *scope);
/* Takes a place of SHARE, which outlives X, for the holder of X. The place is given back when X has
 * ended or its client has left. Once, after exchange_set_user(). 0, or the codes of share_take().
 */
int exchange_take_place(struct exchange *x, struct share *share, struct err *e);
/* Counts the memory of X, and of its answer until the client has read it, in B from now on; until
 * then it was counted in the budget of the client's address. Returns the length of the body that
 * exchange_take_body() took. */
size_t exchange_charge(struct exchange *x, struct budget *b);
/* The first value of header NAME (case-insensitive) with SP and HTAB stripped on both sides
 * (RFC 9110 section 5.5), or NULL. The pointer is good until the next call for the same exchange.
 */
const char *exchange_header(struct exchange *x, const char *name);
/* How often header NAME occurs. */
unsigned exchange_header_count(const struct exchange *x, const char *name);
/* Takes the body out of X: malloc'd and terminated, with its length; NULL on lack of memory. */
char *exchange_take_body(struct exchange *x, size_t *len_r);
/* Answer side. Adds a header to the answer (before it begins); a name or value with CR, LF or NUL
 * is refused (ERR_INVALID). */
int exchange_set_header(struct exchange *x, const char *name, const char *value);
/* Ends the exchange with STATUS. CONTENT_TYPE NULL (and LEN 0) sends no body; 202 and 204 never
 * have one. Lack of memory closes the connection instead. */
void exchange_reply(struct exchange *x, int status, const char *content_type, const char *body,
		    size_t len);
/* exchange_reply() with MSG (borrowed) as application/json on one line. */
void exchange_reply_json(struct exchange *x, int status, const json_t *msg);
/* exchange_reply() with MSG (borrowed; large parts go out by reference) as application/json. */
void exchange_reply_text(struct exchange *x, int status, struct jsontext *msg);
/* Begins an SSE answer: 200, text/event-stream, no-cache, X-Accel-Buffering: no; chunked for
 * HTTP/1.1, until close for 1.0; no time limit from evhttp any more. 0, or an error after which the
 * exchange still has to be ended. */
int exchange_stream_begin(struct exchange *x);
/* Drains DATA into the stream. Only after begin. 0 or ERR_CLOSED/ERR_NOMEM. */
int exchange_stream_write(struct exchange *x, struct evbuffer *data);
/* Ends the stream and the exchange. */
void exchange_stream_end(struct exchange *x);
/* Ends the exchange by cutting the connection (slow or hostile client, half-written answer). */
void exchange_abort(struct exchange *x);
/* The memory of the output of X that the kernel has not taken yet, in bytes. */
size_t exchange_backlog(const struct exchange *x);
/* Sets the callback for a client that left; NULL: none. A client that hangs up is noticed while an
 * answer is pending and while a stream is silent. A client that only
 * shuts down its sending side cannot be told from one that left, and counts as gone (RFC 9112
 * section 9.6 lets a server close then). Without a callback the exchange stays until its owner
 * ends it. */
void exchange_on_gone(struct exchange *x, exchange_gone_fn fn, void *arg);

/* For httpd: what the exchanges of one listener share. Must outlive them. */
struct exchange_home {
	struct timeval idle; /* between requests, and for a client that does not take its answer; 0:
				none */
	const struct peer_rules *peers; /* NULL: no proxy is trusted */
	bool closing;			/* each connection ends with its present answer */
	/* True: an answer given now leaves after this turn of the loop, else it may leave at once.
	 * NULL: never. */
	bool (*hold)(void *hold_arg);
	void *hold_arg;
	void (*closed)(struct evhttp_connection *con, void *arg); /* CON is being freed */
	void *arg;
};

/* Wraps REQ, which came through GATE and which the handler must get before anything else happens;
 * exchange_settle() once the handler has returned. CLOSE: the connection ends with this answer.
 * NULL on lack of memory. */
struct exchange *exchange_new(struct evhttp_request *req, struct gate *gate,
			      const struct exchange_home *home, bool close);
void exchange_settle(struct exchange *x);
/* How many exchanges have not ended: must be 0 after a clean shutdown. */
size_t exchange_count(void);

#endif
