/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/buffer.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failalloc.h"
#include "lib/jsonrpc.h"

/* A text that is parsed and written again; NULL: written as it was. */
static const struct {
	const char *in, *want;
} texts[] = {
	{"{}", NULL},
	{"[]", NULL},
	{" { \"b\" : 1 ,\n\t\"a\" : [ ] } ", "{\"b\":1,\"a\":[]}"},
	{"[null,true,false,\"\",0]", NULL},
	{"\"text\"", NULL},
	{"[0.1,0.5,-2.5,5.0,1.1]", NULL},
	{"[-0.0,1e2,1E+20,1e-7]", "[-0.0,100.0,1e+20,1e-07]"},
	{"[3.141592653589793,0.30000000000000004,1.7976931348623157e+308]", NULL},
	{"[9223372036854775807,-9223372036854775808,0,-1,10]", NULL},
	/* Beyond 64 bits: a real, as JavaScript has it; the neighbour stays as it is. */
	{"[18446744073709551615,9007199254740993]", "[1.8446744073709552e+19,9007199254740993]"},
	{"[9223372036854775808,-9223372036854775809]",
	 "[9.223372036854776e+18,-9.223372036854776e+18]"},
	{"[18446744073709551615,0.12345678901234567890123]",
	 "[1.8446744073709552e+19,0.12345678901234568]"},
	{"[18446744073709551615,\"18446744073709551615\"]",
	 "[1.8446744073709552e+19,\"18446744073709551615\"]"},
	{"\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\\\/\"",
	 "\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\/\""},
	{"\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
	{"\"\x7f\xc2\x85\xe2\x80\xa8\"", NULL},
	/* Half a surrogate pair: U+FFFD. */
	{"\"cut \\ud83d\"", "\"cut \xef\xbf\xbd\""},
	{"\"\\ud83d\\ud83d\\ude00\"", "\"\xef\xbf\xbd\xf0\x9f\x98\x80\""},
	{"\"\\ude00\\ud83d\\n\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\n\""},
	{"\"\\\\ud83d \\ud83d\"", "\"\\\\ud83d \xef\xbf\xbd\""},
};

static const struct {
	const char *in;
	unsigned depth;
	int code;
} refused[] = {
	{"", 0, ERR_PARSE},
	{" ", 0, ERR_PARSE},
	{"{", 0, ERR_PARSE},
	{"nul", 0, ERR_PARSE},
	{"{} {}", 0, ERR_PARSE},
	{"{\"a\":1,\"a\":1}", 0, ERR_PARSE},
	{"{\"a\":{\"b\":1,\"\\u0062\":2}}", 0, ERR_PARSE},
	{"[1,]", 0, ERR_PARSE},
	{"[01]", 0, ERR_PARSE},
	{"[-]", 0, ERR_PARSE},
	{"[1e400]", 0, ERR_PARSE},
	{"[NaN]", 0, ERR_PARSE},
	{"'a'", 0, ERR_PARSE},
	{"\"\n\"", 0, ERR_PARSE},
	{"\"\xff\"", 0, ERR_PARSE},
	{"\"\xed\xa0\xbd\"", 0, ERR_PARSE},
	{"\"\\ud83d", 0, ERR_PARSE},
	{"\"\\ud83", 0, ERR_PARSE},
	{"\"\\", 0, ERR_PARSE},
	{"99999999999999999999 1", 0, ERR_PARSE},
	{"[[[]]]", 2, ERR_LIMIT},
	{"{\"a\":[{}]}", 2, ERR_LIMIT},
	{"[[[", 2, ERR_LIMIT},
};

/* Parses a copy of exactly its length, so that a sanitizer sees every byte read behind it. */
static json_t *parse(const char *text, size_t len, unsigned depth, struct err *e)
{
	char *copy = malloc(len ? len : 1);
	json_t *value;

	assert_non_null(copy);
	memcpy(copy, text, len);
	value = jsonrpc_parse(copy, len, depth, e);
	free(copy);
	return value;
}

static char *dump(const json_t *value)
{
	size_t len = 0;
	char *text = jsonrpc_dump(value, &len);

	assert_non_null(text);
	assert_int_equal(len, strlen(text));
	return text;
}

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *want = texts[i].want ? texts[i].want : texts[i].in;
		struct err e = {0, ""};
		json_t *value = parse(texts[i].in, strlen(texts[i].in), 0, &e);
		char *text;

		if (!value)
			fail_msg("%s: %s", texts[i].in, e.text);
		text = dump(value);
		assert_string_equal(text, want);
		free(text);
		json_decref(value);
	}
}

