/* SPDX-License-Identifier: ISC */
/* gate.h: what a client's bytes pass before evhttp sees them. evhttp calls back only when a whole
 * body is there, answers errors with pages of its own, and takes what has two readings. The gate
 * sees each read first: it collects the head, refuses what evhttp would take or answer badly (with
 * a JSON-RPC error and the headers of CORS), holds a body back until it is known whether the
 * request may have one, follows it to its end, and keeps what the client sends ahead, bounded,
 * until the present request is answered. So evhttp never has more than one request of a connection,
 * and never one that it could see differently. */
#ifndef MCPD_GATE_H
#define MCPD_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include "http/framing.h"

struct bufferevent;
struct event_base;
struct evhttp_connection;
struct gate;

/* What a client may send ahead while an answer is pending, and what of a body is taken before it is
 * known whether the request may have one: reading stops once that much is here. */
#define GATE_AHEAD 4096

enum gate_answer {
	GATE_PASS, /* the body may come */
	GATE_CUT,  /* the request is answered without its body, and the connection ends */
	GATE_WAIT, /* gate_decide() will tell */
};

struct gate_hooks {
	/* Whether the request of HEAD may have a body that is larger than GATE_AHEAD or of unknown
	 * length. For GATE_WAIT *TICKET_R is what FORGET gets when the connection ends first. NULL:
	 * every request may. */
	enum gate_answer (*ask)(void *arg, const struct framing_head *head, struct gate *g,
				void **ticket_r);
	void (*forget)(void *arg, void *ticket);
	/* Whether a page of ORIGIN may read an answer. NULL: none may. */
	bool (*origin_ok)(void *arg, const char *origin);
	void *arg;
};

/* What the gates of one listener share. Must outlive them. */
struct gate_rules {
	struct event_base *base;
	size_t max_body, max_headers; /* bytes */
	int64_t request_ms;  /* for a head; a body has that and a second for each 4 KiB. 0: no limit
			      */
	struct timeval idle; /* of the connection; 0: none */
	struct gate_hooks hooks;
	/* The connection begins (SILENT), or ends, to wait for a request. OWNER: see gate_new(). */
	void (*silent)(void *owner, bool silent);
	/* Who has the place of the connection, as exchange_holder() says it; NULL: nobody. */
	const char *(*holder)(void *owner);
};

/* A gate before BEV, whose bytes are not read yet. NULL on lack of memory. */
struct gate *gate_new(const struct gate_rules *r, struct bufferevent *bev, void *owner);
/* evhttp's connection is known: before the first byte comes. */
void gate_adopt(struct gate *g, struct evhttp_connection *con);
/* The connection is being freed. */
void gate_free(struct gate **g);

/* Who has the place of the connection, as exchange_holder() says it; NULL: nobody. Borrowed. */
const char *gate_holder(const struct gate *g);

/* The answer to GATE_WAIT. CODE 0: the body may come; else it is cut, and CODE and WHY (static
 * text) can be asked for by gate_verdict(). G may be gone afterwards. */
void gate_decide(struct gate *g, int code, const char *why);

/* ---- for the exchange of the present request ---- */

/* Whether the connection must end with the answer. */
bool gate_close(const struct gate *g);
/* What gate_decide() said; 0: nothing. */
int gate_verdict(const struct gate *g, const char **why_r);
/* Whether more may be read while the answer is pending. */
bool gate_may_read(const struct gate *g);
/* The answer is complete: the next request may come. */
void gate_next(struct gate *g);
/* The time limit of the connection was taken off for the present answer: gate_next() has to set it
 * again. */
void gate_untimed(struct gate *g);
/* Whether there is something of the client that nobody will read: closing now could make the
 * network drop the answer. */
bool gate_unread(const struct gate *g);
/* Takes the connection from evhttp: writes out what is in the output, reads and forgets until the
 * client closes or for half a minute, and ends it. */
void gate_linger(struct gate *g);

#endif
