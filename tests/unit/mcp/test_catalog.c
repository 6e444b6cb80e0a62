/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failalloc.h"
#include "mcp/catalog.h"

#define MAX_SOURCES 4

/* A catalogue under test with what it was made of. */
struct made {
	struct catalog *c;
	struct offer *offers[MAX_SOURCES];
};

/* TEXT is {"tools":[...],"prompts":[...],...,"capabilities":{},"instructions":""}; all optional. */
static struct offer *offer_of(const char *text)
{
	json_t *in = json_of(text);
	struct offer *o = offer_new(MCP_REV_2025_11_25);
	const char *instructions = json_string_value(json_object_get(in, "instructions"));

	assert_non_null(o);
	for (int k = 0; k < OFFER_KINDS; k++) {
		json_t *list = json_object_get(in, offer_list_member(k));

		if (list)
			assert_int_equal(json_array_extend(o->lists[k], list), 0);
	}
	if (json_object_get(in, "capabilities"))
		json_object_update(o->capabilities, json_object_get(in, "capabilities"));
	if (instructions)
		o->instructions = strdup(instructions);
	json_decref(in);
	return o;
}

/* NAMES and TEXTS end with NULL; a text of "" is a source that is not learnt. */
static struct made make(bool prefix, const char *const *names, const char *const *texts)
{
	struct made m = {0};
	struct catalog_source sources[MAX_SOURCES];
	size_t n = 0;

	for (; names[n] != NULL; n++) {
		m.offers[n] = texts[n][0] != '\0' ? offer_of(texts[n]) : NULL;
		sources[n] = (struct catalog_source){names[n], m.offers[n]};
	}
	m.c = catalog_new(sources, n, prefix, MCP_REV_2025_11_25);
	assert_non_null(m.c);
	return m;
}

static void done(struct made *m)
{
	catalog_free(&m->c);
	assert_null(m->c);
	for (size_t i = 0; i < MAX_SOURCES; i++)
		offer_unref(&m->offers[i]);
}

