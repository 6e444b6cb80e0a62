/* SPDX-License-Identifier: ISC */
/* What web endpoints say, as tools and as results; URLs; every allocation that fails on the way. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/web_result.h"
#include "backend/web_tools.h"
#include "failalloc.h"
#include "http/fetch.h"
#include "mcp/offer.h"
#include "text/schema.h"

/* TEXT with ' for ", in a buffer of its own. */
static const char *quoted(const char *text)
{
	static char buf[2000];

	snprintf(buf, sizeof buf, "%s", text);
	for (char *p = buf; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	return buf;
}

static int add(struct web_tools *t, const char *page, char **cursor, struct err *e)
{
	const char *text = quoted(page);

	return web_tools_add(t, text, strlen(text), 8, cursor, e);
}

static void pages_become_one_list(void **state)
{
	struct web_tools *t = web_tools_new();
	struct offer *o;
	struct err e;
	char *cursor;

	(void)state;
	assert_non_null(t);
	assert_int_equal(add(t,
			     "{'tools':[{'name':'a'},{'name':'b','inputSchema':{'type':'object',"
			     "'required':['x']}}],'nextCursor':'2'}",
			     &cursor, &e),
			 0);
	assert_string_equal(cursor, "2");
	free(cursor);
	assert_string_equal(web_tools_complaint(t), "");
	assert_int_equal(add(t,
			     "{'tools':[{'name':'a'},{},7,{'name':'c','inputSchema':[]},"
			     "{'name':'d','inputSchema':{'type':'object','oneOf':[]}}]}",
			     &cursor, &e),
			 0);
	assert_null(cursor);
	assert_string_equal(web_tools_complaint(t), "a second tool a is left out");
	o = web_tools_offer(t, "w");
	assert_non_null(o);
	assert_int_equal(json_array_size(o->lists[OFFER_TOOLS]), 3);
	assert_true(json_is(json_array_get(o->lists[OFFER_TOOLS], 0),
			    "{'name':'a','inputSchema':{'type':'object'}}"));
	offer_unref(&o);
	web_tools_free(&t);
}

static void what_is_no_page_is_refused(void **state)
{
	static const struct {
		const char *page;
		int code;
	} table[] = {
		{"", ERR_PARSE},
		{"<html>", ERR_PARSE},
		{"[]", ERR_PROTOCOL},
		{"{}", ERR_PROTOCOL},
		{"{'tools':{}}", ERR_PROTOCOL},
		{"{'tools':[[[[[[[[[[]]]]]]]]]]}", ERR_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct web_tools *t = web_tools_new();
		char *cursor;
		struct err e;

		assert_int_equal(add(t, table[i].page, &cursor, &e), table[i].code);
		assert_null(cursor);
		web_tools_free(&t);
	}
}

static void arguments_are_checked_where_that_is_possible(void **state)
{
	struct web_tools *t = web_tools_new();
	json_t *good = json_of("{'x':1}"), *bad = json_of("{'x':'y'}"), *none = json_of("[]");
	struct err e;
	char *cursor;

	(void)state;
	assert_int_equal(
		add(t,
		    "{'tools':[{'name':'a','inputSchema':{'type':'object','properties':{'x':"
		    "{'type':'integer'}}}},{'name':'b','inputSchema':{'type':'object','not':{}}}]}",
		    &cursor, &e),
		0);
	assert_int_equal(web_tools_check(t, "a", good, &e), 0);
	assert_int_equal(web_tools_check(t, "a", bad, &e), ERR_INVALID);
	assert_int_equal(web_tools_check(t, "b", bad, &e), 0);
	assert_int_equal(web_tools_check(t, "b", none, &e), ERR_INVALID);
	json_decref(good);
	json_decref(bad);
	json_decref(none);
	web_tools_free(&t);
}

/* One page that lists TOOLS tools, each with a pattern that takes some KiB once compiled. */
static char *patterns_page(unsigned tools, const char *pattern)
{
	char *page = NULL;
	size_t len;
	FILE *f = open_memstream(&page, &len);

	assert_non_null(f);
	fputs("{'tools':[", f);
	for (unsigned i = 0; i < tools; i++)
		fprintf(f,
			"%s{'name':'t%u','inputSchema':{'type':'object','properties':{'x':{'"
			"pattern':"
			"'%s'}}}}",
			i > 0 ? "," : "", i, pattern);
	fputs("]}", f);
	fclose(f);
	for (char *p = page; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	return page;
}

static size_t listed(const char *page, char *complaint, size_t size)
{
	struct web_tools *t = web_tools_new();
	struct offer *o;
	struct err e;
	char *cursor;
	size_t n;

	assert_int_equal(web_tools_add(t, page, strlen(page), 8, &cursor, &e), 0);
	o = web_tools_offer(t, "w");
	n = json_array_size(o->lists[OFFER_TOOLS]);
	snprintf(complaint, size, "%s", web_tools_complaint(t));
	offer_unref(&o);
	web_tools_free(&t);
	return n;
}

/* Compiling is limited for each pattern, and for all patterns of a list together. */
static void tools_with_patterns_that_cost_too_much_are_left_out(void **state)
{
	char *page = patterns_page(20, "^.{0,9990}$"), complaint[512];

	(void)state;
	assert_int_equal(listed(page, complaint, sizeof complaint), 20);
	free(page);
	page = patterns_page(2, "^((((ab){1,99}){1,99}){1,99})$");
	assert_int_equal(listed(page, complaint, sizeof complaint), 0);
	assert_non_null(
		strstr(complaint, "tool t0 is left out: inputSchema.properties.x.pattern: "));
	free(page);
	page = patterns_page(1000, "^(ab){1,600}$");
	assert_in_range(listed(page, complaint, sizeof complaint), 16, 200);
	assert_non_null(strstr(complaint, "pattern: there are too many patterns before it"));
	free(page);
	page = patterns_page(5000, "^[a-z]+$");
	assert_int_equal(listed(page, complaint, sizeof complaint), 5000);
	assert_string_equal(complaint, "");
	free(page);
}

static json_t *result(const char *entry, int status, const char *type, const char *body)
{
	const char *text = quoted(body);
	const struct fetch_answer a = {
		.status = status, .type = type, .body = text, .len = strlen(text)};
	json_t *tool = json_of(entry), *promise = json_object_get(tool, "outputSchema"), *r;
	struct schema *output = NULL;

	if (promise)
		schema_new(promise, NULL, &output, NULL);
	r = web_result(tool, output, &a, 8);
	schema_unref(&output);
	json_decref(tool);
	return r;
}

static void an_answer_becomes_a_result(void **state)
{
	static const char plain[] = "{'name':'t'}";
	static const char promise[] =
		"{'name':'t','outputSchema':{'type':'object','required':['a']}}";
	static const struct {
		const char *entry;
		int status;
		const char *type, *body, *result;
	} table[] = {
		{plain, 200, "application/json", "{'a':1}",
		 "{'content':[{'type':'text','text':'{\\\"a\\\":1}'}]}"},
		{promise, 200, "application/json; charset=utf-8", "{'content':[]}",
		 "{'content':[]}"},
		{plain, 200, "application/json", "{'content':[{}]}",
		 "{'content':[{'type':'text','text':'{\\\"content\\\":[{}]}'}]}"},
		{plain, 200, "text/plain", "x\377y",
		 "{'content':[{'type':'text','text':'x\357\277\275y'}]}"},
		{plain, 204, "", "", "{'content':[]}"},
		{promise, 200, "application/json", "{}",
		 "{'content':[{'type':'text','text':'t: the answer is not what was promised: a: "
		 "is missing'}],'isError':true}"},
		{promise, 200, "application/json", "7",
		 "{'content':[{'type':'text','text':'t: the answer is not what was promised: it is "
		 "not a JSON object'}],'isError':true}"},
		{plain, 404, "application/problem+json", "{'title':'a','detail':'b'}",
		 "{'content':[{'type':'text','text':'t: the web endpoint answered HTTP 404: b'}],"
		 "'isError':true}"},
		{plain, 500, "application/json", "{'error':{'message':'m'}}",
		 "{'content':[{'type':'text','text':'t: the web endpoint answered HTTP 500: m'}],"
		 "'isError':true}"},
		{plain, 500, "application/json", "{'error':",
		 "{'content':[{'type':'text','text':'t: the web endpoint answered HTTP 500'}],"
		 "'isError':true}"},
		{plain, 500, "application/json", "{'content':[{'type':'text','text':'x'}]}",
		 "{'content':[{'type':'text','text':'x'}],'isError':true}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		json_t *r = result(table[i].entry, table[i].status, table[i].type, table[i].body);

		assert_true(json_is(r, table[i].result));
		json_decref(r);
	}
}

/* Reads a page, checks arguments, makes an offer and a result; whether all of that worked. */
static bool everything(json_t *tool, json_t *arguments)
{
	static const char page[] = "{\"tools\":[{\"name\":\"a\"},{\"name\":\"b\",\"inputSchema\":"
				   "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":"
				   "\"string\",\"pattern\":\"^a\"}}}}],\"nextCursor\":\"c\"}";
	static const char *const bodies[] = {"{\"sum\":1}", "[1,2]", "\"text\"",
					     "{\"error\":{\"message\":\"m\"}}"};
	struct web_tools *t = web_tools_new();
	struct offer *o = NULL;
	char *cursor = NULL;
	struct err e;
	bool good = t && web_tools_add(t, page, strlen(page), 8, &cursor, &e) == 0;

	good = good && web_tools_check(t, "b", arguments, &e) == 0;
	if (good)
		o = web_tools_offer(t, "w");
	good = good && o;
	offer_unref(&o);
	free(cursor);
	web_tools_free(&t);
	for (size_t i = 0; i < 4; i++) {
		struct fetch_answer a = {.status = i < 3 ? 200 : 500,
					 .type = "application/json",
					 .body = bodies[i],
					 .len = strlen(bodies[i])};
		json_t *r = web_result(tool, NULL, &a, 8);

		good = good && r;
		json_decref(r);
	}
	return good;
}

static void it_survives_every_allocation_that_fails(void **state)
{
	json_t *tool = json_of("{'name':'t','outputSchema':{'type':'object'}}");
	json_t *arguments = json_of("{'x':'abc'}");
	bool failing = true, good = false;

	(void)state;
	for (long n = 1; failing; n++) {
		failalloc_at(n, false);
		good = everything(tool, arguments);
		failing = failalloc_off();
	}
	assert_true(good);
	json_decref(tool);
	json_decref(arguments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_become_one_list),
		cmocka_unit_test(what_is_no_page_is_refused),
		cmocka_unit_test(arguments_are_checked_where_that_is_possible),
		cmocka_unit_test(tools_with_patterns_that_cost_too_much_are_left_out),
		cmocka_unit_test(an_answer_becomes_a_result),
		cmocka_unit_test(it_survives_every_allocation_that_fails),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