/* What is taken from servers alone, and what becomes of it. */
static const struct {
	const char *in, *want;
} of_servers[] = {
	{"{\"a\":1,\"a\":2}", "{\"a\":2}"},
	{"[1e400,-1e400,9e308]", "[1e308,-1e308,1e308]"},
	{"[1e-400]", "[0.0]"},
	{"{\"a\\u0000b\" : 1}", "{\"a\xef\xbf\xbd"
				"b\":1}"},
	{"{\"\\u0000\\u0000\":\"\\u0000\"}", "{\"\xef\xbf\xbd\xef\xbf\xbd\":\"\\u0000\"}"},
	{"{\"\\\\u0000\":1e999}", "{\"\\\\u0000\":1e308}"},
	{"[1e400-2]", NULL},
	{"[1e400.5]", NULL},
	{"[-]", NULL},
	{"{\"a\\u0000", NULL},
	{"\"", NULL},
	{"\"\xff\"", NULL},
};

static void test_of_servers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof of_servers / sizeof of_servers[0]; i++) {
		size_t len = strlen(of_servers[i].in);
		char *copy = malloc(len), *text;
		json_t *value, *want;
		struct err e;

		assert_non_null(copy);
		memcpy(copy, of_servers[i].in, len);
		value = jsonrpc_parse_any(copy, len, &e);
		free(copy);
		if (!of_servers[i].want) {
			assert_null(value);
			assert_int_equal(e.code, ERR_PARSE);
			continue;
		}
		if (!value)
			fail_msg("%s: %s", of_servers[i].in, e.text);
		want = jsonrpc_parse(of_servers[i].want, strlen(of_servers[i].want), 0, NULL);
		assert_non_null(want);
		text = dump(value);
		if (!json_equal(value, want))
			fail_msg("%s became %s", of_servers[i].in, text);
		free(text);
		json_decref(want);
		json_decref(value);
	}
	/* A client's number is not changed. */
	assert_null(jsonrpc_parse("[1e400]", 7, 0, NULL));
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct err e = {0, ""};

		if (parse(refused[i].in, strlen(refused[i].in), refused[i].depth, &e))
			fail_msg("%s was accepted", refused[i].in);
		if (e.code != refused[i].code)
			fail_msg("%s: %d (%s)", refused[i].in, e.code, e.text);
	}
	assert_null(jsonrpc_parse("[", 1, 0, NULL));
}