#define MAKE(prefix, names, ...)                                                                   \
	make(prefix, (const char *const[]){NAMES_##names, NULL}, (const char *const[]){__VA_ARGS__})
#define NAMES_a	  "a"
#define NAMES_ab  "a", "b"
#define NAMES_abc "a", "b", "c"

/* "SOURCE:ORIGINAL" for a visible name, or "-". */
static const char *origin(const struct made *m, enum offer_kind kind, const char *name)
{
	static char text[512];
	size_t source;
	const char *original;

	if (catalog_find(m->c, kind, name, &source, &original) < 0)
		return "-";
	snprintf(text, sizeof text, "%zu:%s", source, original);
	return text;
}

static int source_of(const struct made *m, const char *uri)
{
	size_t source;

	return catalog_find_uri(m->c, uri, &source) < 0 ? -1 : (int)source;
}

static const char *name_at(const struct made *m, enum offer_kind kind, size_t i)
{
	const char *name = json_string_value(
		json_object_get(json_array_get(catalog_list(m->c, kind), i), offer_key(kind)));

	return name ? name : "";
}

static void nothing_at_all(void **state)
{
	struct catalog *c = catalog_new(NULL, 0, true, MCP_REV_2025_11_25);
	size_t source;
	const char *original;
	json_t *value;

	(void)state;
	assert_non_null(c);
	for (int k = 0; k < OFFER_KINDS; k++)
		assert_int_equal(json_array_size(catalog_list(c, k)), 0);
	assert_int_equal(catalog_find(c, OFFER_TOOLS, "x", &source, &original), ERR_NOTFOUND);
	assert_int_equal(catalog_find_uri(c, "x", &source), ERR_NOTFOUND);
	assert_int_equal(catalog_find_template(c, "x", &source), ERR_NOTFOUND);
	assert_null(catalog_instructions(c));
	value = catalog_capabilities(c, false);
	assert_true(json_is(value, "{}"));
	json_decref(value);
	catalog_free(&c);
	catalog_free(&c);
}

static void one_source_keeps_its_names(void **state)
{
	struct made m = MAKE(false, a,
			     "{'tools':[{'name':'z/y','description':'d'},{'name':'b'}],"
			     "'prompts':[{'name':'p'}]}");

	(void)state;
	assert_true(json_is(catalog_list(m.c, OFFER_TOOLS),
			    "[{'name':'z/y','description':'d'},{'name':'b'}]"));
	assert_string_equal(origin(&m, OFFER_TOOLS, "z/y"), "0:z/y");
	assert_string_equal(origin(&m, OFFER_TOOLS, "b"), "0:b");
	assert_string_equal(origin(&m, OFFER_PROMPTS, "p"), "0:p");
	assert_string_equal(origin(&m, OFFER_PROMPTS, "b"), "-");
	assert_string_equal(origin(&m, OFFER_TOOLS, ""), "-");
	done(&m);
}

static void several_sources_are_prefixed_in_order(void **state)
{
	struct made m =
		MAKE(true, abc,
		     "{'tools':[{'title':'T','name':'echo','inputSchema':{'type':'object'}},"
		     "{'name':'add'}]}",
		     "", "{'tools':[{'name':'echo'}],'prompts':[{'name':'echo'}]}");

	(void)state;
	assert_true(json_is(catalog_list(m.c, OFFER_TOOLS),
			    "[{'title':'T','name':'a__echo','inputSchema':{'type':'object'}},"
			    "{'name':'a__add'},{'name':'c__echo'}]"));
	assert_string_equal(origin(&m, OFFER_TOOLS, "a__echo"), "0:echo");
	assert_string_equal(origin(&m, OFFER_TOOLS, "c__echo"), "2:echo");
	assert_string_equal(origin(&m, OFFER_PROMPTS, "c__echo"), "2:echo");
	assert_string_equal(origin(&m, OFFER_TOOLS, "echo"), "-");
	assert_string_equal(origin(&m, OFFER_TOOLS, "b__echo"), "-");
	/* the source's own list is as it was */
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(m.offers[0]->lists[OFFER_TOOLS], 0), "name")),
			    "echo");
	done(&m);
}

static void member_order_survives_the_prefix(void **state)
{
	struct made m = MAKE(true, a, "{'tools':[{'z':1,'name':'echo','b':2}]}");
	char *text = json_dumps(json_array_get(catalog_list(m.c, OFFER_TOOLS), 0), JSON_COMPACT);

	(void)state;
	assert_string_equal(text, "{\"z\":1,\"name\":\"a__echo\",\"b\":2}");
	free(text);
	done(&m);
}

static void assert_legal(const char *name)
{
	assert_in_range(strlen(name), 1, 64);
	assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-"),
			 strlen(name));
}

static void names_become_legal(void **state)
{
	static const char *const originals[] = {"a/b", "a b", "a_b", "\xc3\xa9", "x", ""};
	struct made m = MAKE(true, a,
			     "{'tools':[{'name':'a/b'},{'name':'a b'},{'name':'a_b'},"
			     "{'name':'\xc3\xa9'},{'name':'x'},{'name':''}]}");

	(void)state;
	assert_int_equal(json_array_size(catalog_list(m.c, OFFER_TOOLS)), 6);
	for (size_t i = 0; i < 6; i++) {
		char want[32];

		assert_legal(name_at(&m, OFFER_TOOLS, i));
		snprintf(want, sizeof want, "0:%s", originals[i]);
		assert_string_equal(origin(&m, OFFER_TOOLS, name_at(&m, OFFER_TOOLS, i)), want);
	}
	assert_string_equal(name_at(&m, OFFER_TOOLS, 2), "a__a_b");
	assert_string_equal(name_at(&m, OFFER_TOOLS, 4), "a__x");
	done(&m);
}

