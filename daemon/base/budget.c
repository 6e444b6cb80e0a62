/* SPDX-License-Identifier: ISC */
#include "base/budget.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/defer.h"
#include "base/share.h"
#include "lib/hash.h"
#include "lib/log.h"

#define LOG_MS	 60000 /* between two lines about one holder */
#define CUT_FROM 16384 /* bytes: cutting a reader with less would free nothing that counts */

struct budget {
	struct budget *above; /* NULL: this is the whole */
	unsigned refs;
	size_t held;
	int64_t logged; /* clock_ms() of the last line about it; 0: none */
	UT_hash_handle hh;
	char name[]; /* of a holder; "" for a session */
};

static struct budget whole;
static struct budget *holders;
static size_t max, share, peak; /* MAX 0: no limit */
static LIST_HEAD(, budget_part) readers = LIST_HEAD_INITIALIZER(readers);
static struct defer relief;
static bool denied, full; /* what was refused since the last relief: to a holder; for lack of all */

void budget_setup(size_t bytes, unsigned percent)
{
	max = bytes;
	share = bytes / 100 * percent + bytes % 100 * percent / 100;
	peak = whole.held;
}

/* ---- budgets ---- */

static struct budget *budget_new(struct budget *above, const char *name)
{
	size_t size = strlen(name) + 1;
	struct budget *b = calloc(1, sizeof *b + size);

	if (!b)
		return NULL;
	memcpy(b->name, name, size);
	b->above = budget_ref(above);
	b->refs = 1;
	return b;
}

struct budget *budget_ref(struct budget *b)
{
	if (b)
		b->refs++;
	return b;
}

void budget_unref(struct budget **bp)
{
	struct budget *b = *bp;

	*bp = NULL;
	if (!b || --b->refs > 0 || b == &whole)
		return;
	if (b->held > 0)
		log_error(NULL, "Bug: %zu bytes of a budget were never given back", b->held);
	if (b->hh.tbl)
		HASH_DELETE(hh, holders, b);
	budget_unref(&b->above);
	free(b);
}

struct budget *budget_of(const char *holder)
{
	struct budget *b = NULL;

	if (!holder)
		return budget_ref(&whole);
	HASH_FIND_STR(holders, holder, b);
	if (b)
		return budget_ref(b);
	b = budget_new(&whole, holder);
	if (!b)
		return budget_ref(&whole);
	HASH_ADD_STR(holders, name, b);
	if (b->hh.tbl)
		return b;
	budget_unref(&b);
	return budget_ref(&whole);
}

struct budget *budget_within(const char *holder)
{
	struct budget *above = budget_of(holder), *b = budget_new(above, "");

	if (!b)
		return above;
	budget_unref(&above);
	return b;
}

/* The budget of the user or address that B belongs to; NULL: of none. */
static const struct budget *holder_of(const struct budget *b)
{
	while (b && !b->hh.tbl)
		b = b->above;
	return b;
}

/* ---- limits ---- */

/* Whether less than a quarter of the whole is free once N bytes more are held. */
static bool is_scarce(size_t n)
{
	return whole.held >= max || max - whole.held < n || share_is_scarce(max, whole.held + n);
}

static bool is_over_share(const struct budget *holder, size_t n)
{
	return holder && (holder->held > share || share - holder->held < n);
}

int budget_check(const struct budget *b, size_t n, struct err *e)
{
	const struct budget *holder = holder_of(b);

	if (max == 0)
		return 0;
	if (is_over_share(holder, n) && is_scarce(n))
		return err_set(
			e, ERR_DENIED,
			"too much memory is held: %zu of %zu bytes (limits.maxMemory) are yours, "
			"%zu more are wanted, your share (limits.share) is %zu, and less than a "
			"quarter is free; end some requests, or try again later",
			holder->held, max, n, share);
	if (whole.held > max || max - whole.held < n)
		return err_set(
			e, ERR_LIMIT,
			"too much memory is held: %zu of %zu bytes (limits.maxMemory) are in use, "
			"and %zu more are wanted; try again later",
			whole.held, max, n);
	return 0;
}

int budget_status(int code)
{
	return code == ERR_DENIED ? 429 : 503;
}

/* ---- relief ---- */

/* The reader with the most unread output among those of the holder that has the most, of those who
 * have more than their share; NULL: there is none. */
static struct budget_part *greedy_reader(void)
{
	struct budget_part *p, *found = NULL;
	const struct budget *holder, *most = NULL;

	LIST_FOREACH (p, &readers, readers) {
		holder = holder_of(p->of);
		if (!is_over_share(holder, 0) || (most && holder->held < most->held))
			continue;
		if (!found || holder != most || p->held > found->held)
			found = p;
		most = holder;
	}
	return found;
}

static struct budget_part *largest_reader(void)
{
	struct budget_part *p, *found = NULL;

	LIST_FOREACH (p, &readers, readers)
		if (!found || p->held > found->held)
			found = p;
	return found;
}

static void cut(struct budget_part *p)
{
	const struct budget *holder = holder_of(p->of);

	log_warn(NULL,
		 "Memory: a client of %s was cut, which has %zu bytes unread: %zu of %zu bytes "
		 "(limits.maxMemory) are in use",
		 holder ? holder->name : "no user", p->held, whole.held, max);
	LIST_REMOVE(p, readers);
	p->readers.le_prev = NULL;
	p->cut(p->arg);
}