static void test_depth(void **state)
{
	static const char flat[] = "[\"[[[\\\"[[[\",[],[],{\"{\":[]}]";
	static char deep[8000];
	struct err e;
	json_t *value;

	(void)state;
	/* Brackets in strings do not count, nor do those that were closed. */
	value = parse(flat, sizeof flat - 1, 3, &e);
	assert_non_null(value);
	json_decref(value);
	value = parse("[[]]", 4, 2, &e);
	assert_non_null(value);
	json_decref(value);
	memset(deep, '[', sizeof deep);
	assert_null(parse(deep, sizeof deep, 0, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_null(parse(deep, sizeof deep, 100, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_string_equal(e.text, "nested deeper than 100 levels");
}

/* Every beginning of a text is refused without reading behind its end. */
static void test_cut(void **state)
{
	static const char text[] = "{\"a\":[1,18446744073709551615,-2.5e3,\"x\\ud83d\\n\"],"
				   "\"b\":{\"c\":null,\"d\":true}}";
	struct err e;
	json_t *value;

	(void)state;
	for (size_t len = 0; len < sizeof text - 1; len++)
		assert_null(parse(text, len, 10, &e));
	value = parse(text, sizeof text - 1, 10, &e);
	assert_non_null(value);
	json_decref(value);
}

static void test_position(void **state)
{
	struct err e;

	(void)state;
	assert_null(parse("{\n  \"a\": ?}", 11, 0, &e));
	assert_int_equal(e.code, ERR_PARSE);
	assert_ptr_equal(strstr(e.text, "line 2, column 8: "), e.text);
}

/* Whatever a string holds, it is one line and reads back the same. */
static void test_strings(void **state)
{
	(void)state;
	for (int c = 0; c < 0x80; c++) {
		char s[3] = {'a', (char)c, 'b'};
		json_t *value = json_stringn(s, 3), *back;
		char *text = dump(value);

		for (const char *p = text; *p; p++)
			assert_true((unsigned char)*p >= 0x20);
		back = parse(text, strlen(text), 0, NULL);
		assert_true(json_equal(value, back));
		free(text);
		json_decref(value);
		json_decref(back);
	}
}

/* Reads back as the same number, and stays a real. */
static void test_reals(void **state)
{
	static const double values[] = {
		0.1,   1.0 / 3, 5e-324, 2.2250738585072014e-308, 1e22, 1e23, 123456.0,
		-1e-5, M_PI,	1e100,	4503599627370496.5};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		json_t *value = json_real(values[i]), *back;
		char *text = dump(value);

		back = parse(text, strlen(text), 0, NULL);
		assert_true(json_is_real(back));
		assert_true(json_real_value(back) == values[i]);
		free(text);
		json_decref(value);
		json_decref(back);
	}
}

/* A decimal comma in the locale stays out of JSON. */
static void test_locale(void **state)
{
	static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
	json_t *value = json_pack("[f,f]", 0.5, 1e300);
	bool set = false;
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof locales / sizeof locales[0] && !set; i++)
		set = setlocale(LC_NUMERIC, locales[i]);
	text = dump(value);
	setlocale(LC_NUMERIC, "C");
	assert_string_equal(text, "[0.5,1e+300]");
	free(text);
	json_decref(value);
	if (!set)
		print_message("# no locale with a decimal comma here\n");
}

/* Around the size at which the writer changes from the stack to the heap. */
static void test_sizes(void **state)
{
	struct evbuffer *out = evbuffer_new();

	(void)state;
	for (size_t n = 4080; n < 4110; n++) {
		json_t *value = json_array();
		char *text, *big = malloc(n);
		size_t len;

		memset(big, 'x', n);
		json_array_append_new(value, json_stringn(big, n));
		text = jsonrpc_dump(value, &len);
		assert_int_equal(len, n + 4);
		assert_int_equal(strlen(text), len);
		evbuffer_add(out, "#", 1);
		assert_int_equal(jsonrpc_write(out, value), 0);
		assert_int_equal(evbuffer_get_length(out), len + 1);
		assert_memory_equal(evbuffer_pullup(out, -1) + 1, text, len);
		evbuffer_drain(out, len + 1);
		free(text);
		free(big);
		json_decref(value);
	}
	evbuffer_free(out);
}

/* A value nested without end is refused, not followed. */
static void test_bottomless(void **state)
{
	json_t *value = json_array();
	struct evbuffer *out = evbuffer_new();

	(void)state;
	for (int i = 0; i < 5000; i++) {
		json_t *outer = json_array();

		json_array_append_new(outer, value);
		value = outer;
	}
	assert_null(jsonrpc_dump(value, NULL));
	assert_int_equal(jsonrpc_write(out, value), ERR_NOMEM);
	assert_int_equal(evbuffer_get_length(out), 0);
	assert_null(jsonrpc_dump(NULL, NULL));
	evbuffer_free(out);
	json_decref(value);
}

#define REFUSED (-1)

static const struct {
	const char *text;
	int kind;
} messages[] = {
	{"{'jsonrpc':'2.0','id':1,'method':'ping'}", JSONRPC_REQUEST},
	{"{'jsonrpc':'2.0','id':'','method':'ping','params':{}}", JSONRPC_REQUEST},
	{"{'jsonrpc':'2.0','id':-5,'method':'','params':[]}", JSONRPC_REQUEST},
	{"{'jsonrpc':'2.0','method':'notifications/initialized'}", JSONRPC_NOTIFICATION},
	{"{'jsonrpc':'2.0','id':1,'result':{}}", JSONRPC_RESULT},
	{"{'jsonrpc':'2.0','id':'a','result':null,'extra':1}", JSONRPC_RESULT},
	{"{'jsonrpc':'2.0','id':1,'error':{'code':-1,'message':''}}", JSONRPC_ERROR},
	{"{'jsonrpc':'2.0','id':null,'error':{'code':1,'message':'m','data':[]}}", JSONRPC_ERROR},
	{"{'jsonrpc':'2.0','error':{'code':1,'message':'m'}}", JSONRPC_ERROR},
	{"[]", REFUSED},
	{"null", REFUSED},
	{"'jsonrpc'", REFUSED},
	{"{}", REFUSED},
	{"{'id':1,'method':'ping'}", REFUSED},
	{"{'jsonrpc':2.0,'id':1,'method':'ping'}", REFUSED},
	{"{'jsonrpc':'1.0','id':1,'method':'ping'}", REFUSED},
	{"{'jsonrpc':'2.0'}", REFUSED},
	{"{'jsonrpc':'2.0','id':1}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'method':7}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'method':null}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'method':'x','params':'p'}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'method':'x','params':null}", REFUSED},
	{"{'jsonrpc':'2.0','id':null,'method':'x'}", REFUSED},
	{"{'jsonrpc':'2.0','id':1.0,'method':'x'}", REFUSED},
	{"{'jsonrpc':'2.0','id':true,'method':'x'}", REFUSED},
	{"{'jsonrpc':'2.0','id':{},'method':'x'}", REFUSED},
	{"{'jsonrpc':'2.0','id':[1],'method':'x'}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'method':'x','result':{}}", REFUSED},
	{"{'jsonrpc':'2.0','method':'x','error':{'code':1,'message':'m'}}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'result':{},'error':{'code':1,'message':'m'}}", REFUSED},
	{"{'jsonrpc':'2.0','result':{}}", REFUSED},
	{"{'jsonrpc':'2.0','id':null,'result':{}}", REFUSED},
	{"{'jsonrpc':'2.0','id':2.5,'error':{'code':1,'message':'m'}}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'error':'no'}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'error':null}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'error':{'code':1}}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'error':{'message':'m'}}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'error':{'code':'1','message':'m'}}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'error':{'code':1.5,'message':'m'}}", REFUSED},
	{"{'jsonrpc':'2.0','id':1,'error':{'code':1,'message':null}}", REFUSED},
};

static void test_classify(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
		json_t *msg = json_of(messages[i].text);
		struct err e = {0, ""};
		enum jsonrpc_kind kind = JSONRPC_REQUEST;
		int rc = jsonrpc_classify(msg, &kind, &e);

		if (messages[i].kind == REFUSED ? rc != ERR_INVALID || e.text[0] == '\0'
						: rc != 0 || (int)kind != messages[i].kind)
			fail_msg("%s: rc %d, kind %d, \"%s\"", messages[i].text, rc, (int)kind,
				 e.text);
		json_decref(msg);
	}
	assert_int_equal(jsonrpc_classify(NULL, NULL, NULL), ERR_INVALID);
}

static void expect(json_t *msg_take, const char *want)
{
	char *text = dump(msg_take);

	assert_string_equal(text, want);
	free(text);
	json_decref(msg_take);
}

static void test_constructors(void **state)
{
	json_t *id = json_string("x"), *null = json_null();

	(void)state;
	expect(jsonrpc_request(id, "ping", NULL),
	       "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\"}");
	expect(jsonrpc_request(id, "a", json_pack("{si}", "b", 1)),
	       "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"a\",\"params\":{\"b\":1}}");
	expect(jsonrpc_notification("n", NULL), "{\"jsonrpc\":\"2.0\",\"method\":\"n\"}");
	expect(jsonrpc_result(id, NULL), "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}");
	expect(jsonrpc_result(id, json_null()),
	       "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":null}");
	expect(jsonrpc_error(id, -1, "m", json_integer(2)),
	       "{\"jsonrpc\":\"2.0\",\"id\":\"x\","
	       "\"error\":{\"code\":-1,\"message\":\"m\",\"data\":2}}");
	/* Where the id could not be read it is left out: since 2025-11-25 null is no id. */
	expect(jsonrpc_error(NULL, -1, "m", NULL),
	       "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"m\"}}");
	expect(jsonrpc_error(null, -1, "m", NULL),
	       "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"m\"}}");
	expect(jsonrpc_error(NULL, -1, "bad \xff", NULL),
	       "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"bad \\\\xff\"}}");
	assert_int_equal(id->refcount, 1);
	json_decref(id);
}

static void test_ids(void **state)
{
	json_t *ids = json_of("[1, 2, '1', '2', '', 'a', -1]"), *real = json_real(1);

	(void)state;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		for (size_t k = 0; k < json_array_size(ids); k++) {
			json_t *copy = json_deep_copy(json_array_get(ids, k));

			assert_int_equal(jsonrpc_id_equal(json_array_get(ids, i), copy), i == k);
			json_decref(copy);
		}
		assert_false(jsonrpc_id_equal(json_array_get(ids, i), NULL));
	}
	assert_false(jsonrpc_id_equal(NULL, NULL));
	assert_false(jsonrpc_id_equal(json_null(), json_null()));
	assert_false(jsonrpc_id_equal(real, real));
	json_decref(real);
	json_decref(ids);
}

