/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "lib/jsontext.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bufadd.h"
#include "lib/jsonmembers.h"
#include "lib/jsonrpc.h"
#include "lib/jsonscan.h"

/* From this size on a part is written by reference: the chain that evbuffer needs for it costs as
 * much as copying some hundred bytes. */
#define BY_REFERENCE 2048

/* Bytes that several values share. */
struct bytes {
	size_t refs;
	char *text;
};

struct piece {
	struct bytes *bytes; /* NULL: static */
	const char *at;
	size_t len;
};

struct jsontext {
	size_t refs;
	json_t *tree;	      /* NULL: nobody asked */
	size_t n, len;	      /* pieces; bytes of all */
	struct piece *pieces; /* NULL: there is the tree alone */
	struct piece one;
	struct jsonmembers members; /* of an object that was walked; empty: not so */
};

static size_t max_tree = (size_t)1 << 20;

void jsontext_limit(size_t max)
{
	max_tree = max;
}

/* ---- references ---- */

static struct bytes *bytes_take(char *text_take)
{
	struct bytes *b = text_take ? malloc(sizeof *b) : NULL;

	if (b)
		*b = (struct bytes){.refs = 1, .text = text_take};
	else
		free(text_take);
	return b;
}

static void bytes_unref(struct bytes *b)
{
	if (b && --b->refs == 0) {
		free(b->text);
		free(b);
	}
}

struct jsontext *jsontext_ref(struct jsontext *t)
{
	if (t)
		t->refs++;
	return t;
}

static void drop_pieces(struct jsontext *t)
{
	for (size_t i = 0; i < t->n; i++)
		bytes_unref(t->pieces[i].bytes);
	if (t->pieces != &t->one)
		free(t->pieces);
	t->pieces = NULL;
	t->n = t->len = 0;
}

void jsontext_unref(struct jsontext **tp)
{
	struct jsontext *t = *tp;

	*tp = NULL;
	if (!t || --t->refs > 0)
		return;
	drop_pieces(t);
	json_decref(t->tree);
	jsonmembers_clear(&t->members);
	free(t);
}

/* ---- making one ---- */

static void set_one(struct jsontext *t, struct bytes *b, const char *at, size_t len)
{
	t->one = (struct piece){b, at, len};
	t->pieces = &t->one;
	t->n = 1;
	t->len = len;
}

static struct jsontext *jsontext_new(void)
{
	struct jsontext *t = calloc(1, sizeof *t);

	if (t)
		t->refs = 1;
	return t;
}

struct jsontext *jsontext_take(char *text_take, size_t len)
{
	struct bytes *b = bytes_take(text_take);
	struct jsontext *t = b ? jsontext_new() : NULL;

	if (t)
		set_one(t, b, b->text, len);
	else
		bytes_unref(b);
	return t;
}

struct jsontext *jsontext_copy(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return jsontext_take(copy, len);
}

struct jsontext *jsontext_of(json_t *tree_take)
{
	struct jsontext *t = tree_take ? jsontext_new() : NULL;

	if (t)
		t->tree = tree_take;
	else
		json_decref(tree_take);
	return t;
}

/* Makes the pieces one, and writes a tree down. 0 or ERR_NOMEM. */
static int flatten(struct jsontext *t)
{
	struct bytes *b;
	size_t len = t->len, used = 0;
	char *text;

	if (t->n == 1)
		return 0;
	text = t->n > 0 ? malloc(len + 1) : jsonrpc_dump(t->tree, &len);
	for (size_t i = 0; text && i < t->n; used += t->pieces[i++].len)
		memcpy(text + used, t->pieces[i].at, t->pieces[i].len);
	b = bytes_take(text);
	if (!b)
		return ERR_NOMEM;
	b->text[len] = '\0';
	drop_pieces(t);
	set_one(t, b, b->text, len);
	return 0;
}

struct jsontext *jsontext_part(const struct jsontext *of, size_t at, size_t len)
{
	struct jsontext *t = of->n == 1 && of->one.bytes ? jsontext_new() : NULL;

	if (!t)
		return NULL;
	of->one.bytes->refs++;
	set_one(t, of->one.bytes, of->one.at + at, len);
	return t;
}