/* Names are remembered by clients and in their settings: what they look like must never change. */
static void changed_names_are_stable(void **state)
{
	struct made m =
		MAKE(true, a,
		     "{'tools':[{'name':'a/b'},"
		     "{'name':'0123456789012345678901234567890123456789012345678901234567890'},"
		     "{'name':'01234567890123456789012345678901234567890123456789012345678901'}"
		     "]}");

	(void)state;
	assert_string_equal(name_at(&m, OFFER_TOOLS, 0), "a__a_b_c30044a2");
	/* 64 characters fit, 65 do not */
	assert_string_equal(name_at(&m, OFFER_TOOLS, 1),
			    "a__0123456789012345678901234567890123456789012345678901234567890");
	assert_string_equal(name_at(&m, OFFER_TOOLS, 2),
			    "a__0123456789012345678901234567890123456789012345678901_d470393d");
	done(&m);
}

/* Whether a name is visible as such never depends on which other tools are there. */
static void names_do_not_depend_on_neighbours(void **state)
{
	struct made both = MAKE(true, a, "{'tools':[{'name':'x/y'},{'name':'x_y'}]}");
	struct made slash = MAKE(true, a, "{'tools':[{'name':'x/y'}]}");
	struct made under = MAKE(true, a, "{'tools':[{'name':'x_y'}]}");

	(void)state;
	assert_string_equal(name_at(&both, OFFER_TOOLS, 0), name_at(&slash, OFFER_TOOLS, 0));
	assert_string_equal(name_at(&both, OFFER_TOOLS, 1), name_at(&under, OFFER_TOOLS, 0));
	done(&both);
	done(&slash);
	done(&under);
}

static void long_names_that_differ_late(void **state)
{
	char text[1024], long_name[201];
	struct made m;

	(void)state;
	memset(long_name, 'n', 200);
	long_name[200] = '\0';
	snprintf(text, sizeof text, "{'tools':[{'name':'%s1'},{'name':'%s2'}]}", long_name,
		 long_name);
	m = MAKE(true, a, text);
	assert_int_equal(json_array_size(catalog_list(m.c, OFFER_TOOLS)), 2);
	for (size_t i = 0; i < 2; i++) {
		char want[256];

		assert_int_equal(strlen(name_at(&m, OFFER_TOOLS, i)), 64);
		assert_legal(name_at(&m, OFFER_TOOLS, i));
		snprintf(want, sizeof want, "0:%s%zu", long_name, i + 1);
		assert_string_equal(origin(&m, OFFER_TOOLS, name_at(&m, OFFER_TOOLS, i)), want);
	}
	done(&m);
}

static void names_that_come_out_the_same(void **state)
{
	static const char *const names[] = {"a", "a_", NULL};
	struct made m = make(true, names,
			     (const char *const[]){"{'tools':[{'name':'_b'},{'name':'_b','n':2}]}",
						   "{'tools':[{'name':'b'},{'name':'b','n':2}]}"});

	(void)state;
	assert_int_equal(json_array_size(catalog_list(m.c, OFFER_TOOLS)), 2);
	assert_string_equal(name_at(&m, OFFER_TOOLS, 0), "a___b");
	assert_string_equal(origin(&m, OFFER_TOOLS, "a___b"), "0:_b");
	assert_legal(name_at(&m, OFFER_TOOLS, 1));
	assert_string_equal(origin(&m, OFFER_TOOLS, name_at(&m, OFFER_TOOLS, 1)), "1:b");
	done(&m);
}

/* A tool that really is called what another would have to be called loses nobody else's calls. */
static void taken_hash_leaves_out_the_later(void **state)
{
	struct made m = MAKE(true, a, "{'tools':[{'name':'a_b_c30044a2'},{'name':'a/b'}]}");

	(void)state;
	assert_int_equal(json_array_size(catalog_list(m.c, OFFER_TOOLS)), 1);
	assert_string_equal(origin(&m, OFFER_TOOLS, "a__a_b_c30044a2"), "0:a_b_c30044a2");
	done(&m);
}

