/* SPDX-License-Identifier: ISC */
/* exchange_impl.h: the members of an exchange, for exchange.c, which answers the request, and
 * exchange_request.c, which reads the request. */
#ifndef MCPD_EXCHANGE_IMPL_H
#define MCPD_EXCHANGE_IMPL_H

#include <event2/bufferevent.h>

#include "base/defer.h"
#include "base/netaddr.h"
#include "http/exchange.h"

enum exchange_state {
	EXCHANGE_OPEN,	    /* no answer yet */
	EXCHANGE_STREAMING, /* exchange_stream_begin() was called */
	EXCHANGE_GONE,	    /* the client left and the owner does not know */
	EXCHANGE_ENDED,	    /* dead for the owner; only the memory is left */
};

struct exchange {
	struct evhttp_request *req;    /* NULL once the client has left */
	struct evhttp_connection *con; /* likewise */
	struct gate *gate;	       /* likewise */
	const struct exchange_home *home;
	exchange_gone_fn gone;
	void *gone_arg;
	bufferevent_data_cb write_cb; /* evhttp's, while the connection is watched */
	char *fields;		      /* more lines for the answer's head, or NULL */
	size_t fields_len;
	const char *path;	/* never NULL */
	char *decoded;		/* what PATH points to, where the client sent it escaped */
	char *holder;		/* "user:NAME"; NULL: unauthenticated */
	struct netaddr address; /* of the client, once client_known */
	char *client;		/* "addr:A" NUL, and ADDRESS as text; NULL: nobody has asked yet */
	bool client_known;
	bool shared;	       /* ADDRESS has a share */
	struct bearer *bearer; /* NULL: no token was asked for */
	exchange_challenge_fn challenge;
	void *challenge_arg;
	size_t body_len;	  /* of the body that was taken */
	struct share *place;	  /* a place of it is taken; NULL: none */
	const char *place_holder; /* the holder of PLACE; NULL: none */
	enum exchange_state state;
	bool handling; /* inside the handler: only exchange_settle() frees */
	bool watched;
	bool chunked;
	bool close;
	struct defer defer;
};

/* Sets path and decoded from the request. 0 or ERR_NOMEM. */
int exchange_read_path(struct exchange *x);
/* Finds the address of the client, while connection and headers are there. */
void exchange_read_client(struct exchange *x);

#endif