/* What the n-th failing allocation leaves behind: nothing, and no half message. */
static json_t *build(int what, json_t *id)
{
	switch (what) {
	case 0:
		return jsonrpc_request(id, "m", json_pack("{}"));
	case 1:
		return jsonrpc_notification("m", json_pack("[i]", 1));
	case 2:
		return jsonrpc_result(id, NULL);
	case 3:
		return jsonrpc_error(id, 1, "m \xff", json_pack("[]"));
	case 4:
		return jsonrpc_parse("{\"a\":[1,\"x\",{}]}", 16, 5, NULL);
	default:
		return jsonrpc_parse("[18446744073709551615]", 22, 5, NULL);
	}
}

static void test_nomem(void **state)
{
	json_t *id = json_integer(1);

	(void)state;
	for (int what = 0; what < 6; what++) {
		bool hit = true;

		for (long n = 1; hit; n++) {
			json_t *msg;

			failalloc_at(n, false);
			msg = build(what, id);
			hit = failalloc_off();
			assert_true(hit || msg);
			json_decref(msg);
		}
		assert_int_equal(id->refcount, 1);
	}
	json_decref(id);
}

static void test_write_nomem(void **state)
{
	static char big[10000];
	json_t *small = json_of("{'a':1}"), *large;
	struct evbuffer *out = evbuffer_new();
	char *text;
	int rc;

	(void)state;
	memset(big, 'x', sizeof big);
	large = json_stringn(big, sizeof big);
	for (int i = 0; i < 2; i++) {
		const json_t *value = i ? large : small;

		failalloc_at(1, true);
		text = jsonrpc_dump(value, NULL);
		rc = jsonrpc_write(out, value);
		assert_true(failalloc_off());
		assert_null(text);
		assert_int_equal(rc, ERR_NOMEM);
		assert_int_equal(evbuffer_get_length(out), 0);
	}
	failalloc_at(2, true); /* the text is there, the buffer cannot take it */
	rc = jsonrpc_write(out, large);
	assert_true(failalloc_off());
	assert_int_equal(rc, ERR_NOMEM);
	evbuffer_free(out);
	json_decref(small);
	json_decref(large);
}

