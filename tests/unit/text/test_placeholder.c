/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failalloc.h"
#include "text/placeholder.h"

static const char schema_text[] =
	"{'properties':{'s':{'type':'string'},'n':{'type':'number'},'l':{'type':'array'},"
	"'o':{'type':'object'},'d':{'default':'dflt'},'dl':{'default':['x','y']}}}";

/* The words of COMMAND (separated by spaces) with ARGUMENTS put in, joined by "|". On refusal the
 * text of the error. */
static const char *expand(const char *command, const char *arguments)
{
	static char out[4096];
	char words[256], *argv[16], **expanded = NULL, *save = NULL;
	json_t *schema = json_of(schema_text);
	json_t *args = json_loads(arguments, JSON_ALLOW_NUL, NULL);
	struct err e = {0};
	size_t n = 0;

	assert_non_null(args);
	snprintf(words, sizeof words, "%s", command);
	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
	assert_int_equal(placeholder_check(argv, schema, &e), 0);
	out[0] = '\0';
	if (placeholder_expand(argv, schema, args, &expanded, &e) == 0)
		for (char **a = expanded; *a != NULL; a++)
			snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s",
				 a != expanded ? "|" : "", *a);
	else
		snprintf(out, sizeof out, "%s", e.text);
	free(expanded);
	json_decref(args);
	json_decref(schema);
	return out;
}

static void expands(void **state)
{
	static const struct {
		const char *command, *arguments, *wanted;
	} cases[] = {
		{"ls", "{}", "ls"},
		{"ls -l {s}", "{\"s\":\"a b\"}", "ls|-l|a b"},
		{"ls {s}", "{\"s\":\"\"}", "ls|"},
		{"ls {s}", "{\"s\":\"$(id);`id` | > * \\\\ '\"}", "ls|$(id);`id` | > * \\ '"},
		{"ls {s}", "{\"s\":\"{n}\"}", "ls|{n}"}, /* no second round */
		{"ls {s} x", "{}", "ls|x"},
		{"ls {s} x", "{\"s\":null}", "ls|x"},
		{"ls {d}", "{}", "ls|dflt"},
		{"ls {d}", "{\"d\":\"own\"}", "ls|own"},
		{"ls {d} x", "{\"d\":null}", "ls|x"},
		{"ls {dl}", "{}", "ls|x|y"},
		{"ls {n} {n}", "{\"n\":-5}", "ls|-5|-5"},
		{"ls {n}", "{\"n\":1.5}", "ls|1.5"},
		{"ls {n}", "{\"n\":9007199254740993}", "ls|9007199254740993"},
		{"ls {n}", "{\"n\":true}", "ls|true"},
		{"ls {l} x", "{\"l\":[\"a\",2,false]}", "ls|a|2|false|x"},
		{"ls {l} x", "{\"l\":[]}", "ls|x"},
		{"ls {{s}} {{}} {{no}}", "{\"s\":\"x\"}", "ls|{s}|{}|{no}"},
		{"awk {{print}} {} { } {print$1} {\"n\":1}", "{}",
		 "awk|{print}|{}|{|}|{print$1}|{\"n\":1}"},
		/* An option where data was meant. */
		{"ls {s}", "{\"s\":\"-R\"}",
		 "s: must not begin with \"-\": it would be taken for an option"},
		{"ls {l}", "{\"l\":[\"a\",\"--all\"]}",
		 "l: must not begin with \"-\": it would be taken for an option"},
		{"ls {s} --", "{\"s\":\"-R\"}",
		 "s: must not begin with \"-\": it would be taken for an option"},
		{"ls -- {s} {l}", "{\"s\":\"-R\",\"l\":[\"-a\"]}", "ls|--|-R|-a"},
		/* "--" as data protects nothing. */
		{"ls {l} {s}", "{\"l\":[],\"s\":\"--\"}",
		 "s: must not begin with \"-\": it would be taken for an option"},
		{"ls {s}", "{\"s\":\"a\\u0000b\"}", "s: contains a NUL byte"},
		{"ls {o}", "{\"o\":{}}",
		 "o: only strings, numbers, booleans and arrays of them can be put into a command"},
		{"ls {l}", "{\"l\":[[1]]}",
		 "l: only strings, numbers, booleans and arrays of them can be put into a command"},
		{"ls {l}", "{\"l\":[null]}",
		 "l: only strings, numbers, booleans and arrays of them can be put into a command"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = expand(cases[i].command, cases[i].arguments);

		if (strcmp(got, cases[i].wanted) != 0)
			fail_msg("%s with %s: %s", cases[i].command, cases[i].arguments, got);
	}
}

static void checks(void **state)
{
	static const struct {
		const char *second, *wanted;
	} cases[] = {
		{"{x}",
		 "{x} is not one of inputSchema.properties (write \"{{x}}\" for the plain text)"},
		{"--dir={s}",
		 "\"--dir={s}\": a placeholder is a whole element; make {s} one of its own"},
		{"a{b{n}", "\"a{b{n}\": a placeholder is a whole element; make {n} one of its own"},
		{"a{x}", NULL},
		{"{{x}}", NULL},
		{"{}", NULL},
		{"{", NULL},
		{"", NULL},
	};
	json_t *schema = json_of(schema_text);
	char ls[] = "ls", placeholder[] = "{s}";
	char *program[] = {placeholder, NULL};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *second = strdup(cases[i].second);
		char *command[] = {ls, second, NULL};
		int rc = placeholder_check(command, schema, &e);

		free(second);
		assert_int_equal(rc, cases[i].wanted != NULL ? ERR_INVALID : 0);
		if (cases[i].wanted)
			assert_string_equal(e.text, cases[i].wanted);
	}
	assert_int_equal(placeholder_check(program, schema, &e), ERR_INVALID);
	assert_string_equal(e.text, "the program itself cannot be a placeholder");
	json_decref(schema);
}