/* ---- reading ---- */

const char *jsontext_bytes(struct jsontext *t, size_t *len_r)
{
	if (flatten(t) < 0)
		return NULL;
	*len_r = t->len;
	return t->one.at;
}

size_t jsontext_len(const struct jsontext *t)
{
	return t->len;
}

size_t jsontext_cost(const struct jsontext *t)
{
	return sizeof *t + t->n * sizeof *t->pieces + t->len + jsonrpc_cost(t->tree) +
	       t->members.room * sizeof *t->members.v;
}

static json_t *make_tree(struct jsontext *t, bool strict, struct err *e)
{
	if (t->tree)
		return t->tree;
	if (flatten(t) < 0)
		err_set(e, ERR_NOMEM, "out of memory");
	else
		t->tree = strict ? jsonrpc_parse(t->one.at, t->len, 0, e)
				 : jsonrpc_parse_any(t->one.at, t->len, e);
	return t->tree;
}

json_t *jsontext_whole_tree(struct jsontext *t, struct err *e)
{
	return make_tree(t, false, e);
}

json_t *jsontext_own_tree(const struct jsontext *t)
{
	return t->n == 0 ? t->tree : NULL;
}

int jsontext_may_tree(size_t len, struct err *e)
{
	return len <= max_tree ? 0
			       : err_set(e, ERR_LIMIT,
					 "%zu bytes would have to be looked into, and at most %zu "
					 "are (limits.maxTree)",
					 len, max_tree);
}

json_t *jsontext_tree(struct jsontext *t, struct err *e)
{
	return t->tree || jsontext_may_tree(t->len, e) == 0 ? make_tree(t, false, e) : NULL;
}

json_t *jsontext_strict_tree(struct jsontext *t, struct err *e)
{
	return t->tree || jsontext_may_tree(t->len, e) == 0 ? make_tree(t, true, e) : NULL;
}

/* ---- writing ---- */

static void on_written(const void *data, size_t len, void *arg)
{
	(void)data, (void)len;
	bytes_unref(arg);
}

static int write_piece(struct evbuffer *out, const struct piece *p)
{
	if (!p->bytes || p->len < BY_REFERENCE)
		return bufadd(out, p->at, p->len);
	p->bytes->refs++;
	if (evbuffer_add_reference(out, p->at, p->len, on_written, p->bytes) == 0)
		return 0;
	p->bytes->refs--;
	return ERR_NOMEM;
}

int jsontext_write(struct evbuffer *out, struct jsontext *t)
{
	int rc = 0;

	if (t->n == 0)
		return jsonrpc_write(out, t->tree);
	for (size_t i = 0; i < t->n && rc == 0; i++)
		rc = write_piece(out, &t->pieces[i]);
	return rc;
}

bool jsontext_is_line(const struct jsontext *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (memchr(t->pieces[i].at, '\n', t->pieces[i].len) ||
		    memchr(t->pieces[i].at, '\r', t->pieces[i].len))
			return false;
	return true;
}

/* ---- putting together ---- */

/* The pieces of a value that is being made. */
struct pieces {
	struct piece *v;
	size_t n, room, len;
	bool failed;
};

static void add_piece(struct pieces *ps, struct bytes *b, const char *at, size_t len)
{
	struct piece *more = ps->v;

	if (ps->failed || len == 0)
		return;
	if (ps->n == ps->room) {
		ps->room = ps->room ? 2 * ps->room : 16;
		more = realloc(ps->v, ps->room * sizeof *more);
	}
	if (!more) {
		ps->failed = true;
		return;
	}
	ps->v = more;
	ps->v[ps->n++] = (struct piece){b, at, len};
	ps->len += len;
	if (b)
		b->refs++;
}

static void add_static(struct pieces *ps, const char *text)
{
	add_piece(ps, NULL, text, strlen(text));
}

static void add_value(struct pieces *ps, struct jsontext *value)
{
	if (value->n == 0 && flatten(value) < 0)
		ps->failed = true;
	for (size_t i = 0; i < value->n; i++)
		add_piece(ps, value->pieces[i].bytes, value->pieces[i].at, value->pieces[i].len);
}

