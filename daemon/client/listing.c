/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "client/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/turns.h"
#include "client/mcpclient.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "mcp/names.h"
#include "mcp/xheader.h"

#define MAX_PAGES   1000
#define MAX_ENTRIES 100000

struct listing {
	struct mcpclient *m;
	struct offer *offer; /* ours alone until it is done */
	struct offer *base;  /* or NULL */
	unsigned todo;
	enum offer_kind kind; /* the one being asked for */
	json_t *entries;
	json_t *cursors; /* those seen, as keys: a server that repeats one would go on for ever */
	size_t pages;
	listing_fn fn; /* NULL: cancelled, waits only for the answer that is under way */
	void *arg;
	struct listing **self;
};

static void on_page(struct mcpclient *m, const struct mcpclient_reply *r, void *arg);

/* WHY of the server in *SAID, without its secrets. */
static const char *masked(const struct listing *l, const char *why, struct err *said)
{
	err_set(said, ERR_PROTOCOL, "%s", why);
	mcpclient_mask(l->m, said->text, strlen(why) >= sizeof said->text);
	return said->text;
}

static void finish(struct listing *l, const char *why)
{
	struct offer *o = l->offer;
	struct err said;

	if (why)
		offer_unref(&o);
	if (why && l->fn) /* else the owner of the mask may be gone */
		why = masked(l, why, &said);
	if (l->fn != NULL)
		*l->self = NULL;
	if (l->fn)
		l->fn(o, why, l->arg);
	else
		offer_unref(&o);
	offer_unref(&l->base);
	json_decref(l->entries);
	json_decref(l->cursors);
	free(l);
}

static void complain(const struct listing *l, const char *why, int code)
{
	const struct log_scope scope = {.backend = mcpclient_name(l->m)};
	struct err said;

	log_warn(&scope, "%s: %s (%d)", offer_list_method(l->kind), masked(l, why, &said), code);
}

static void ask_page(struct listing *l, const char *cursor)
{
	json_t *params = cursor ? json_pack("{s:s}", "cursor", cursor) : NULL;

	l->pages++;
	mcpclient_request(l->m, offer_list_method(l->kind), params, on_page, l);
}

/* The next list that is wanted and that the server has. */
static void next_list(struct listing *l)
{
	for (unsigned k = 0; k < OFFER_KINDS; k++) {
		if ((l->todo & 1u << k) == 0)
			continue;
		l->todo &= ~(1u << k);
		if (!mcpclient_can(l->m, offer_capability((enum offer_kind)k)))
			continue;
		l->kind = (enum offer_kind)k;
		l->pages = 0;
		json_decref(l->entries);
		json_decref(l->cursors);
		l->entries = json_array();
		l->cursors = json_object();
		if (!l->entries || !l->cursors)
			finish(l, "out of memory");
		else
			ask_page(l, NULL);
		return;
	}
	finish(l, NULL);
}

static void set_list(struct listing *l, enum offer_kind kind, json_t *list)
{
	json_decref(l->offer->lists[kind]);
	l->offer->lists[kind] = json_incref(list);
}

/* Why ENTRY cannot be offered; 0 where it can.
 *
 * A tool with an illegal x-mcp-header is none for clients of 2026-07-28, and which arguments go
 * into headers must not depend on who looks: it is left out for everybody. */
static int check_entry(enum offer_kind kind, const json_t *entry, struct err *why)
{
	if (names_has_nul(json_object_get(entry, "name")) ||
	    names_has_nul(json_object_get(entry, offer_key(kind))))
		return err_set(why, ERR_INVALID, "there is a NUL in its name or URI");
	return kind == OFFER_TOOLS ? xheader_check(json_object_get(entry, "inputSchema"), why) : 0;
}

/* The name of ENTRY for people, in BUF: each NUL is a question mark. */
static const char *shown_name(const struct listing *l, const json_t *key, char *buf, size_t size)
{
	size_t len = json_is_string(key) ? json_string_length(key) : 0;

	if (len == 0)
		return "without a name";
	len = len < size ? len : size - 1;
	memcpy(buf, json_string_value(key), len);
	buf[len] = '\0';
	for (char *p; (p = memchr(buf, '\0', len)) != NULL;)
		*p = '?';
	mcpclient_mask(l->m, buf, len < json_string_length(key));
	return buf;
}

