/* SPDX-License-Identifier: ISC */
#include "mcp/catalog.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "lib/hash.h"
#include "lib/jsonrpc.h"
#include "mcp/translate.h"
#include "text/uritemplate.h"

/* What both eras allow in the name of a tool: 64 characters of [A-Za-z0-9_.-]. */
#define NAME_MAX_LEN 64
#define HASH_LEN     9 /* "_" and eight hex digits */

struct entry {
	UT_hash_handle hh; /* by key: the name or URI that clients see; in the order of the list */
	size_t source;
	size_t index;		     /* in the list */
	json_t *original;	     /* as the source lists it */
	struct uritemplate *pattern; /* templates alone */
};

struct source {
	const char *name;
	enum mcp_rev rev;
	json_t *capabilities; /* NULL: not learnt */
	char *instructions;
};

struct catalog {
	bool prefix;
	enum mcp_rev rev; /* of the clients of the catalogue */
	json_t *lists[OFFER_KINDS];
	struct entry *by_key[OFFER_KINDS];
	size_t n;
	struct source sources[];
};

static struct entry *find(const struct catalog *c, enum offer_kind kind, const char *key)
{
	struct entry *found;

	HASH_FIND(hh, c->by_key[kind], key, strlen(key), found);
	return found;
}

/* The key of ENTRY; NULL where it is no entry: no object, no key, or one that no C string holds. */
static const char *key_of(enum offer_kind kind, const json_t *entry)
{
	const json_t *key = json_object_get(entry, offer_key(kind));
	const char *text = json_string_value(key);

	return text && strlen(text) == json_string_length(key) ? text : NULL;
}

static uint32_t fnv1a(uint32_t hash, const char *text)
{
	do /* with the NUL, so that "a" + "b_c" is not "a_b" + "c" */
		hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
	while (*text++ != '\0');
	return hash;
}

static bool legal(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
	       (ch != '\0' && strchr("_.-", ch));
}

/* SOURCE__NAME in at most NAME_MAX_LEN legal characters. What had to be changed ends in a hash of
 * the whole, so that the visible name depends on nothing but the original: no tool ever slips under
 * a name that a client remembers for another. */
static void visible_name(char out[NAME_MAX_LEN + 1], const char *source, const char *name,
			 bool hashed)
{
	size_t n = 0;
	const char *parts[] = {source, "__", name};

	for (size_t i = 0; i < 3; i++) {
		for (const char *p = parts[i]; *p != '\0'; p++) {
			hashed = hashed || !legal(*p) || n == NAME_MAX_LEN;
			if (n < NAME_MAX_LEN)
				out[n++] = legal(*p) ? *p : '_';
		}
	}
	if (hashed) {
		if (n > NAME_MAX_LEN - HASH_LEN)
			n = NAME_MAX_LEN - HASH_LEN;
		n += (size_t)snprintf(out + n, HASH_LEN + 1, "_%08" PRIx32,
				      fnv1a(fnv1a(UINT32_C(2166136261), source), name));
	}
	out[n] = '\0';
}

/* A source of the revision of whoever looks, with tasks. The two revisions know quite different
 * ones. */
static bool runs_tasks(const struct catalog *c, size_t source)
{
	return c->sources[source].rev == c->rev &&
	       offer_has_tasks(c->rev, c->sources[source].capabilities);
}

/* "execution" counts only where the server runs tasks, and as mcpd declares that for all of them
 * together, a server that does not had better say nothing (2025-11-25, Tasks, "Tool-Level
 * Negotiation"). */
static json_t *without_execution(const struct catalog *c, size_t source, json_t *entry_take)
{
	json_t *copy;

	if ((mcp_rev_is_legacy(c->rev) && runs_tasks(c, source)) ||
	    !json_object_get(entry_take, "execution"))
		return entry_take;
	copy = jsonrpc_copy(entry_take);
	json_decref(entry_take);
	json_object_del(copy, "execution");
	return copy;
}

