/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jsontext.h"

static struct jsontext *value_of(const char *text)
{
	struct jsontext *t = jsontext_copy(text, strlen(text));

	assert_non_null(t);
	return t;
}

/* What is written of T, which is given up. */
static char *written(struct jsontext *t)
{
	struct evbuffer *out = evbuffer_new();
	size_t len;
	char *text;

	assert_non_null(t);
	assert_int_equal(jsontext_write(out, t), 0);
	jsontext_unref(&t);
	len = evbuffer_get_length(out);
	text = calloc(1, len + 1);
	evbuffer_remove(out, text, len);
	evbuffer_free(out);
	return text;
}

static void assert_written(struct jsontext *t, const char *wanted)
{
	char *text = written(t);

	assert_string_equal(text, wanted);
	free(text);
}

static void test_bytes_stay(void **state)
{
	static const char odd[] = "{ \"b\":1.0, \"a\" : 1e2,\"a\":-0,\"n\":123456789012345678901,"
				  "\"s\":\"\\u0041\\/\\ud800\"}";
	struct jsontext *t = value_of(odd);
	struct err e;

	(void)state;
	assert_non_null(jsontext_tree(t, &e));
	assert_written(t, odd);
}

static void test_tree(void **state)
{
	struct jsontext *t = value_of("{\"a\":1,\"a\":2}");
	struct err e;

	(void)state;
	assert_true(json_is(jsontext_tree(t, &e), "{'a': 2}"));
	assert_ptr_equal(jsontext_tree(t, &e), jsontext_tree(t, &e));
	jsontext_unref(&t);
	t = value_of("[1e400]"); /* a tree is less exact */
	assert_true(json_is(jsontext_tree(t, &e), "[1e308]"));
	assert_written(t, "[1e400]");
	t = value_of("[1,]");
	assert_null(jsontext_tree(t, &e));
	assert_int_equal(e.code, ERR_PARSE);
	jsontext_unref(&t);
	t = jsontext_of(json_of("{'x': [1, 'y']}"));
	assert_written(t, "{\"x\":[1,\"y\"]}");
	assert_null(jsontext_of(NULL));
}