static void limits(void **state)
{
	json_t *schema = json_of(schema_text), *args;
	char ls[] = "ls", string[] = "{s}", list[] = "{l}";
	char *command[] = {ls, string, list, NULL}, **argv = NULL, *text = malloc(131073);
	struct err e = {0};

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 131072);
	text[131072] = '\0';
	args = json_pack("{s:s}", "s", text);
	assert_int_equal(placeholder_expand(command, schema, args, &argv, &e), ERR_LIMIT);
	assert_null(argv);
	json_decref(args);
	text[131071] = '\0';
	args = json_pack("{s:s}", "s", text);
	assert_int_equal(placeholder_expand(command, schema, args, &argv, &e), 0);
	assert_int_equal(strlen(argv[1]), 131071);
	free(argv);
	json_decref(args);
	args = json_pack("{s:[]}", "l");
	for (int i = 0; i < 5000; i++)
		json_array_append_new(json_object_get(args, "l"), json_integer(i));
	assert_int_equal(placeholder_expand(command, schema, args, &argv, &e), ERR_LIMIT);
	json_decref(args);
	json_decref(schema);
	free(text);
}

static void no_memory(void **state)
{
	json_t *schema = json_of(schema_text), *args = json_of("{'s':'x','l':[1,2.5]}");
	char ls[] = "ls", string[] = "{s}", list[] = "{l}";
	char *command[] = {ls, string, list, NULL}, **argv = NULL;
	long n;

	(void)state;
	for (n = 1; n < 100; n++) {
		struct err e = {0};
		int rc;

		failalloc_at(n, false);
		rc = placeholder_expand(command, schema, args, &argv, &e);
		if (!failalloc_off())
			break;
		if (rc == 0) /* jansson prints numbers without the heap where it can */
			free(argv);
		else
			assert_int_equal(rc, ERR_NOMEM);
	}
	assert_true(n > 2);
	free(argv);
	json_decref(args);
	json_decref(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expands),
		cmocka_unit_test(checks),
		cmocka_unit_test(limits),
		cmocka_unit_test(no_memory),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("placeholder", tests, NULL, NULL);
}