static void relieve(void *arg)
{
	struct budget_part *p;

	(void)arg;
	while ((denied || full || is_scarce(0)) && (p = greedy_reader())) {
		cut(p);
		denied = full = false;
	}
	while ((full || whole.held > max) && (p = largest_reader())) {
		cut(p);
		full = false;
	}
	denied = full = false;
}

void budget_refused(const struct budget *b, const char *what, const struct err *e)
{
	const struct budget *holder = holder_of(b);
	struct budget *of = &whole;
	int64_t now = clock_ms();

	denied = denied || e->code == ERR_DENIED;
	full = full || e->code == ERR_LIMIT;
	defer_call(&relief, relieve, NULL);
	if (holder && e->code == ERR_DENIED)
		of = (struct budget *)(uintptr_t)holder;
	if (of->logged != 0 && now - of->logged < LOG_MS)
		return;
	of->logged = now;
	log_warn(NULL, "Memory: %s of %s was refused: %s", what, holder ? holder->name : "a client",
		 e->text);
}

/* ---- parts ---- */

static bool is_linked(const struct budget_part *p)
{
	return p->readers.le_prev;
}

static void unlink_reader(struct budget_part *p)
{
	if (is_linked(p))
		LIST_REMOVE(p, readers);
	p->readers.le_prev = NULL;
}

static void link_reader(struct budget_part *p)
{
	if (p->held < CUT_FROM)
		unlink_reader(p);
	else if (p->cut && !is_linked(p))
		LIST_INSERT_HEAD(&readers, p, readers);
}

/* The one function that changes what is held. */
static void change(struct budget_part *p, size_t held)
{
	struct budget *b = p->of ? p->of : &whole;

	for (; b; b = b->above)
		b->held += held - p->held;
	p->held = held;
	if (whole.held > peak)
		peak = whole.held;
	link_reader(p);
}

void budget_set(struct budget_part *p, size_t n)
{
	bool more = n > p->held;

	if (n == p->held)
		return;
	change(p, n);
	if (more && max > 0 && budget_check(p->of, 0, NULL) < 0)
		defer_call(&relief, relieve, NULL);
}

void budget_add(struct budget_part *p, size_t n)
{
	budget_set(p, p->held + n);
}

void budget_give(struct budget_part *p, size_t n)
{
	if (n > p->held)
		log_error(NULL, "Bug: %zu bytes of a budget were given back twice", n - p->held);
	change(p, n > p->held ? 0 : p->held - n);
}

int budget_take(struct budget_part *p, size_t n, const char *what, struct err *e)
{
	struct err why;
	int rc = budget_check(p->of, n, &why);

	if (rc == 0) {
		change(p, p->held + n);
		return 0;
	}
	budget_refused(p->of, what, &why);
	if (e)
		*e = why;
	return rc;
}

void budget_move(struct budget_part *p, struct budget *b)
{
	struct budget *old = p->of;
	size_t held = p->held;

	if (old == b)
		return;
	change(p, 0);
	p->of = budget_ref(b);
	budget_set(p, held);
	budget_unref(&old);
}

void budget_reader(struct budget_part *p, void (*cut_fn)(void *arg), void *arg)
{
	p->cut = cut_fn;
	p->arg = arg;
	link_reader(p);
}

void budget_end(struct budget_part *p)
{
	change(p, 0);
	budget_unref(&p->of);
	memset(p, 0, sizeof *p);
}

size_t budget_held(const struct budget *b)
{
	return b ? b->held : whole.held;
}

size_t budget_peak(void)
{
	return peak;
}

size_t budget_max(void)
{
	return max;
}

/* ---- what memory costs ---- */

size_t budget_block(size_t n)
{
	size_t size = (n + sizeof(size_t) + 15) & ~(size_t)15;

	return size < 32 ? 32 : size;
}

/* libevent takes at least this for a block of a buffer or a reference in it, with its head. */
#define BUFFER_BLOCK 1040
/* The blocks are counted again when the length has changed by this and an eighth, so that counting
 * is a small part of the work of whoever fills the buffer. */
#define REWEIGH_FROM 4096

static size_t weigh(struct budget_buffer *w)
{
	size_t len = evbuffer_get_length(w->buffer);
	size_t by = len > w->len ? len - w->len : w->len - len;

	if (len == 0) {
		w->len = w->cost = 0;
		return 0;
	}
	if (w->len == 0 || by > w->len / 8 + REWEIGH_FROM) {
		w->len = len;
		w->cost = len + (size_t)evbuffer_peek(w->buffer, -1, NULL, NULL, 0) * BUFFER_BLOCK;
	}
	/* Between two looks the cost changes as the length does. */
	return (size_t)((double)w->cost * ((double)len / (double)w->len));
}

static void on_change(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
	struct budget_buffer *w = arg;

	(void)buffer, (void)info;
	budget_set(&w->part, weigh(w));
}

int budget_watch(struct budget_buffer *w, struct evbuffer *buffer, struct budget *b)
{
	if (!evbuffer_add_cb(buffer, on_change, w))
		return ERR_NOMEM;
	w->buffer = buffer;
	budget_move(&w->part, b);
	budget_set(&w->part, weigh(w));
	return 0;
}

void budget_unwatch(struct budget_buffer *w)
{
	if (w->buffer)
		evbuffer_remove_cb(w->buffer, on_change, w);
	w->buffer = NULL;
	budget_end(&w->part);
}
