/* SPDX-License-Identifier: ISC */
/* The table of control commands: what it promises to those who read it. */
#include "support.h"

#include <ctype.h>
#include <string.h>

#include "lib/ctlspec.h"

static void each_method_is_found(void **state)
{
	char method[64];
	size_t n = 0;

	(void)state;
	for (const struct ctl_command *c = ctlspec_commands; c->words; c++, n++) {
		ctlspec_method(c, method, sizeof method);
		assert_null(strchr(method, ' '));
		assert_ptr_equal(ctlspec_find(method), c->flags & CTL_LOCAL ? NULL : c);
		for (const struct ctl_command *d = ctlspec_commands; d < c; d++)
			assert_string_not_equal(c->words, d->words);
	}
	assert_true(n > 10);
}

static void only_whole_methods_are_found(void **state)
{
	static const char *const wrong[] = {
		"",
		"sessions",
		"sessions.",
		"sessions list",
		"sessions.list ",
		"SESSIONS.LIST",
		"sessions.lis",
		"sessions.listx",
		"help",
		"complete",
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_null(ctlspec_find(wrong[i]));
}

/* Default deny: what the daemon serves has a level, what it does not has none. */
static void levels_are_given(void **state)
{
	(void)state;
	for (const struct ctl_command *c = ctlspec_commands; c->words; c++)
		assert_int_equal(c->level == CTL_NOBODY, (c->flags & CTL_LOCAL) != 0);
	assert_int_equal(ctlspec_find("sessions.list")->level, CTL_READ);
	assert_int_equal(ctlspec_find("session.close")->level, CTL_ADMIN);
	assert_int_equal(ctlspec_find("tool.call")->level, CTL_ADMIN);
	assert_int_equal(ctlspec_find("shutdown")->level, CTL_ADMIN);
}

static void columns_are_sound(void **state)
{
	(void)state;
	for (const struct ctl_command *c = ctlspec_commands; c->words; c++) {
		bool rows = c->shape == CTL_ROWS || c->shape == CTL_FOLLOW;

		assert_true(islower((unsigned char)c->summary[0]));
		assert_true(!rows || c->columns);
		for (const struct ctl_column *a = c->columns; a && a->key; a++) {
			assert_non_null(a->title);
			if (a->type == CTL_COL_DURATION || a->type == CTL_COL_TIME)
				assert_string_equal(a->key + strlen(a->key) - 3, "_ms");
			for (const struct ctl_column *b = c->columns; b < a; b++)
				assert_string_not_equal(a->key, b->key);
		}
	}
}

/* What the parser relies on: "many" comes last, what may be left out after what may not. */
static void parameters_are_sound(void **state)
{
	(void)state;
	for (const struct ctl_command *c = ctlspec_commands; c->words; c++) {
		bool optional = false, many = false;

		for (const struct ctl_param *p = c->params; p && p->name; p++) {
			assert_non_null(p->help);
			assert_true(p->label || p->type == CTL_FLAG);
			if (p->flags & CTL_OPTION)
				continue;
			assert_false(many);
			assert_true(!optional || p->flags & CTL_OPTIONAL);
			many = p->flags & CTL_MANY;
			optional = p->flags & CTL_OPTIONAL;
		}
	}
}

static void usage_is_told(void **state)
{
	static const char *const rows[][2] = {
		{"sessions.list", "sessions list [--dormant]"},
		{"session.show", "session show ID"},
		{"session.close", "session close ID... | --all | --user USER"},
		{"tool.call", "tool call NAME [JSON]"},
		{"log.follow", "log follow [--all]"},
	};
	char usage[256];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(ctlspec_usage(ctlspec_find(rows[i][0]), usage, sizeof usage),
				    rows[i][1]);
	assert_string_equal(ctlspec_usage(ctlspec_find("session.close"), usage, 9), "session ");
}

static void parameters_are_checked(void **state)
{
	static const struct {
		const char *method, *params, *complaint; /* NULL: good */
	} rows[] = {
		{"sessions.list", "{}", NULL},
		{"sessions.list", "{'x':1}", "unknown parameter \"x\""},
		{"sessions.list", "[]", "params must be an object"},
		{"session.show", "{'id':'ab'}", NULL},
		{"session.show", "{}", "ID is missing; usage: session show ID"},
		{"session.show", "{'id':''}", "id: expected a string that is not empty"},
		{"session.show", "{'id':7}", "id: expected a string that is not empty"},
		{"session.show", "{'id':['ab']}", "id: expected a string that is not empty"},
		{"session.close", "{'ids':['a','b']}", NULL},
		{"session.close", "{'all':true}", NULL},
		{"session.close", "{'user':'u'}", NULL},
		{"session.close", "{}",
		 "which ones?; usage: session close ID... | --all | --user USER"},
		{"session.close", "{'all':true,'user':'u'}",
		 "these exclude each other; usage: session close ID... | --all | --user USER"},
		{"session.close", "{'all':false}", "all: only true"},
		{"session.close", "{'ids':[]}", "ids: expected an array of strings"},
		{"session.close", "{'ids':'a'}", "ids: expected an array of strings"},
		{"session.close", "{'ids':['a','']}", "ids[1]: expected a string"},
		{"session.close", "{'user':''}", "user: expected a string that is not empty"},
		{"tool.call", "{'name':'t'}", NULL},
		{"tool.call", "{'name':'t','arguments':{'a':[1]}}", NULL},
		{"tool.call", "{'name':'t','arguments':[]}", "arguments: expected an object"},
		{"log.level", "{'level':'debug'}", NULL},
		{"log.level", "{'level':'loud'}",
		 "level: expected error, warning, notice, info or debug"},
	};
	json_t *nul = json_pack("{s:s%}", "id", "a\0b", (size_t)3);
	struct err e;

	(void)state;
	assert_int_equal(ctlspec_check(ctlspec_find("session.show"), nul, &e), ERR_INVALID);
	json_decref(nul);
	assert_int_equal(ctlspec_check(ctlspec_find("counts"), NULL, &e), 0);
	assert_int_equal(ctlspec_check(ctlspec_find("session.show"), NULL, &e), ERR_INVALID);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *params = json_of(rows[i].params);
		int rc = ctlspec_check(ctlspec_find(rows[i].method), params, &e);

		assert_int_equal(rc, rows[i].complaint ? ERR_INVALID : 0);
		if (rows[i].complaint)
			assert_string_equal(e.text, rows[i].complaint);
		json_decref(params);
	}
}