static void drop_all(struct pieces *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		bytes_unref(ps->v[i].bytes);
	free(ps->v);
}

/* The value that PS are; NULL on lack of memory. PS are used up. A small one is one block, because
 * it is soon written as one. */
static struct jsontext *joined(struct pieces *ps)
{
	struct jsontext *t = ps->failed ? NULL : jsontext_new();

	if (!t) {
		drop_all(ps);
		return NULL;
	}
	t->pieces = ps->v;
	t->n = ps->n;
	t->len = ps->len;
	if (t->len < BY_REFERENCE && flatten(t) < 0)
		jsontext_unref(&t);
	return t;
}

struct jsontext *jsontext_around(char *before_take, size_t len, struct jsontext *value,
				 const char *after)
{
	struct bytes *b = bytes_take(before_take);
	struct pieces ps = {.failed = !b};

	add_piece(&ps, b, b ? b->text : "", len);
	add_value(&ps, value);
	add_static(&ps, after);
	bytes_unref(b);
	return joined(&ps);
}

struct jsontext *jsontext_array(struct jsontext *const *values, size_t n)
{
	struct pieces ps = {0};

	add_static(&ps, "[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			add_static(&ps, ",");
		add_value(&ps, values[i]);
	}
	add_static(&ps, "]");
	return joined(&ps);
}

/* ---- members ---- */

/* A value passes several parts that each look for members of it: what the first walk found is kept,
 * unless there are too many. */
typedef void (*member_fn)(const struct jsonmember *m, void *arg);

struct walk {
	member_fn fn;
	void *arg;
	struct jsonmembers found;
};

static void on_scanned(const struct jsonscan_member *m, void *arg)
{
	const struct jsonmember own = {m->key_at, m->key_len, m->at, m->len};
	struct walk *w = arg;

	if (m->depth != 1)
		return;
	jsonmembers_note(&w->found, m);
	w->fn(&own, w->arg);
}

/* T, which has none, has the members FOUND (consumed) from now on. */
static void keep_members(struct jsontext *t, struct jsonmembers *found)
{
	if (found->failed)
		jsonmembers_clear(found);
	t->members = *found;
}

struct jsontext *jsontext_object_part(const struct jsontext *of, size_t at, size_t len,
				      const struct jsonmembers *found)
{
	struct jsontext *t = jsontext_part(of, at, len);
	struct jsonmembers own = {0};

	if (!t)
		return NULL;
	jsonmembers_within(&own, found, at, len);
	keep_members(t, &own);
	return t;
}

bool jsontext_is_object(struct jsontext *t)
{
	size_t i = 0;

	if (t->n == 0 || flatten(t) < 0)
		return json_is_object(t->tree);
	while (i < t->len && memchr(" \t\r\n", t->one.at[i], 4))
		i++;
	return i < t->len && t->one.at[i] == '{';
}

/* Calls FN for each member of the object T, which is flat afterwards. 0; ERR_INVALID: T is no
 * object; ERR_NOMEM. */
static int each_member(struct jsontext *t, member_fn fn, void *arg)
{
	struct walk w = {.fn = fn, .arg = arg};
	enum jsonscan_status status;
	struct jsonscan s;

	if (flatten(t) < 0)
		return ERR_NOMEM;
	for (size_t i = 0; i < t->members.n; i++)
		fn(&t->members.v[i], arg);
	if (t->members.n > 0)
		return 0;
	if (!jsontext_is_object(t))
		return ERR_INVALID;
	jsonscan_init(&s, 0, on_scanned, &w);
	status = jsonscan_run(&s, t->one.at, t->len, true);
	jsonscan_fini(&s);
	if (status == JSONSCAN_DONE)
		keep_members(t, &w.found);
	else
		jsonmembers_clear(&w.found);
	return status == JSONSCAN_DONE ? 0 : status == JSONSCAN_BAD ? ERR_INVALID : ERR_NOMEM;
}

struct search {
	struct jsontext *in;
	const char *const *keys;
	size_t n;
	struct jsontext **found;
	bool failed;
};