static void bad_entries_are_left_out(void **state)
{
	struct made m = MAKE(false, a,
			     "{'tools':[1,null,[],{},{'name':5},{'name':null},{'name':'ok'},"
			     "{'name':'ok','second':true},'text'],"
			     "'resources':[{'name':'no uri'},{'uri':'u:1'}],"
			     "'resourceTemplates':[{'uri':'u:1'},{'uriTemplate':'t:{x}'}]}");

	(void)state;
	assert_true(json_is(catalog_list(m.c, OFFER_TOOLS), "[{'name':'ok'}]"));
	assert_true(json_is(catalog_list(m.c, OFFER_RESOURCES), "[{'uri':'u:1'}]"));
	assert_true(json_is(catalog_list(m.c, OFFER_TEMPLATES), "[{'uriTemplate':'t:{x}'}]"));
	done(&m);
}

static void key_with_a_nul_is_left_out(void **state)
{
	struct offer *o = offer_new(MCP_REV_2025_11_25);
	struct catalog_source source = {"a", o};
	struct catalog *c;
	json_t *entry = json_object();

	(void)state;
	json_object_set_new(entry, "name", json_stringn("x\0y", 3));
	json_array_append_new(o->lists[OFFER_TOOLS], entry);
	c = catalog_new(&source, 1, true, MCP_REV_2025_11_25);
	assert_non_null(c);
	assert_int_equal(json_array_size(catalog_list(c, OFFER_TOOLS)), 0);
	catalog_free(&c);
	offer_unref(&o);
}

static void uris_stay_and_the_first_wins(void **state)
{
	struct made m =
		MAKE(true, ab, "{'resources':[{'uri':'f:///1','name':'first'},{'uri':'f:///2'}]}",
		     "{'resources':[{'uri':'f:///1','name':'second'},{'uri':'f:///3'}]}");

	(void)state;
	assert_true(json_is(catalog_list(m.c, OFFER_RESOURCES),
			    "[{'uri':'f:///1','name':'first'},{'uri':'f:///2'},{'uri':'f:///3'}]"));
	assert_int_equal(source_of(&m, "f:///1"), 0);
	assert_int_equal(source_of(&m, "f:///3"), 1);
	assert_int_equal(source_of(&m, "f:///4"), -1);
	done(&m);
}

static void uri_by_template(void **state)
{
	struct made m = MAKE(true, abc, "{'resourceTemplates':[{'uriTemplate':'x:{id}/y'}]}",
			     "{'resourceTemplates':[{'uriTemplate':'x:{+all}'}],"
			     "'resources':[{'uri':'x:1/y'}]}",
			     "{'resourceTemplates':[{'uriTemplate':'x:{id}'}]}");
	size_t source;

	(void)state;
	assert_int_equal(source_of(&m, "x:2/y"), 0); /* in the order of the list */
	assert_int_equal(source_of(&m, "x:2/z"), 1);
	assert_int_equal(source_of(&m, "x:2"), 1);
	assert_int_equal(source_of(&m, "x:1/y"), 1); /* a listed one before any template */
	assert_int_equal(source_of(&m, "y:1"), -1);
	assert_int_equal(catalog_find_template(m.c, "x:{id}", &source), 0);
	assert_int_equal(source, 2);
	assert_int_equal(catalog_find_template(m.c, "x:1/y", &source), 0);
	assert_int_equal(source, 1);
	assert_int_equal(catalog_find_template(m.c, "z:{id}", &source), ERR_NOTFOUND);
	done(&m);
}

static void unlisted_uri_goes_to_the_only_source(void **state)
{
	static const char with[] = "{'capabilities':{'resources':{}}}";
	struct made one = MAKE(true, abc, "{'capabilities':{'tools':{}}}", with, "");
	struct made two = MAKE(true, ab, with, with);
	size_t source;

	(void)state;
	assert_int_equal(source_of(&one, "any:thing"), 1);
	assert_int_equal(catalog_find_template(one.c, "any:{x}", &source), 0);
	assert_int_equal(source, 1);
	assert_int_equal(source_of(&two, "any:thing"), -1);
	done(&one);
	done(&two);
}

