/* SPDX-License-Identifier: ISC */
#include "legacy/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/netaddr.h"

/* One entry of the user map, the capabilities map or the peer table: a key, a text, a number. */
struct pair {
	UT_hash_handle hh;
	size_t count;
	const char *value; /* behind the key, in the same block */
	char key[];
};

struct registry {
	struct registry_entry *sessions;
	TAILQ_HEAD(, registry_entry) order;
	struct pair *users;
	struct pair *caps;
	struct pair *peers;
	struct pair *per_user;
	uint64_t opened;
	size_t (*count_users)(const void *arg);
	const void *arg;
};

struct registry *registry_new(size_t (*count_users)(const void *arg), const void *arg)
{
	struct registry *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	TAILQ_INIT(&r->order);
	r->count_users = count_users;
	r->arg = arg;
	return r;
}

static struct pair *pair_find(struct pair *map, const char *key)
{
	struct pair *p;

	HASH_FIND_STR(map, key, p);
	return p;
}

static void pair_drop(struct pair **map, const char *key)
{
	struct pair *p = pair_find(*map, key);

	if (p) {
		HASH_DEL(*map, p);
		free(p);
	}
}

/* Sets KEY to VALUE, in place of what was there. */
static int pair_set(struct pair **map, const char *key, const char *value)
{
	size_t klen = strlen(key) + 1, vlen = strlen(value) + 1;
	struct pair *p = calloc(1, sizeof *p + klen + vlen);

	if (!p)
		return ERR_NOMEM;
	memcpy(p->key, key, klen);
	p->value = memcpy(p->key + klen, value, vlen);
	pair_drop(map, key);
	HASH_ADD_STR(*map, key, p);
	/* Built with HASH_NONFATAL_OOM: a lack of memory fails the one insertion, not the daemon.
	 */
	if (!p->hh.tbl) {
		free(p);
		return ERR_NOMEM;
	}
	return 0;
}

static void pair_clear(struct pair **map)
{
	struct pair *p, *tmp;

	HASH_ITER (hh, *map, p, tmp) {
		HASH_DEL(*map, p);
		free(p);
	}
}

void registry_free(struct registry **rp)
{
	struct registry *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	HASH_CLEAR(hh, r->sessions);
	pair_clear(&r->users);
	pair_clear(&r->caps);
	pair_clear(&r->peers);
	pair_clear(&r->per_user);
	free(r);
}

int registry_make_id(char id_r[REGISTRY_ID_SIZE], struct err *e)
{
	unsigned char raw[(REGISTRY_ID_SIZE - 1) / 2];

	/* Up to 256 bytes are never short and never interrupted once the pool is up (getrandom(2)).
	 */
	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
		return err_errno(e, "getrandom");
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(id_r + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

int registry_add(struct registry *r, struct registry_entry *entry)
{
	struct registry_entry *old;

	HASH_FIND_STR(r->sessions, entry->id, old);
	if (old)
		return ERR_EXISTS;
	HASH_ADD_STR(r->sessions, id, entry);
	if (!entry->hh.tbl)
		return ERR_NOMEM;
	TAILQ_INSERT_TAIL(&r->order, entry, order);
	r->opened++;
	return 0;
}

int registry_remove(struct registry *r, struct registry_entry *entry)
{
	struct registry_entry *found;

	HASH_FIND_STR(r->sessions, entry->id, found);
	if (found != entry)
		return ERR_NOTFOUND;
	HASH_DEL(r->sessions, entry);
	TAILQ_REMOVE(&r->order, entry, order);
	return 0;
}

struct session *registry_find(struct registry *r, const char *id)
{
	struct registry_entry *entry;

	HASH_FIND_STR(r->sessions, id, entry);
	return entry ? entry->session : NULL;
}

struct registry_entry *registry_next(struct registry *r, struct registry_entry *entry)
{
	return entry ? TAILQ_NEXT(entry, order) : TAILQ_FIRST(&r->order);
}

/* One more of KEY in a table of counts. */
static int count_up(struct pair **map, const char *key)
{
	struct pair *p = pair_find(*map, key);

	if (!p) {
		int rc = pair_set(map, key, "");

		if (rc)
			return rc;
		p = pair_find(*map, key);
	}
	p->count++;
	return 0;
}

static void count_down(struct pair **map, const char *key)
{
	struct pair *p = pair_find(*map, key);

	if (p && --p->count == 0)
		pair_drop(map, key);
}

static size_t count_of(struct pair *map, const char *key)
{
	struct pair *p = pair_find(map, key);

	return p ? p->count : 0;
}

int registry_bind_user(struct registry *r, const char *id, const char *user)
{
	int rc;

	registry_unbind_user(r, id);
	rc = count_up(&r->per_user, user);
	if (rc)
		return rc;
	rc = pair_set(&r->users, id, user);
	if (rc)
		count_down(&r->per_user, user);
	return rc;
}

void registry_unbind_user(struct registry *r, const char *id)
{
	struct pair *p = pair_find(r->users, id);

	if (!p)
		return;
	count_down(&r->per_user, p->value);
	pair_drop(&r->users, id);
}

size_t registry_user_count(struct registry *r, const char *user)
{
	return count_of(r->per_user, user);
}

int registry_add_caps(struct registry *r, const char *id)
{
	return pair_set(&r->caps, id, "");
}

void registry_drop_caps(struct registry *r, const char *id)
{
	pair_drop(&r->caps, id);
}

int registry_peer_add(struct registry *r, const char *peer)
{
	char client[NETADDR_TEXT];

	netaddr_client_text(peer, client);
	return count_up(&r->peers, client);
}

void registry_peer_drop(struct registry *r, const char *peer)
{
	char client[NETADDR_TEXT];

	netaddr_client_text(peer, client);
	count_down(&r->peers, client);
}

size_t registry_peer_count(struct registry *r, const char *peer)
{
	char client[NETADDR_TEXT];

	netaddr_client_text(peer, client);
	return count_of(r->peers, client);
}

void registry_counts(const struct registry *r, struct registry_counts *counts_r)
{
	counts_r->sessions = HASH_COUNT(r->sessions);
	counts_r->users = r->count_users ? r->count_users(r->arg) : 0;
	counts_r->user_map = HASH_COUNT(r->users);
	counts_r->caps_map = HASH_COUNT(r->caps);
	counts_r->opened = r->opened;
}

const char *registry_counts_line(const struct registry *r, char *buf, size_t size)
{
	struct registry_counts c;

	registry_counts(r, &c);
	snprintf(buf, size, "Active sessions: %zu, Active users: %zu", c.sessions, c.users);
	return buf;
}
