/* SPDX-License-Identifier: ISC */
/* jsonscan.h against jansson: the same texts are JSON, in one piece and in many, but for what
 * jansson cannot hold. And jsontext.h: what an edit makes, parsed, is the tree with the same edit.
 * The first byte chooses the pieces and the edits. */
#include <event2/buffer.h>
#include <string.h>

#include "fuzz.h"
#include "lib/jsonscan.h"
#include "lib/jsontext.h"

#define MAX_SIZE 5000

struct told {
	size_t n;
	unsigned long sum;
};

static void on_member(const struct jsonscan_member *m, void *arg)
{
	struct told *t = arg;

	MUST(m->depth == 1 || m->depth == 2);
	MUST(m->len > 0 && m->key_at + m->key_len < m->at);
	t->n++;
	t->sum = t->sum * 31 + m->key_at + 7 * m->at + 11 * m->len + (m->depth == 2 ? m->in_at : 0);
}

static enum jsonscan_status scan(const char *text, size_t len, size_t step, struct told *told,
				 size_t *bad_r)
{
	enum jsonscan_status status = JSONSCAN_MORE;
	struct jsonscan s;

	*told = (struct told){0};
	jsonscan_init(&s, 0, on_member, told);
	for (size_t there = step; step > 0 && there < len && status == JSONSCAN_MORE; there += step)
		status = jsonscan_run(&s, text, there, false);
	if (status == JSONSCAN_MORE)
		status = jsonscan_run(&s, text, len, true);
	*bad_r = s.bad;
	MUST(status == JSONSCAN_DONE || (status == JSONSCAN_BAD && s.why && s.pos <= len));
	jsonscan_fini(&s);
	return status;
}

/* Whether jansson refuses a JSON text for a reason of its own. */
static bool beyond_jansson(const json_error_t *e)
{
	static const char *const reasons[] = {
		"overflow",	   "too big", "maximum parsing depth", "NUL byte in object key",
		"invalid Unicode", "UTF-8"};

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		if (strstr(e->text, reasons[i]))
			return true;
	}
	return false;
}

static json_t *parse(const char *text, size_t len, json_error_t *e)
{
	return json_loadb(text, len, JSON_ALLOW_NUL | JSON_DECODE_ANY, e);
}

static void check_edit(const char *text, size_t len, json_t *tree, unsigned seed)
{
	static const char *const keys[] = {"a", "b", "method", "_meta"};
	struct jsontext *t = jsontext_copy(text, len), *v = jsontext_of(json_integer(42)), *new;
	struct jsonedit edits[2];
	size_t new_len;
	const char *out;
	json_t *back;

	for (size_t i = 0; i < 2; i++, seed >>= 3) {
		edits[i] = (struct jsonedit){.key = keys[(seed + i) % 4],
					     .value = seed & 4 ? v : NULL};
		edits[i].add = edits[i].value && seed & 1;
	}
	if (strcmp(edits[0].key, edits[1].key) == 0)
		edits[1].key = "z";
	new = jsontext_edit(t, edits, 2);
	MUST((new != NULL) == json_is_object(tree));
	for (size_t i = 0; new &&i < 2; i++) {
		if (!edits[i].value)
			json_object_del(tree, edits[i].key);
		else if (edits[i].add || json_object_get(tree, edits[i].key))
			json_object_set_new(tree, edits[i].key, json_integer(42));
	}
	if (new) {
		out = jsontext_bytes(new, &new_len);
		back = parse(out, new_len, NULL);
		MUST(back && json_equal(back, tree));
		json_decref(back);
	}
	jsontext_unref(&new);
	jsontext_unref(&t);
	jsontext_unref(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	size_t len = size - 1, bad, bad_too;
	struct told whole, pieces;
	enum jsonscan_status status;
	json_error_t e = {0};
	json_t *tree;

	if (size < 1 || size > MAX_SIZE)
		return 0;
	status = scan(text, len, 0, &whole, &bad);
	for (size_t step = 1; step < 9; step += 1 + data[0] % 4) {
		MUST(scan(text, len, step, &pieces, &bad_too) == status);
		MUST(whole.n == pieces.n && whole.sum == pieces.sum);
		MUST(status != JSONSCAN_DONE || bad == bad_too);
	}
	tree = parse(text, len, &e);
	if (tree) /* jansson takes a NUL behind the value for the end */
		MUST((status == JSONSCAN_DONE && bad == 0) || memchr(text, '\0', len));
	else if (status == JSONSCAN_DONE)
		MUST(bad > 0 || beyond_jansson(&e));
	if (tree && status == JSONSCAN_DONE)
		check_edit(text, len, tree, data[0]);
	json_decref(tree);
	return 0;
}