static void capabilities(void **state)
{
	static const struct {
		const char *a, *b;
		bool unknown;
		const char *want;
	} rows[] = {
		{"{}", "{}", false, "{}"},
		{"{}", "", true,
		 "{'tools':{'listChanged':true},'prompts':{'listChanged':true},"
		 "'resources':{'listChanged':true}}"},
		{"{'capabilities':{'tools':{}}}", "{'capabilities':{'tools':{},'logging':{}}}",
		 false, "{'tools':{'listChanged':true},'logging':{}}"},
		{"{'capabilities':{'resources':{}}}",
		 "{'capabilities':{'resources':{'subscribe':true}}}", false,
		 "{'resources':{'listChanged':true,'subscribe':true}}"},
		{"{'capabilities':{'resources':{'subscribe':false}}}", "{}", false,
		 "{'resources':{'listChanged':true}}"},
		{"{'capabilities':{'completions':{},'experimental':{'x':{}},'tasks':{}}}",
		 "{'capabilities':{'prompts':{'listChanged':false}}}", false,
		 "{'prompts':{'listChanged':true},'completions':{}}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made m = MAKE(true, ab, rows[i].a, rows[i].b);
		json_t *all = catalog_capabilities(m.c, rows[i].unknown);

		assert_true(json_is(all, rows[i].want));
		assert_int_equal(all->refcount, 1);
		json_decref(all);
		done(&m);
	}
}

static void instructions(void **state)
{
	static const struct {
		const char *a, *b, *want;
	} rows[] = {
		{"{}", "{}", NULL},
		{"{'instructions':''}", "", NULL},
		{"{'instructions':'one'}", "{}", "a:\none"},
		{"{'instructions':'one'}", "{'instructions':'two\\nlines'}",
		 "a:\none\n\nb:\ntwo\nlines"},
		{"", "{'instructions':'two'}", "b:\ntwo"},
	};
	struct made alone = MAKE(false, a, "{'instructions':'one'}");
	char *text = catalog_instructions(alone.c);

	(void)state;
	assert_string_equal(text, "one");
	free(text);
	done(&alone);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made m = MAKE(true, ab, rows[i].a, rows[i].b);

		text = catalog_instructions(m.c);
		if (!rows[i].want)
			assert_null(text);
		else
			assert_string_equal(text, rows[i].want);
		free(text);
		done(&m);
	}
}

/* A catalogue of one source with tools t0 ... without those whose letter is in LEFT_OUT. */
static struct made tools(int n, const char *left_out)
{
	struct made m = {.offers = {offer_new(MCP_REV_2025_11_25)}};
	struct catalog_source source = {"a", m.offers[0]};

	assert_non_null(m.offers[0]);
	for (int i = 0; i < n; i++) {
		char name[] = {'t', (char)('0' + i), '\0'};

		if (!strchr(left_out, name[1]))
			json_array_append_new(m.offers[0]->lists[OFFER_TOOLS],
					      json_pack("{s:s}", "name", name));
	}
	m.c = catalog_new(&source, 1, true, MCP_REV_2025_11_25);
	assert_non_null(m.c);
	return m;
}

/* The letters of the names on the page after CURSOR, then "+" where there is a next page. */
static const char *page_of(const struct made *m, const char *cursor, size_t page, json_t **next_r)
{
	static char text[64];
	json_t *result = catalog_page(m->c, OFFER_TOOLS, cursor, page, NULL);
	json_t *list = json_object_get(result, "tools");
	size_t n = json_array_size(list);

	assert_non_null(result);
	for (size_t i = 0; i < n; i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(list, i), "name"));

		text[i] = name[strlen(name) - 1];
	}
	text[n] = '\0';
	if (json_object_get(result, "nextCursor"))
		strcat(text, "+");
	assert_int_equal(json_object_size(result), strchr(text, '+') != NULL ? 2 : 1);
	if (next_r != NULL)
		*next_r = json_incref(json_object_get(result, "nextCursor"));
	json_decref(result);
	return text;
}