static void test_max_tree(void **state)
{
	struct jsontext *t = value_of("[\"123456\"]");
	struct err e;

	(void)state;
	jsontext_limit(9);
	assert_null(jsontext_tree(t, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_non_null(strstr(e.text, "limits.maxTree"));
	jsontext_limit(10);
	assert_non_null(jsontext_tree(t, &e));
	jsontext_limit(1 << 20);
	jsontext_unref(&t);
}

static void test_part(void **state)
{
	struct jsontext *whole = value_of("{\"result\":[1, 2]}");
	struct jsontext *part = jsontext_part(whole, 10, 6);

	(void)state;
	jsontext_unref(&whole);
	assert_written(part, "[1, 2]");
}

/* Large parts are written by reference, and outlive the value. */
static void test_large(void **state)
{
	size_t len = 100000;
	char *text = malloc(len + 1), *out;

	(void)state;
	memset(text, 'x', len);
	text[0] = text[len - 1] = '"';
	text[len] = '\0';
	out = written(jsontext_copy(text, len));
	assert_string_equal(out, text);
	free(out);
	free(text);
}

static void assert_edit(const char *from, struct jsonedit *edits, size_t n, const char *to)
{
	struct jsontext *t = value_of(from), *new;

	new = jsontext_edit(t, edits, n);
	jsontext_unref(&t);
	assert_written(new, to);
}

static void test_edit_one(void **state)
{
	struct jsontext *v = value_of("42");
	struct jsonedit set = {.key = "k", .value = v}, add = {.key = "k", .value = v, .add = true},
			del = {.key = "k"};

	(void)state;
	assert_edit("{\"k\":1}", &set, 1, "{\"k\":42}");
	assert_edit("{\"k\" : 1, \"z\":2}", &set, 1, "{\"k\" : 42,\"z\":2}");
	assert_edit("{\"a\":0,\"k\":1,\"z\":2}", &set, 1, "{\"a\":0,\"k\":42,\"z\":2}");
	assert_edit("{\"a\": 0 }", &set, 1, "{\"a\": 0 }");
	assert_edit("{\"a\": 0 }", &add, 1, "{\"a\": 0,\"k\":42}");
	assert_edit("{}", &add, 1, "{\"k\":42}");
	assert_edit("{ }", &set, 1, "{ }");
	assert_edit("{\"k\":{\"k\":1}}", &add, 1, "{\"k\":42}");
	assert_edit("{\"a\":{\"k\":1}}", &set, 1, "{\"a\":{\"k\":1}}");
	assert_edit("{\"k\":1}", &del, 1, "{}");
	assert_edit("{\"k\":1,\"z\":2}", &del, 1, "{\"z\":2}");
	assert_edit("{\"a\":0,\"k\":1}", &del, 1, "{\"a\":0}");
	assert_edit("{\"a\":0,\"k\":1,\"z\":2}", &del, 1, "{\"a\":0,\"z\":2}");
	assert_edit("{\"a\":0,\"k\":1,\"b\":3, \"k\":2,\"k\":3,\"z\":2}", &set, 1,
		    "{\"a\":0,\"k\":42,\"b\":3,\"z\":2}");
	assert_edit("{\"\\u006b\":1}", &set, 1, "{\"\\u006b\":42}");
	jsontext_unref(&v);
}

static void test_edit_several(void **state)
{
	struct jsontext *v = value_of("[1]"), *w = jsontext_of(json_of("{'t': 's'}"));
	struct jsonedit edits[] = {
		{.key = "_meta", .value = w, .add = true},
		{.key = "name", .value = v},
		{.key = "gone"},
	};

	(void)state;
	assert_edit("{\"gone\":1,\"name\":\"x\",\"gone\":2}", edits, 3,
		    "{\"name\":[1],\"_meta\":{\"t\":\"s\"}}");
	assert_edit("{\"_meta\":0,\"y\":1,\"z\":2,\"name\":3}", edits, 3,
		    "{\"_meta\":{\"t\":\"s\"},\"y\":1,\"z\":2,\"name\":[1]}");
	jsontext_unref(&v);
	jsontext_unref(&w);
}

static void test_edit_twice(void **state)
{
	struct jsontext *v = value_of("1"), *t = value_of("{\"a\":\"b\"}"), *u;
	struct jsonedit first = {.key = "x", .value = v, .add = true},
			second = {.key = "a", .value = v};

	(void)state;
	u = jsontext_edit(t, &first, 1);
	jsontext_unref(&t);
	t = jsontext_edit(u, &second, 1);
	jsontext_unref(&u);
	jsontext_unref(&v);
	assert_written(t, "{\"a\":1,\"x\":1}");
}

static void test_edit_no_object(void **state)
{
	struct jsonedit del = {.key = "k"};
	struct jsontext *t = value_of("[{\"k\":1}]");

	(void)state;
	assert_null(jsontext_edit(t, &del, 1));
	jsontext_unref(&t);
}

static void test_nothing_to_edit(void **state)
{
	struct jsonedit del = {.key = "k"};
	struct jsontext *t = value_of("{\"a\":1}"), *same = jsontext_edit(t, &del, 1);

	(void)state;
	assert_ptr_equal(t, same);
	jsontext_unref(&t);
	jsontext_unref(&same);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_stay),     cmocka_unit_test(test_tree),
		cmocka_unit_test(test_max_tree),       cmocka_unit_test(test_part),
		cmocka_unit_test(test_large),	       cmocka_unit_test(test_edit_one),
		cmocka_unit_test(test_edit_several),   cmocka_unit_test(test_edit_twice),
		cmocka_unit_test(test_edit_no_object), cmocka_unit_test(test_nothing_to_edit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