static void drop_bad_entries(const struct listing *l)
{
	const struct log_scope scope = {.backend = mcpclient_name(l->m)};
	const char *member = offer_list_member(l->kind);
	struct err why;
	char name[200];

	for (size_t i = json_array_size(l->entries); i-- > 0;) {
		const json_t *entry = json_array_get(l->entries, i);
		const json_t *key = json_object_get(entry, offer_key(l->kind));

		if (check_entry(l->kind, entry, &why) == 0)
			continue;
		mcpclient_mask(l->m, why.text, true);
		log_warn(&scope, "%.*s %s is left out: %s", (int)strlen(member) - 1, member,
			 shown_name(l, key, name, sizeof name), why.text);
		json_array_remove(l->entries, i);
	}
}

static void take_list(struct listing *l)
{
	turns_doing("lists of", mcpclient_name(l->m));
	drop_bad_entries(l);
	set_list(l, l->kind, l->entries);
	next_list(l);
}

/* Adds a page. Whether there is one more, with its cursor. */
static bool take_page(struct listing *l, json_t *result, const char **cursor_r)
{
	json_t *list = json_object_get(result, offer_list_member(l->kind));
	const char *cursor = json_string_value(json_object_get(result, "nextCursor"));

	if (!json_is_array(list))
		complain(l, "the answer has no list", 0);
	else if (json_array_extend(l->entries, list) < 0)
		complain(l, "out of memory", 0);
	if (!cursor)
		return false;
	if (names_has_nul(json_object_get(result, "nextCursor"))) {
		complain(l, "a cursor has a NUL inside; the list ends here", 0);
		return false;
	}
	if (json_object_get(l->cursors, cursor)) {
		complain(l, "a page names a cursor for the second time; the list ends here", 0);
		return false;
	}
	if (l->pages >= MAX_PAGES || json_array_size(l->entries) >= MAX_ENTRIES) {
		complain(l, "too many pages or entries; the list ends here", 0);
		return false;
	}
	*cursor_r = cursor;
	return json_object_set_new(l->cursors, cursor, json_true()) == 0;
}

static void on_page(struct mcpclient *m, const struct mcpclient_reply *r, void *arg)
{
	struct listing *l = arg;
	const char *cursor;

	(void)m;
	if (!l->fn) {
		finish(l, "cancelled");
	} else if (!r->result && r->code == 0) {
		finish(l, r->message);
	} else if (!r->result && r->code == RPC_METHOD_NOT_FOUND) {
		/* resources/templates/list goes with a capability that many declare without it. */
		take_list(l);
	} else if (!r->result) {
		complain(l, r->message, r->code);
		if (l->base)
			set_list(l, l->kind, l->base->lists[l->kind]);
		next_list(l);
	} else if (take_page(l, r->result, &cursor)) {
		ask_page(l, cursor);
	} else {
		take_list(l);
	}
}

void listing_start(struct mcpclient *m, struct offer *base, unsigned kinds, listing_fn fn,
		   void *arg, struct listing **listing_r)
{
	struct listing *l = calloc(1, sizeof *l);

	*listing_r = NULL;
	if (!l || !(l->offer = mcpclient_introduction(m))) {
		free(l);
		fn(NULL, "out of memory", arg);
		return;
	}
	l->base = base ? offer_ref(base) : NULL;
	for (unsigned k = 0; base != NULL && k < OFFER_KINDS; k++)
		if ((kinds & 1u << k) == 0)
			set_list(l, (enum offer_kind)k, base->lists[k]);
	l->m = m;
	l->todo = kinds;
	l->fn = fn;
	l->arg = arg;
	l->self = listing_r;
	*listing_r = l;
	next_list(l);
}

void listing_cancel(struct listing **l)
{
	if (!*l)
		return;
	(*l)->fn = NULL;
	*l = NULL;
}
