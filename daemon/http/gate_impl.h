/* SPDX-License-Identifier: ISC */
/* gate_impl.h: a gate from inside: gate.c follows requests, gate_end.c ends connections. */
#ifndef MCPD_GATE_IMPL_H
#define MCPD_GATE_IMPL_H

#include <event2/event_struct.h>

#include "base/budget.h"
#include "http/framing_reader.h"
#include "http/gate.h"

struct evbuffer;

enum gate_state {
	GATE_HEAD,   /* evhttp waits for a request; the head is not whole */
	GATE_ASKING, /* the head is here, the body is held back */
	GATE_BODY,   /* evhttp has the head, and gets the body as it comes */
	GATE_BUSY,   /* evhttp has the whole request */
	GATE_LINGER, /* it is over; see gate_linger() */
};

struct gate {
	const struct gate_rules *rules;
	void *owner;
	struct bufferevent *bev;
	struct evhttp_connection *con; /* NULL: not known yet */
	struct evbuffer *held;	       /* what evhttp must not see yet; NULL: nothing so far */
	enum gate_state state;
	bool inside; /* in the callback of the input: evhttp looks at it afterwards */
	bool moving; /* what comes into the input comes from the gate */
	bool close;
	bool cut;
	bool untimed;
	bool timed;		      /* the timer runs */
	bool shut;		      /* lingering: nothing is written any more */
	bool eof;		      /* lingering: nothing comes any more */
	struct framing_reader reader; /* of the present request */
	uint64_t received;	      /* of a body */
	int64_t began;		      /* when the timer was started */
	char *origin;		      /* of a request with a chunked body */
	void *ticket;
	int verdict;
	const char *why;
	struct budget *home;	  /* of the address of the connection; NULL: no request came yet */
	struct budget_part body;  /* of the present request */
	struct budget_buffer out; /* answers that the client has not read */
	struct event go;	  /* what is held is looked at when evhttp is ready */
	struct event timer;
};

/* The bytes of the client that evhttp has not seen; and how many of them are held back. */
struct evbuffer *gate_input(const struct gate *g);
size_t gate_held(const struct gate *g);
void gate_set_state(struct gate *g, enum gate_state state);

/* gate_end.c. The time of the present head or body begins, or is over. */
void gate_begin_timer(struct gate *g);
void gate_stop_timer(struct gate *g);
void gate_on_timer(evutil_socket_t fd, short what, void *arg);
/* Answers the request itself, and ends the connection. WHY is static text without quotes. */
void gate_refuse(struct gate *g, int status, const char *why);
/* Lack of memory: nothing can be answered. */
void gate_cut_off(struct gate *g);

/* gate_held.c: what the connection holds, in the budget. Before the first byte comes: 0 or
 * ERR_NOMEM; and at the end. */
int gate_count_begin(struct gate *g);
void gate_count_end(struct gate *g);
/* Whether there is room for a body of LEN bytes that is to come; N bytes of the body have come.
 * False: the request was refused. */
bool gate_has_room(struct gate *g, uint64_t len);
bool gate_count_body(struct gate *g, size_t n);
/* The next request is no user's yet. */
void gate_count_next(struct gate *g);

#endif