static void pages_of_every_size(void **state)
{
	(void)state;
	for (int n = 0; n <= 5; n++) {
		struct made m = tools(n, "");

		for (size_t page = 1; page <= 7; page++) {
			char all[16] = "";
			json_t *cursor = NULL, *next = NULL;
			int turns = 0;

			do {
				const char *text =
					page_of(&m, json_string_value(cursor), page, &next);

				assert_true(strcspn(text, "+") <= page);
				strncat(all, text, strcspn(text, "+"));
				json_decref(cursor);
				cursor = next;
				turns++;
			} while (next);
			assert_int_equal(turns, n == 0 ? 1 : (n + (int)page - 1) / (int)page);
			assert_int_equal(strlen(all), n);
			assert_true(strncmp(all, "012345", (size_t)n) == 0);
		}
		assert_int_equal(strlen(page_of(&m, NULL, 0, NULL)), n);
		done(&m);
	}
}

static void every_kind_is_paged_under_its_member(void **state)
{
	struct made m =
		MAKE(true, a,
		     "{'tools':[{'name':'1'},{'name':'2'}],'prompts':[{'name':'1'},"
		     "{'name':'2'}],'resources':[{'uri':'u:1'},{'uri':'u:2'}],"
		     "'resourceTemplates':[{'uriTemplate':'t:{1}'},{'uriTemplate':'t:{2}'}]}");

	(void)state;
	for (int k = 0; k < OFFER_KINDS; k++) {
		json_t *first = catalog_page(m.c, k, NULL, 1, NULL), *second;

		assert_non_null(first);
		second = catalog_page(
			m.c, k, json_string_value(json_object_get(first, "nextCursor")), 1, NULL);
		assert_non_null(second);
		assert_int_equal(json_array_size(json_object_get(first, offer_list_member(k))), 1);
		assert_ptr_equal(json_array_get(json_object_get(second, offer_list_member(k)), 0),
				 json_array_get(catalog_list(m.c, k), 1));
		assert_null(json_object_get(second, "nextCursor"));
		json_decref(first);
		json_decref(second);
	}
	done(&m);
}

static void cursor_survives_changes(void **state)
{
	static const struct {
		const char *left_out; /* from 0123456789, after the page 01234 was read */
		const char *want;
	} rows[] = {
		{"", "56+"},   {"0", "56+"},  {"0123", "56+"}, {"4", "56+"},	   {"5", "67+"},
		{"56789", ""}, {"45", "67+"}, {"56", "78+"},   {"0123456789", ""},
	};
	struct made before = tools(10, "");
	json_t *cursor;

	(void)state;
	assert_string_equal(page_of(&before, NULL, 5, &cursor), "01234+");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made after = tools(10, rows[i].left_out);

		assert_string_equal(page_of(&after, json_string_value(cursor), 2, NULL),
				    rows[i].want);
		done(&after);
	}
	json_decref(cursor);
	done(&before);
}

static void bad_cursors(void **state)
{
	static const char *const bad[] = {"",  "bogus",	   ":",	   ":a__t0", "-1:a__t0", " 1:a__t0",
					  "1", "+1:a__t0", "1 :x", "0x1:a",  "\xff"};
	struct made m = tools(3, "");

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err e = {0};

		assert_null(catalog_page(m.c, OFFER_TOOLS, bad[i], 2, &e));
		assert_int_equal(e.code, ERR_INVALID);
		assert_null(catalog_page(m.c, OFFER_TOOLS, bad[i], 2, NULL));
	}
	/* far behind the end is an end */
	assert_string_equal(page_of(&m, "18446744073709551615:gone", 2, NULL), "");
	assert_string_equal(page_of(&m, "99999999999999999999999:gone", 2, NULL), "");
	done(&m);
}