/* ENTRY of SOURCE in the words of the catalogue's revision, and under NAME (NULL: its own). */
static json_t *dressed(const struct catalog *c, size_t source, enum offer_kind kind, json_t *entry,
		       const char *name)
{
	json_t *own = translate_entry(kind, c->sources[source].rev, c->rev, entry), *copy;

	if (own && kind == OFFER_TOOLS)
		own = without_execution(c, source, own);
	if (!own || !name)
		return own;
	copy = jsonrpc_copy(own);
	json_decref(own);
	if (copy && json_object_set_new(copy, offer_key(kind), json_string(name)) < 0) {
		json_decref(copy);
		copy = NULL;
	}
	return copy;
}

static void entry_free(struct entry *e)
{
	json_decref(e->original);
	if (e->pattern)
		uritemplate_free(&e->pattern);
	free(e);
}

/* SHOWN joins the list and the hash. 0 or ERR_NOMEM. */
static int insert(struct catalog *c, enum offer_kind kind, size_t source, json_t *original,
		  json_t *shown)
{
	const char *key = key_of(kind, shown);
	struct entry *e = calloc(1, sizeof *e);

	if (!e)
		return ERR_NOMEM;
	e->source = source;
	e->index = json_array_size(c->lists[kind]);
	e->original = json_incref(original);
	if (kind == OFFER_TEMPLATES && !(e->pattern = uritemplate_new(key)))
		goto nomem;
	if (json_array_append(c->lists[kind], shown) < 0)
		goto nomem;
	HASH_ADD_KEYPTR(hh, c->by_key[kind], key, strlen(key), e); /* the list holds the key */
	if (e->hh.tbl)
		return 0;
nomem:
	entry_free(e);
	return ERR_NOMEM;
}

/* ENTRY joins the list under NAME (NULL: its own). 0 or ERR_NOMEM. */
static int show(struct catalog *c, enum offer_kind kind, size_t source, json_t *entry,
		const char *name)
{
	json_t *shown = dressed(c, source, kind, entry, name);
	int rc = shown ? insert(c, kind, source, entry, shown) : ERR_NOMEM;

	json_decref(shown);
	return rc;
}

/* Adds one entry of SOURCE; leaves it out where there is no key or the key is taken. */
static int add(struct catalog *c, enum offer_kind kind, size_t source, json_t *entry)
{
	const char *key = key_of(kind, entry);
	char name[NAME_MAX_LEN + 1];
	const struct entry *same;

	if (!key)
		return 0;
	if (!c->prefix || (kind != OFFER_TOOLS && kind != OFFER_PROMPTS))
		return !find(c, kind, key) ? show(c, kind, source, entry, NULL) : 0;
	visible_name(name, c->sources[source].name, key, false);
	same = find(c, kind, name);
	if (same && same->source == source && strcmp(key_of(kind, same->original), key) == 0)
		return 0;
	if (same) /* "a_" + "b" and "a" + "_b" look alike */
		visible_name(name, c->sources[source].name, key, true);
	return !find(c, kind, name) ? show(c, kind, source, entry, name) : 0;
}

/* Takes over what source I offers. 0 or ERR_NOMEM. */
static int merge(struct catalog *c, size_t i, const struct offer *o)
{
	struct source *s = &c->sources[i];
	json_t *entry;
	size_t at;

	s->rev = o->rev;
	s->capabilities = json_incref(o->capabilities);
	if (o->instructions && !(s->instructions = strdup(o->instructions)))
		return ERR_NOMEM;
	for (int kind = 0; kind < OFFER_KINDS; kind++) {
		json_array_foreach (o->lists[kind], at, entry) {
			if (add(c, kind, i, entry) < 0)
				return ERR_NOMEM;
		}
	}
	return 0;
}

struct catalog *catalog_new(const struct catalog_source *sources, size_t n, bool prefix,
			    enum mcp_rev rev)
{
	struct catalog *c = calloc(1, sizeof *c + n * sizeof c->sources[0]);

