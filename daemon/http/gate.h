/* SPDX-License-Identifier: ISC */
/* gate.h: reads a connection before evhttp does. evhttp calls back only when a whole body is there,
 * answers errors with pages of its own, and accepts requests that have two readings. So the gate
 *
 * - collects the head, and refuses a bad one with a JSON-RPC error and the headers of CORS;
 * - holds the body back until the hook has allowed one, and follows the body to its end;
 * - keeps a bounded number of bytes of the next requests until the present one is answered.
 *
 * evhttp never has more than one request of a connection. */
#ifndef MCPD_GATE_H
#define MCPD_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include "http/framing.h"

struct budget;
struct bufferevent;
struct event_base;
struct evhttp_connection;
struct gate;

/* Bytes that are read of the next requests while an answer is pending, and of a body before the
 * hook has allowed one. */
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
	/* The holder of the place of the connection, as for exchange_holder(); NULL: none. */
	const char *(*holder)(void *owner);
};

/* A gate before BEV, whose bytes are not read yet. NULL on lack of memory. */
struct gate *gate_new(const struct gate_rules *r, struct bufferevent *bev, void *owner);
/* evhttp's connection is known: before the first byte comes. */
void gate_adopt(struct gate *g, struct evhttp_connection *con);
/* The connection is being freed. */
void gate_free(struct gate **g);

/* The holder of the place of the connection, as for exchange_holder(); NULL: none. Borrowed. */
const char *gate_holder(const struct gate *g);

/* The answer to GATE_WAIT. CODE 0: the body may come; else it is cut, and CODE and WHY (static
 * text) can be asked for by gate_verdict(). G may be gone afterwards. */
void gate_decide(struct gate *g, int code, const char *why);

/* ---- for the exchange of the present request ---- */

/* Whether the connection must end with the answer. */
bool gate_close(const struct gate *g);
/* The CODE and WHY of gate_decide(); 0: the body may come. */
int gate_verdict(const struct gate *g, const char **why_r);
/* Whether more may be read while the answer is pending. */
bool gate_may_read(const struct gate *g);
/* The answer is complete: the next request may come. */
void gate_next(struct gate *g);
/* The time limit of the connection was taken off for the present answer: gate_next() has to set it
 * again. */
void gate_untimed(struct gate *g);
/* Whether bytes of the client are unread. Closing a socket with unread bytes resets the connection,
 * which can destroy the answer on its way. */
bool gate_unread(const struct gate *g);
/* Counts the memory of the present request of the connection, and of its answer until the client
 * has read it, in B. */
void gate_charge(struct gate *g, struct budget *b);
/* The body of the present request was freed, or belongs to another part now. */
void gate_body_freed(struct gate *g);
/* The memory of the answers that the client has not read, in bytes; 0: there are none. */
size_t gate_backlog(const struct gate *g);
/* Takes the connection from evhttp: writes out what is in the output, reads and forgets until the
 * client closes or for half a minute, and ends it. */
void gate_linger(struct gate *g);

#endif
