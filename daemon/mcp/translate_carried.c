/* SPDX-License-Identifier: ISC */
/* translate_carried.c: results that pass as they are, and those that have to be translated. See
 * translate.h. */
#include "autoconf.h"

#include <string.h>

#include "lib/jsontext.h"
#include "mcp/translate_impl.h"

/* The members of a result that say whether it has to be looked into. */
enum { META, STRUCTURED, TELLING };
static const char *const telling[] = {[META] = "_meta", [STRUCTURED] = "structuredContent"};

/* Whether one of N words occurs in the text of RESULT, or may do. */
static bool has_word(struct jsontext *result, const char *const *words, size_t n)
{
	size_t len;
	const char *text = jsontext_bytes(result, &len);

	for (size_t i = 0; text && i < n; i++) {
		if (memmem(text, len, words[i], strlen(words[i])))
			return true;
	}
	return !text;
}

/* Whether the content has no members or blocks that TO lacks: those of the newest legacy revision
 * are those of the newest one, nothing was ever taken away, and the names of the newer ones are
 * few. */
static bool content_passes(const struct translate *t, struct jsontext *result)
{
	static const char *const newer[] = {"\"icons\"", "\"_meta\"", "\"audio\"",
					    "\"resource_link\"", "\"lastModified\""};
	/* 2025-06-18 lacks the first of them alone. */
	size_t n = t->to == MCP_REV_2025_06_18 ? 1 : sizeof newer / sizeof *newer;

	return t->from <= t->to || t->to >= MCP_REV_LEGACY_NEWEST || !has_word(result, newer, n);
}

/* Only what a revision took away again goes out of _meta: "related-task". */
static bool meta_passes(const struct translate *t, struct jsontext *meta)
{
	return !meta || t->to == MCP_REV_2025_11_25 ||
	       !json_object_get(jsontext_tree(meta, NULL), "io.modelcontextprotocol/related-task");
}

/* The legacy revisions since 2025-06-18 have objects there, which are what the schema says. */
static bool structured_passes(const struct translate *t, struct jsontext *value)
{
	const json_t *schema = json_object_get(t->tool, "outputSchema");
	size_t len;
	const char *text;

	if (!value || !mcp_rev_is_legacy(t->to))
		return true;
	text = jsontext_bytes(value, &len);
	return text && text[0] == '{' && t->to >= MCP_REV_2025_06_18 &&
	       !(schema && translate_must_wrap(schema));
}

static bool passes(const struct translate *t, struct jsontext *result,
		   struct jsontext *const *found)
{
	return content_passes(t, result) && meta_passes(t, found[META]) &&
	       structured_passes(t, found[STRUCTURED]);
}

struct jsontext *translate_carried(const struct translate *t, struct jsontext *result,
				   struct err *e)
{
	struct jsontext *found[TELLING] = {NULL};
	json_t *tree, *theirs;
	bool same;

	if (t->from == t->to)
		return jsontext_ref(result);
	same = jsontext_find(result, telling, TELLING, found) == 0 && passes(t, result, found);
	for (size_t i = 0; i < TELLING; i++)
		jsontext_unref(&found[i]);
	if (same)
		return jsontext_ref(result);
	tree = jsontext_tree(result, e);
	theirs = tree ? translate_result(t, tree) : NULL;
	if (tree && !theirs)
		err_set(e, ERR_NOMEM, "out of memory");
	return jsontext_of(theirs);
}