static void every_allocation_may_fail(void **state)
{
	struct offer *a = offer_of("{'tools':[{'name':'x'},{'name':'y'}],"
				   "'resources':[{'uri':'u:1'}],'instructions':'i',"
				   "'resourceTemplates':[{'uriTemplate':'t:{1}'}],"
				   "'capabilities':{'resources':{'subscribe':true},'tools':{}}}");
	struct catalog_source sources[] = {{"a", a}, {"b", a}};

	(void)state;
	for (int stay = 0; stay < 2; stay++) {
		bool failed = true;

		for (long n = 1; failed; n++) {
			json_t *caps = NULL, *page = NULL;
			struct err e = {0};
			struct catalog *c;

			failalloc_at(n, stay);
			c = catalog_new(sources, 2, true, MCP_REV_2025_11_25);
			if (c) {
				caps = catalog_capabilities(c, false);
				page = catalog_page(c, OFFER_TOOLS, NULL, 1, &e);
			}
			failed = failalloc_off();
			assert_true(failed || (caps != NULL && page != NULL));
			assert_true(c == NULL || page != NULL || e.code == ERR_NOMEM);
			if (caps)
				assert_true(json_is(caps,
						    "{'tools':{'listChanged':true},'resources':"
						    "{'listChanged':true,'subscribe':true}}"));
			json_decref(caps);
			json_decref(page);
			catalog_free(&c);
		}
	}
	offer_unref(&a);
}

/* Ten thousand tools: every name leads home, and pages of one entry cover the list. A search
 * through the list for each would make this hundreds of times slower than the rest of the suite
 * together. */
static void ten_thousand_tools(void **state)
{
	enum { MANY = 10000 };
	struct offer *o = offer_new(MCP_REV_2025_11_25);
	struct catalog_source source = {"backend", o};
	json_t *cursor = NULL;
	struct catalog *c;
	int seen = 0;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		char name[32];

		snprintf(name, sizeof name, "tool_number_%d", i);
		json_array_append_new(o->lists[OFFER_TOOLS], json_pack("{s:s}", "name", name));
	}
	c = catalog_new(&source, 1, true, MCP_REV_2025_11_25);
	assert_non_null(c);
	for (int i = 0; i < MANY; i++) {
		char name[64];
		const char *original;
		size_t from;

		snprintf(name, sizeof name, "backend__tool_number_%d", i);
		assert_int_equal(catalog_find(c, OFFER_TOOLS, name, &from, &original), 0);
		assert_string_equal(original, name + strlen("backend__"));
	}
	do {
		json_t *page = catalog_page(c, OFFER_TOOLS, json_string_value(cursor), 1, NULL);

		assert_non_null(page);
		seen += (int)json_array_size(json_object_get(page, "tools"));
		json_decref(cursor);
		cursor = json_incref(json_object_get(page, "nextCursor"));
		json_decref(page);
	} while (cursor);
	assert_int_equal(seen, MANY);
	catalog_free(&c);
	offer_unref(&o);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(one_source_keeps_its_names),
		cmocka_unit_test(several_sources_are_prefixed_in_order),
		cmocka_unit_test(member_order_survives_the_prefix),
		cmocka_unit_test(names_become_legal),
		cmocka_unit_test(changed_names_are_stable),
		cmocka_unit_test(names_do_not_depend_on_neighbours),
		cmocka_unit_test(long_names_that_differ_late),
		cmocka_unit_test(names_that_come_out_the_same),
		cmocka_unit_test(taken_hash_leaves_out_the_later),
		cmocka_unit_test(bad_entries_are_left_out),
		cmocka_unit_test(key_with_a_nul_is_left_out),
		cmocka_unit_test(uris_stay_and_the_first_wins),
		cmocka_unit_test(uri_by_template),
		cmocka_unit_test(unlisted_uri_goes_to_the_only_source),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(instructions),
		cmocka_unit_test(pages_of_every_size),
		cmocka_unit_test(every_kind_is_paged_under_its_member),
		cmocka_unit_test(cursor_survives_changes),
		cmocka_unit_test(bad_cursors),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(ten_thousand_tools),
	};

	failalloc_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