	if (!c)
		return NULL;
	c->prefix = prefix;
	c->rev = rev;
	c->n = n;
	for (int kind = 0; kind < OFFER_KINDS; kind++)
		if (!(c->lists[kind] = json_array()))
			goto nomem;
	for (size_t i = 0; i < n; i++) {
		c->sources[i].name = sources[i].name;
		if (sources[i].offer && merge(c, i, sources[i].offer) < 0)
			goto nomem;
	}
	return c;
nomem:
	catalog_free(&c);
	return NULL;
}

void catalog_free(struct catalog **cp)
{
	struct catalog *c = *cp;
	struct entry *e, *next;

	if (!c)
		return;
	for (int kind = 0; kind < OFFER_KINDS; kind++) {
		HASH_ITER (hh, c->by_key[kind], e, next) {
			HASH_DEL(c->by_key[kind], e);
			entry_free(e);
		}
		json_decref(c->lists[kind]);
	}
	for (size_t i = 0; i < c->n; i++) {
		json_decref(c->sources[i].capabilities);
		free(c->sources[i].instructions);
	}
	free(c);
	*cp = NULL;
}

json_t *catalog_list(const struct catalog *c, enum offer_kind kind)
{
	return c->lists[kind];
}

const json_t *catalog_entry(const struct catalog *c, enum offer_kind kind, const char *key)
{
	const struct entry *e = find(c, kind, key);

	return e ? json_array_get(c->lists[kind], e->index) : NULL;
}

const json_t *catalog_original(const struct catalog *c, enum offer_kind kind, const char *key)
{
	const struct entry *e = find(c, kind, key);

	return e ? e->original : NULL;
}

int catalog_find(const struct catalog *c, enum offer_kind kind, const char *name, size_t *source_r,
		 const char **original_r)
{
	const struct entry *e = find(c, kind, name);

	if (!e)
		return ERR_NOTFOUND;
	*source_r = e->source;
	*original_r = key_of(kind, e->original);
	return 0;
}

const char *catalog_nearest(const struct catalog *c, enum offer_kind kind, const char *name)
{
	struct nearest nearest = nearest_begin(name);
	json_t *entry;
	size_t i;

	json_array_foreach (catalog_list(c, kind), i, entry) {
		const char *visible = json_string_value(json_object_get(entry, "name"));
		const char *own = visible ? strstr(visible, "__") : NULL;

		if (own && strcmp(own + 2, name) == 0)
			return visible;
		if (visible)
			nearest_look(&nearest, visible);
	}
	return nearest.found;
}

static const json_t *capability(const struct catalog *c, size_t source, const char *name)
{
	return json_object_get(c->sources[source].capabilities, name);
}

/* The only source that says it has resources. */
static int only_source(const struct catalog *c, size_t *source_r)
{
	size_t found = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (!capability(c, i, "resources"))
			continue;
		*source_r = i;
		found++;
	}
	return found == 1 ? 0 : ERR_NOTFOUND;
}

int catalog_find_uri(const struct catalog *c, const char *uri, size_t *source_r)
{
	const struct entry *e = find(c, OFFER_RESOURCES, uri);

	if (!e) {
		e = c->by_key[OFFER_TEMPLATES];
		while (e && !uritemplate_match(e->pattern, uri))
			e = e->hh.next;
	}
	if (!e)
		return only_source(c, source_r);
	*source_r = e->source;
	return 0;
}

int catalog_find_template(const struct catalog *c, const char *uri_template, size_t *source_r)
{
	const struct entry *e = find(c, OFFER_TEMPLATES, uri_template);

	if (!e)
		return catalog_find_uri(c, uri_template, source_r);
	*source_r = e->source;
	return 0;
}

static bool any_has(const struct catalog *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (capability(c, i, name))
			return true;
	return false;
}

static bool any_subscribes(const struct catalog *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (json_is_true(json_object_get(capability(c, i, "resources"), "subscribe")))
			return true;
	return false;
}

bool catalog_runs_tasks(const struct catalog *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (runs_tasks(c, i))
			return true;
	return false;
}

