/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "mcp/clientparams.h"

#include <stdlib.h>
#include <string.h>

#include "lib/jsonmembers.h"
#include "lib/jsonrpc.h"
#include "lib/jsonscan.h"
#include "lib/jsontext.h"

/* ---- one member ---- */

/* Clients of 2026-07-28 say in the _meta of each request who they are, mostly in the same bytes as
 * in the request before: what was parsed last is kept. */
#define KEPT	   4
#define KEPT_LEAST 64 /* bytes; what is shorter is parsed as fast as it is found */
#define KEPT_MOST  2048

static struct kept {
	char text[KEPT_MOST];
	size_t len;
	json_t *tree; /* NULL: none */
} kept[KEPT];

static json_t *find_kept(const char *text, size_t len)
{
	for (size_t i = 0; i < KEPT; i++)
		if (kept[i].len == len && memcmp(kept[i].text, text, len) == 0)
			return json_incref(kept[i].tree);
	return NULL;
}

static void keep(const char *text, size_t len, json_t *tree)
{
	static size_t next;
	struct kept *k = &kept[next++ % KEPT];

	json_decref(k->tree);
	memcpy(k->text, text, len);
	k->len = len;
	k->tree = json_incref(tree);
}

/* LEN bytes of TEXT as a tree (a new reference, not to be changed); NULL with E. */
static json_t *parsed(const char *text, size_t len, struct err *e)
{
	bool keeps = text[0] == '{' && len >= KEPT_LEAST && len <= KEPT_MOST;
	json_t *tree = keeps ? find_kept(text, len) : NULL;

	if (tree)
		return tree;
	tree = jsonrpc_parse(text, len, 0, e);
	if (tree && keeps)
		keep(text, len, tree);
	return tree;
}

/* The key of M in BUF where it fits, else malloc'd: *KEY_R. 0 or ERR_PARSE, ERR_NOMEM. */
static int key_of(const struct jsonmember *m, const char *text, char *buf, size_t size,
		  char **key_r, struct err *e)
{
	bool plain = !memchr(text + m->key_at, '\\', m->key_len);
	json_t *key;

	if (plain && m->key_len < size) {
		memcpy(buf, text + m->key_at, m->key_len);
		buf[m->key_len] = '\0';
		*key_r = buf;
		return 0;
	}
	key = jsonrpc_parse(text + m->key_at - 1, m->key_len + 2, 0, e);
	if (key && strlen(json_string_value(key)) != json_string_length(key)) {
		json_decref(key);
		return err_set(e, ERR_PARSE, "the name of a parameter has a NUL inside");
	}
	*key_r = key ? strdup(json_string_value(key)) : NULL;
	json_decref(key);
	return *key_r ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

/* Takes out of PARAMS what may be left out, and what some clients send as null instead. */
static void drop_nulls(json_t *params)
{
	static const char *const optional[] = {"_meta", "arguments", "cursor", "task", "context"};

	for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
		if (json_is_null(json_object_get(params, optional[i])))
			json_object_del(params, optional[i]);
	}
}

/* ---- all of them ---- */

struct taking {
	struct jsontext *whole;
	const char *text; /* its bytes */
	json_t *params;
	struct jsontext *arguments;
	struct err *e;
};

static int put_value(struct taking *t, const char *key, const struct jsonmember *m)
{
	json_t *value = parsed(t->text + m->at, m->len, t->e);

	if (!value)
		return t->e->code;
	return json_object_set_new_nocheck(t->params, key, value) == 0
		       ? 0
		       : err_set(t->e, ERR_NOMEM, "out of memory");
}

static int put(struct taking *t, const char *key, const struct jsonmember *m)
{
	bool arguments = strcmp(key, "arguments") == 0;

	if (json_object_get(t->params, key) || (arguments && t->arguments))
		return err_set(t->e, ERR_PARSE, "duplicate member \"%.60s\"", key);
	if (!arguments || t->text[m->at] != '{')
		return put_value(t, key, m);
	t->arguments = jsontext_part(t->whole, m->at, m->len);
	return t->arguments ? 0 : err_set(t->e, ERR_NOMEM, "out of memory");
}

static int put_member(struct taking *t, const struct jsonmember *m)
{
	char buf[64], *key;
	int rc = key_of(m, t->text, buf, sizeof buf, &key, t->e);

	if (rc < 0)
		return rc;
	rc = put(t, key, m);
	if (key != buf)
		free(key);
	return rc;
}

/* Whether the members but the arguments may become a tree. */
static int check_size(const struct jsonmembers *found, const char *text, struct err *e)
{
	size_t len = 0;

	if (found->failed)
		return err_set(e, ERR_LIMIT, "more than %d parameters", JSONMEMBERS_MAX);
	for (size_t i = 0; i < found->n; i++) {
		const struct jsonmember *m = &found->v[i];

		if (!jsonscan_key_is(text + m->key_at, m->key_len, "arguments"))
			len += m->key_len + m->len;
	}
	return jsontext_may_tree(len, e);
}

int clientparams_take(const struct jsonmembers *found, struct jsontext *whole, json_t **params_r,
		      struct jsontext **arguments_r, struct err *e)
{
	size_t len;
	struct taking t = {.whole = whole, .text = jsontext_bytes(whole, &len), .e = e};
	int rc = check_size(found, t.text, e);

	if (rc < 0)
		return rc;
	t.params = json_object();
	if (!t.params)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < found->n && rc == 0; i++)
		rc = put_member(&t, &found->v[i]);
	*arguments_r = t.arguments;
	if (rc < 0) {
		json_decref(t.params);
		return rc;
	}
	drop_nulls(t.params);
	*params_r = t.params;
	return 0;
}