static void on_found(const struct jsonmember *m, void *arg)
{
	struct search *f = arg;

	for (size_t i = 0; i < f->n; i++) {
		if (!jsonscan_key_is(f->in->one.at + m->key_at, m->key_len, f->keys[i]))
			continue;
		jsontext_unref(&f->found[i]);
		f->found[i] = jsontext_part(f->in, m->at, m->len);
		f->failed = f->failed || !f->found[i];
	}
}

int jsontext_find(struct jsontext *object, const char *const *keys, size_t n,
		  struct jsontext **found_r)
{
	struct search f = {.in = object, .keys = keys, .n = n, .found = found_r};
	int rc;

	memset(found_r, 0, n * sizeof *found_r);
	rc = each_member(object, on_found, &f);
	if (rc == 0 && !f.failed)
		return 0;
	for (size_t i = 0; i < n; i++)
		jsontext_unref(&found_r[i]);
	return rc < 0 ? rc : ERR_NOMEM;
}

bool jsontext_is(struct jsontext *t, const char *text)
{
	size_t len = strlen(text);

	return t && flatten(t) == 0 && t->len == len + 2 && t->one.at[0] == '"' &&
	       memcmp(t->one.at + 1, text, len) == 0;
}

/* ---- edits ---- */

/* An object while it is edited, and what the new one is made of. */
struct editor {
	struct jsontext *from;
	const struct jsonedit *edits;
	size_t n_edits;
	bool *done; /* for each edit: its member was met */
	struct pieces to;
	size_t run_at, run_end; /* what stays and has not become a piece: empty where equal */
	bool any;		/* the new object has a member before */
	bool changed;
};

static void end_run(struct editor *ed)
{
	add_piece(&ed->to, ed->from->one.bytes, ed->from->one.at + ed->run_at,
		  ed->run_end - ed->run_at);
	ed->run_at = ed->run_end = 0;
}

/* The bytes from AT to END, which are a member or its beginning, stay. */
static void keep(struct editor *ed, size_t at, size_t end)
{
	if (ed->run_at == ed->run_end) {
		if (ed->any)
			add_static(&ed->to, ",");
		ed->run_at = at;
	}
	ed->run_end = end;
	ed->any = true;
}

static size_t find_edit(const struct editor *ed, const char *key, size_t len)
{
	size_t i = 0;

	while (i < ed->n_edits && !jsonscan_key_is(key, len, ed->edits[i].key))
		i++;
	return i;
}

static void on_member(const struct jsonmember *m, void *arg)
{
	struct editor *ed = arg;
	size_t i = find_edit(ed, ed->from->one.at + m->key_at, m->key_len);

	if (i == ed->n_edits) {
		keep(ed, m->key_at - 1, m->at + m->len);
		return;
	}
	ed->changed = true;
	if (!ed->done[i] && ed->edits[i].value) {
		keep(ed, m->key_at - 1, m->at);
		end_run(ed);
		add_value(&ed->to, ed->edits[i].value);
	} else {
		end_run(ed);
	}
	ed->done[i] = true;
}

/* Adds the members that were not there. */
static void add_missing(struct editor *ed)
{
	for (size_t i = 0; i < ed->n_edits; i++) {
		if (ed->done[i] || !ed->edits[i].add)
			continue;
		add_static(&ed->to, ed->any ? ",\"" : "\"");
		add_static(&ed->to, ed->edits[i].key);
		add_static(&ed->to, "\":");
		add_value(&ed->to, ed->edits[i].value);
		ed->any = ed->changed = true;
	}
}

struct jsontext *jsontext_edit(struct jsontext *object, const struct jsonedit *edits, size_t n)
{
	struct editor ed = {.from = object, .edits = edits, .n_edits = n};

	ed.done = calloc(n + 1, sizeof *ed.done);
	if (!ed.done)
		return NULL;
	add_static(&ed.to, "{");
	if (each_member(object, on_member, &ed) < 0)
		ed.to.failed = true;
	else
		end_run(&ed);
	add_missing(&ed);
	add_static(&ed.to, "}");
	free(ed.done);
	if (ed.changed || ed.to.failed)
		return joined(&ed.to);
	drop_all(&ed.to);
	return jsontext_ref(object);
}
