/* SPDX-License-Identifier: ISC */
#include "process/children_places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/netaddr.h"
#include "base/share.h"
#include "lib/hash.h"
#include "process/children.h"

/* The children of one server. There are as many of these as servers in the configuration. */
struct named {
	UT_hash_handle hh;
	struct share *share;
	char key[80]; /* for messages */
	char name[];
};

struct places {
	struct share *all, *peers;
	struct named *by_name;
	unsigned max_per_peer, percent;
};

struct places *places_new(const struct children_limits *limits)
{
	struct places *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->max_per_peer = limits->max_per_peer;
	p->percent = limits->share > 0 ? limits->share : 100;
	p->all = share_new("child processes", "limits.maxChildren", limits->max, p->percent);
	p->peers = share_new("child processes", "limits.maxChildrenPerPeer", 0, 100);
	if (!p->all || !p->peers)
		places_free(&p);
	return p;
}

void places_free(struct places **pp)
{
	struct places *p = *pp;
	struct named *n, *next;

	*pp = NULL;
	if (!p)
		return;
	HASH_ITER (hh, p->by_name, n, next) {
		HASH_DEL(p->by_name, n);
		share_free(&n->share);
		free(n);
	}
	share_free(&p->all);
	share_free(&p->peers);
	free(p);
}

static struct named *find(const struct places *p, const char *name)
{
	struct named *n;

	HASH_FIND_STR(p->by_name, name, n);
	return n;
}

static struct named *named_new(struct places *p, const struct child_spec *spec)
{
	size_t size = strlen(spec->name) + 1;
	struct named *n = calloc(1, sizeof *n + size);

	if (!n)
		return NULL;
	memcpy(n->name, spec->name, size);
	snprintf(n->key, sizeof n->key, "maxChildren of server %.50s", n->name);
	n->share = share_new("child processes", n->key, spec->max_of_name, p->percent);
	if (n->share)
		HASH_ADD_STR(p->by_name, name, n);
	if (n->share && n->hh.tbl)
		return n;
	share_free(&n->share);
	free(n);
	return NULL;
}

static int take_named(struct places *p, const struct child_spec *spec, struct err *e)
{
	struct named *n;

	if (spec->max_of_name == 0)
		return 0;
	n = find(p, spec->name);
	if (!n)
		n = named_new(p, spec);
	return n ? share_take(n->share, spec->holder, e) : err_set(e, ERR_NOMEM, "out of memory");
}

static void give_peer(struct places *p, const char *address)
{
	char peer[NETADDR_TEXT];

	if (address)
		netaddr_client_text(address, peer);
	share_give(p->peers, address ? peer : NULL);
}

static void give_named(struct places *p, const char *name, const char *holder)
{
	struct named *n = name ? find(p, name) : NULL;

	if (n)
		share_give(n->share, holder);
}

/* For one address (netaddr_client_text()) there is a limit of its own, without shares. */
static int take_peer(struct places *p, const char *address, struct err *e)
{
	char peer[NETADDR_TEXT];

	if (!address)
		return share_take(p->peers, NULL, e);
	netaddr_client_text(address, peer);
	if (p->max_per_peer > 0 && share_of(p->peers, peer) >= p->max_per_peer)
		return err_set(e, ERR_LIMIT,
			       "too many child processes for the clients at one address "
			       "(limits.maxChildrenPerPeer is %u)",
			       p->max_per_peer);
	return share_take(p->peers, peer, e);
}

int places_take(struct places *p, const struct child_spec *spec, struct err *e)
{
	int rc = share_take(p->all, spec->holder, e);

	if (rc < 0)
		return rc;
	rc = take_named(p, spec, e);
	if (rc == 0) {
		rc = take_peer(p, spec->peer, e);
		if (rc < 0)
			give_named(p, spec->name, spec->holder);
	}
	if (rc < 0)
		share_give(p->all, spec->holder);
	return rc;
}

void places_give(struct places *p, const char *name, const char *peer, const char *holder)
{
	give_peer(p, peer);
	give_named(p, name, holder);
	share_give(p->all, holder);
}
