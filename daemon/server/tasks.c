/* SPDX-License-Identifier: ISC */
#include "server/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/delayq.h"
#include "lib/hash.h"

#define ID_BYTES 16
/* A task that has ended is kept for this time, so that the client can ask for the result. */
#define GRACE_MS 60000

struct task {
	UT_hash_handle hh;
	TAILQ_ENTRY(task) entry;
	int64_t expires; /* clock_ms() */
	size_t source;
	char id[2 * ID_BYTES + 1];
	char remote[];
};

struct tasks {
	TAILQ_HEAD(, task) used; /* the last used at the end */
	struct task *by_id;
	size_t n;
};

struct tasks *tasks_new(void)
{
	struct tasks *t = calloc(1, sizeof *t);

	if (t)
		TAILQ_INIT(&t->used);
	return t;
}

static void forget(struct tasks *t, struct task *one)
{
	TAILQ_REMOVE(&t->used, one, entry);
	HASH_DEL(t->by_id, one);
	t->n--;
	free(one);
}

void tasks_free(struct tasks **tp)
{
	struct tasks *t = *tp;
	struct task *one;

	*tp = NULL;
	while (t && (one = TAILQ_FIRST(&t->used)))
		forget(t, one);
	free(t);
}

static struct task *find_remote(const struct tasks *t, size_t source, const char *remote)
{
	struct task *one;

	TAILQ_FOREACH (one, &t->used, entry) {
		if (one->source == source && strcmp(one->remote, remote) == 0)
			return one;
	}
	return NULL;
}

static bool make_id(char id[2 * ID_BYTES + 1])
{
	unsigned char raw[ID_BYTES];

	/* Up to 256 bytes are never short (getrandom(2)). */
	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
		return false;
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
	return true;
}

static struct task *task_new(struct tasks *t, size_t source, const char *remote)
{
	size_t size = strlen(remote) + 1;
	struct task *one = size <= TASKS_MAX_ID + 1 ? calloc(1, sizeof *one + size) : NULL;

	if (!one || !make_id(one->id)) {
		free(one);
		return NULL;
	}
	one->source = source;
	memcpy(one->remote, remote, size);
	HASH_ADD_STR(t->by_id, id, one);
	if (!one->hh.tbl) {
		free(one);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&t->used, one, entry);
	t->n++;
	return one;
}

static void use(struct tasks *t, struct task *one)
{
	TAILQ_REMOVE(&t->used, one, entry);
	TAILQ_INSERT_TAIL(&t->used, one, entry);
}

const char *tasks_add(struct tasks *t, size_t source, const char *remote, int64_t ttl_ms)
{
	struct task *one = find_remote(t, source, remote);

	if (!one && tasks_count(t) >= TASKS_MAX)
		forget(t, TAILQ_FIRST(&t->used));
	if (!one)
		one = task_new(t, source, remote);
	if (!one)
		return NULL;
	if (ttl_ms <= 0 || ttl_ms > TASKS_TTL_MAX)
		ttl_ms = TASKS_TTL_MAX;
	one->expires = clock_ms() + ttl_ms + GRACE_MS;
	use(t, one);
	return one->id;
}

const char *tasks_id(const struct tasks *t, size_t source, const char *remote)
{
	const struct task *one = find_remote(t, source, remote);

	return one ? one->id : NULL;
}

bool tasks_find(struct tasks *t, const char *id, size_t *source_r, const char **remote_r)
{
	struct task *one;

	HASH_FIND_STR(t->by_id, id, one);
	if (!one || one->expires < clock_ms())
		return false;
	use(t, one);
	*source_r = one->source;
	*remote_r = one->remote;
	return true;
}

size_t tasks_count(struct tasks *t)
{
	struct task *one, *next;
	int64_t now = clock_ms();

	if (!t)
		return 0;
	for (one = TAILQ_FIRST(&t->used); one; one = next) {
		next = TAILQ_NEXT(one, entry);
		if (one->expires < now)
			forget(t, one);
	}
	return t->n;
}
