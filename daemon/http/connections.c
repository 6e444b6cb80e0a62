/* SPDX-License-Identifier: ISC */
#include "http/connections.h"

#include <stdlib.h>
#include <string.h>

#include <event2/http.h>

#include "base/delayq.h"
#include "base/heap.h"
#include "base/netaddr.h"
#include "base/share.h"
#include "http/exchange.h"
#include "http/peer.h"

#define SILENT_MS 1000

struct connections {
	struct connections_limits limits;
	struct connection *by_bev;
	TAILQ_HEAD(, connection) silent; /* the longest silent one is the first */
	struct share *of_all;		 /* places of those with a share */
	struct share *of_each;		 /* counts those of each address */
};

struct connections *connections_new(const struct connections_limits *limits)
{
	struct connections *cs = calloc(1, sizeof *cs);

	if (!cs)
		return NULL;
	cs->limits = *limits;
	TAILQ_INIT(&cs->silent);
	cs->of_all =
		share_new("connections", "limits.maxConnections", limits->max, limits->percent);
	cs->of_each = share_new("connections", "limits.maxConnectionsPerAddress", 0, 100);
	if (!cs->of_all || !cs->of_each)
		connections_free(&cs);
	return cs;
}

void connections_free(struct connections **csp)
{
	struct connections *cs = *csp;

	*csp = NULL;
	if (!cs)
		return;
	share_free(&cs->of_all);
	share_free(&cs->of_each);
	free(cs);
}

struct connection *connections_add(struct connections *cs, struct bufferevent *bev)
{
	struct connection *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->all = cs;
	c->bev = bev;
	HASH_ADD_PTR(cs->by_bev, bev, c);
	if (!c->hh.tbl) {
		free(c);
		return NULL;
	}
	return c;
}

struct connection *connections_find(struct connections *cs, const struct bufferevent *bev)
{
	struct connection *c;

	HASH_FIND_PTR(cs->by_bev, &bev, c);
	return c;
}

/* ---- places ---- */

/* Takes the places that C needs. */
static int take(struct connections *cs, const struct connection *c, struct err *e)
{
	int rc;

	if (cs->limits.max_per_address > 0 &&
	    share_of(cs->of_each, c->client) >= cs->limits.max_per_address)
		return err_set(
			e, ERR_LIMIT,
			"too many connections from %s (limits.maxConnectionsPerAddress is %u)",
			c->client + sizeof EXCHANGE_ADDRESS_HOLDER - 1, cs->limits.max_per_address);
	rc = share_take(cs->of_all, c->shared ? c->client : NULL, e);
	if (rc < 0)
		return rc;
	rc = share_take(cs->of_each, c->client, e);
	if (rc < 0)
		share_give(cs->of_all, c->shared ? c->client : NULL);
	return rc;
}

static void forget_client(struct connection *c)
{
	free(c->client);
	c->client = NULL;
}

/* The connection of C's client, other than C, that has been silent for longest. */
static struct connection *silent_of(struct connections *cs, const struct connection *c)
{
	int64_t latest = clock_ms() - SILENT_MS;
	struct connection *other;

	TAILQ_FOREACH (other, &cs->silent, link)
		if (other->since <= latest && other != c && other->client &&
		    strcmp(other->client, c->client) == 0)
			return other;
	return NULL;
}

int connections_place(struct connections *cs, struct connection *c, struct evhttp_connection *con,
		      const struct peer_rules *peers, void (*close)(struct evhttp_connection *con),
		      struct err *e)
{
	char client[sizeof EXCHANGE_ADDRESS_HOLDER + NETADDR_TEXT] = EXCHANGE_ADDRESS_HOLDER;
	struct connection *other;
	struct peer_walk w;
	struct netaddr a;
	int rc;

	c->con = con;
	netaddr_of(&a, evhttp_connection_get_addr(con));
	peer_begin(&w, peers, &a);
	if (peer_is_trusted(peers, &a))
		return 0;
	netaddr_client(&a, client + strlen(client));
	c->shared = w.shared;
	c->client = strdup(client);
	if (!c->client)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = take(cs, c, e);
	other = rc == ERR_LIMIT ? silent_of(cs, c) : NULL;
	if (other) {
		close(other->con);
		rc = take(cs, c, e);
	}
	if (rc < 0)
		forget_client(c);
	return rc;
}

struct connection *connections_silent(struct connections *cs)
{
	struct connection *c = TAILQ_FIRST(&cs->silent);

	return c && c->since <= clock_ms() - SILENT_MS ? c : NULL;
}

void connections_remove(struct connections *cs, struct connection *c)
{
	if (c->silent)
		TAILQ_REMOVE(&cs->silent, c, link);
	if (c->client) {
		share_give(cs->of_all, c->shared ? c->client : NULL);
		share_give(cs->of_each, c->client);
	}
	HASH_DEL(cs->by_bev, c);
	forget_client(c);
	free(c);
	heap_ended();
}

const char *connection_holder(const struct connection *c)
{
	return c->shared ? c->client : NULL;
}

void connection_set_silent(struct connection *c, bool silent)
{
	if (c->silent)
		TAILQ_REMOVE(&c->all->silent, c, link);
	if (silent) {
		TAILQ_INSERT_TAIL(&c->all->silent, c, link);
		c->since = clock_ms();
	}
	c->silent = silent;
}

unsigned connections_count(const struct connections *cs)
{
	return HASH_COUNT(cs->by_bev);
}

bool connections_full(const struct connections *cs)
{
	return cs->limits.max > 0 && connections_count(cs) >= cs->limits.max;
}
