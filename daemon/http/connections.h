/* SPDX-License-Identifier: ISC */
/* connections.h: the connections of one listener: how many there are, how many each address has,
 * and which of them is silent and may be closed for a new one. */
#ifndef MCPD_CONNECTIONS_H
#define MCPD_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/err.h"
#include "lib/hash.h"

struct bufferevent;
struct connections;
struct evhttp_connection;
struct gate;
struct peer_rules;

struct connection {
	UT_hash_handle hh;
	TAILQ_ENTRY(connection) link; /* while it is silent */
	struct connections *all;
	struct bufferevent *bev;
	struct evhttp_connection *con; /* NULL: not known yet */
	struct gate *gate;
	char *client;  /* EXCHANGE_ADDRESS_HOLDER and what netaddr_client() says; NULL: not known */
	int64_t since; /* clock_ms() when it was last heard of while it is silent */
	bool shared;   /* CLIENT has a share of all connections */
	bool silent;   /* waits for a request */
};

struct connections_limits {
	unsigned max;		  /* 0: any number */
	unsigned max_per_address; /* 0: no other limit than the share */
	unsigned percent;	  /* share of one address */
};

/* NULL on lack of memory. */
struct connections *connections_new(const struct connections_limits *limits);
void connections_free(struct connections **cs);

/* One on BEV was accepted. NULL on lack of memory. */
struct connection *connections_add(struct connections *cs, struct bufferevent *bev);
struct connection *connections_find(struct connections *cs, const struct bufferevent *bev);
/* Evhttp's side of C is known, and with it the address, which has to have a place. Where there is
 * none, the longest silent connection of the address makes room, and is CLOSED (which ends with
 * connections_remove()). 0; ERR_LIMIT with E naming the key: none of them is silent; ERR_NOMEM. */
int connections_place(struct connections *cs, struct connection *c, struct evhttp_connection *con,
		      const struct peer_rules *peers, void (*close)(struct evhttp_connection *con),
		      struct err *e);
/* The connection that has been silent for longest, and for a second at least, because a client
 * sends its request soon after it has connected. NULL: there is none. */
struct connection *connections_silent(struct connections *cs);
/* Removes and frees C, whose connection is closed. */
void connections_remove(struct connections *cs, struct connection *c);

/* The holder of the place of C, in the form of exchange_holder(); NULL: no holder. Borrowed. */
const char *connection_holder(const struct connection *c);

/* C begins or ends to wait for a request. While C waits, SILENT begins the wait again. */
void connection_set_silent(struct connection *c, bool silent);

unsigned connections_count(const struct connections *cs);
bool connections_full(const struct connections *cs);

#endif