static void words_are_stable(void **state)
{
	static const char *const reasons[] = {
		"denied", "notfound",	 "ambiguous", "invalid",
		"limit",  "unavailable", "cancelled", "internal",
	};

	(void)state;
	for (int i = 0; i <= CTL_INTERNAL; i++) {
		assert_string_equal(ctlspec_reason_name((enum ctl_reason)i), reasons[i]);
		for (int k = 0; k < i; k++)
			assert_int_not_equal(ctlspec_reason_code((enum ctl_reason)i),
					     ctlspec_reason_code((enum ctl_reason)k));
	}
	assert_int_equal(ctlspec_level_parse("read"), CTL_READ);
	assert_int_equal(ctlspec_level_parse("admin"), CTL_ADMIN);
	assert_int_equal(ctlspec_level_parse("none"), CTL_NOBODY);
	assert_int_equal(ctlspec_level_parse("root"), CTL_NOBODY);
	assert_int_equal(ctlspec_level_parse(NULL), CTL_NOBODY);
	assert_string_equal(ctlspec_level_name(CTL_ADMIN), "admin");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_method_is_found),
		cmocka_unit_test(only_whole_methods_are_found),
		cmocka_unit_test(levels_are_given),
		cmocka_unit_test(columns_are_sound),
		cmocka_unit_test(parameters_are_sound),
		cmocka_unit_test(usage_is_told),
		cmocka_unit_test(parameters_are_checked),
		cmocka_unit_test(words_are_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