/* There is no way to list the tasks of several backends page by page, so that is not offered. */
static bool add_tasks(const struct catalog *c, json_t *all)
{
	if (!catalog_runs_tasks(c))
		return true;
	if (mcp_rev_is_legacy(c->rev))
		return json_object_set_new(all, "tasks",
					   json_pack("{s:{}, s:{s:{s:{}}}}", "cancel", "requests",
						     "tools", "call")) == 0;
	return json_object_set_new(all, "extensions", json_pack("{s:{}}", EXTENSION_TASKS)) == 0;
}

json_t *catalog_capabilities(const struct catalog *c, bool unknown)
{
	static const struct {
		const char *name;
		bool listed;
	} known[] = {{"tools", true},
		     {"prompts", true},
		     {"resources", true},
		     {"logging", false},
		     {"completions", false}};
	json_t *all = json_object();
	bool whole = all;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		json_t *one;

		if (!any_has(c, known[i].name) && !(unknown && known[i].listed))
			continue;
		/* mcpd itself sees lists change, when a backend restarts; so it says so for all */
		one = known[i].listed ? json_pack("{s:b}", "listChanged", 1) : json_object();
		whole = json_object_set_new(all, known[i].name, one) == 0 && whole;
	}
	if (any_subscribes(c))
		whole = json_object_set_new(json_object_get(all, "resources"), "subscribe",
					    json_true()) == 0 &&
			whole;
	if (whole && add_tasks(c, all))
		return all;
	json_decref(all);
	return NULL;
}

char *catalog_instructions(const struct catalog *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool whole;

	if (!out)
		return NULL;
	for (size_t i = 0; i < c->n; i++) {
		const struct source *s = &c->sources[i];

		if (!s->instructions || s->instructions[0] == '\0')
			continue;
		if (c->n > 1)
			fprintf(out, "%s%s:\n", ftell(out) > 0 ? "\n\n" : "", s->name);
		fputs(s->instructions, out);
	}
	whole = ferror(out) == 0;
	if (fclose(out) == 0 && whole && len > 0)
		return text;
	free(text);
	return NULL;
}

/* A cursor is INDEX:KEY of the last entry that was shown. The key counts; where it is gone from the
 * list, the entry that moved up to its place is next. */
static int cursor_start(const struct catalog *c, enum offer_kind kind, const char *cursor,
			size_t *start, struct err *e)
{
	const struct entry *last;
	unsigned long long index;
	char *end;

	if (!cursor)
		return 0;
	index = strtoull(cursor, &end, 10);
	if (cursor[0] < '0' || cursor[0] > '9' || *end != ':')
		return err_set(e, ERR_INVALID, "Invalid cursor");
	last = find(c, kind, end + 1);
	*start = last != NULL ? last->index + 1 : index;
	return 0;
}

static json_t *slice(json_t *list, size_t start, size_t end)
{
	json_t *part;

	if (start == 0 && end == json_array_size(list))
		return json_incref(list);
	part = json_array();
	for (size_t i = start; part != NULL && i < end; i++) {
		if (json_array_append(part, json_array_get(list, i)) < 0) {
			json_decref(part);
			part = NULL;
		}
	}
	return part;
}

static json_t *cursor_after(enum offer_kind kind, const json_t *list, size_t end)
{
	json_t *cursor;
	char *text;

	if (asprintf(&text, "%zu:%s", end - 1, key_of(kind, json_array_get(list, end - 1))) < 0)
		return NULL;
	cursor = json_string(text);
	free(text);
	return cursor;
}

json_t *catalog_page(const struct catalog *c, enum offer_kind kind, const char *cursor, size_t page,
		     struct err *e)
{
	json_t *list = c->lists[kind];
	size_t start = 0, end, n = json_array_size(list);
	json_t *result;

	if (cursor_start(c, kind, cursor, &start, e) != 0)
		return NULL;
	if (start > n)
		start = n; /* the list became shorter */
	end = page > 0 && page < n - start ? start + page : n;
	result = json_object();
	if (!result ||
	    json_object_set_new(result, offer_list_member(kind), slice(list, start, end)) < 0 ||
	    (end < n &&
	     json_object_set_new(result, "nextCursor", cursor_after(kind, list, end)) < 0)) {
		json_decref(result);
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	return result;
}