/* A copy is whole or none, whichever allocation fails. */
static void test_copy_nomem(void **state)
{
	json_t *all[] = {json_pack("{s:i, s:i, s:s}", "a", 1, "b", 2, "c", "d"),
			 json_pack("[i, i, i, i, i, i, i, i, i, i]", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
			 json_object(), json_array()};
	json_t *copy;

	(void)state;
	assert_null(jsonrpc_copy(NULL));
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		bool hit = true;

		for (long n = 1; hit; n++) {
			failalloc_at(n, false);
			copy = jsonrpc_copy(all[i]);
			hit = failalloc_off();
			assert_true(copy ? json_equal(copy, all[i]) : hit);
			json_decref(copy);
		}
		json_decref(all[i]);
	}
}

/* Members are replaced in a copy alone; NULL is an empty object; whatever allocation fails, the
 * value is released. */
static void test_with(void **state)
{
	json_t *object = json_pack("{s:i, s:i}", "a", 1, "b", 2), *copy, *value = json_string("x");
	char *text;

	(void)state;
	copy = jsonrpc_with(object, "a", json_incref(value));
	text = jsonrpc_dump(copy, NULL);
	assert_string_equal(text, "{\"a\":\"x\",\"b\":2}");
	free(text);
	json_decref(copy);
	assert_int_equal(json_integer_value(json_object_get(object, "a")), 1);
	copy = jsonrpc_with(NULL, "a", json_incref(value));
	assert_int_equal(json_object_size(copy), 1);
	json_decref(copy);
	assert_null(jsonrpc_with(object, "a", NULL));
	assert_null(jsonrpc_with(value, "a", json_incref(value)));
	for (long n = 1; n > 0; n++) {
		bool hit;

		failalloc_at(n, false);
		copy = jsonrpc_with(object, "c", json_incref(value));
		hit = failalloc_off();
		assert_true(copy || hit);
		json_decref(copy);
		assert_int_equal(value->refcount, 1);
		if (!hit)
			break;
	}
	json_decref(value);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_of_servers),   cmocka_unit_test(test_depth),
		cmocka_unit_test(test_cut),	     cmocka_unit_test(test_position),
		cmocka_unit_test(test_strings),	     cmocka_unit_test(test_reals),
		cmocka_unit_test(test_locale),	     cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bottomless),   cmocka_unit_test(test_classify),
		cmocka_unit_test(test_constructors), cmocka_unit_test(test_ids),
		cmocka_unit_test(test_nomem),	     cmocka_unit_test(test_write_nomem),
		cmocka_unit_test(test_copy_nomem),   cmocka_unit_test(test_with),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("jsonrpc", tests, NULL, NULL);
}
