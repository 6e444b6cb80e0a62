/* SPDX-License-Identifier: ISC */
/* What completion asks the daemon, and what it makes of the answers. A fake remote stands for the
 * daemon. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "cli/complete.h"

static struct daemon {
	int limit_ms; /* as remote_set_timeout() said last */
	bool gone;
	int asked_within_ms;
	const char *asked;
	const char *rows;
} fake;

void remote_set_timeout(struct remote *r, int timeout_ms)
{
	(void)r;
	fake.limit_ms = timeout_ms;
}

int remote_connect(struct remote *r, bool *again_r, struct err *e)
{
	(void)r;
	(void)again_r;
	return fake.gone ? err_set(e, ERR_NOTFOUND, "no daemon") : 0;
}

int remote_call(struct remote *r, const struct ctl_command *c, json_t *params,
		bool (*row)(json_t *row, void *arg), void *arg, json_t **answer_r, struct err *e)
{
	json_t *rows = json_of(fake.rows), *value;
	size_t i;

	(void)r;
	(void)params;
	(void)answer_r;
	(void)e;
	fake.asked = c->words;
	fake.asked_within_ms = fake.limit_ms;
	json_array_foreach (rows, i, value)
		row(value, arg);
	json_decref(rows);
	return 0;
}

static void note(const char *candidate, void *arg)
{
	strcat(arg, candidate);
	strcat(arg, "|");
}

/* The candidates for the last of WORDS (separated by blanks), with "|" behind each. */
static const char *candidates(const char *words, int timeout_ms)
{
	static char text[512];
	char copy[128], *v[8], *rest = copy;
	struct mcpctl m = {.timeout_ms = timeout_ms, .format = &output_table};
	bool files;
	size_t n = 0;

	snprintf(copy, sizeof copy, "%s", words);
	while ((v[n] = strsep(&rest, " ")))
		n++;
	text[0] = '\0';
	fake.limit_ms = timeout_ms;
	fake.asked = NULL;
	complete_words(&m, v, n, note, text, &files);
	return text;
}

static void each_kind_has_its_list(void **state)
{
	static const char *const rows[][4] = {
		{"session show ", "sessions list", "[{'id':'s1'},{'id':'s2'}]", "s1|s2|"},
		{"session close --user a", "users list", "[{'user':'al'},{'user':'bo'}]", "al|"},
		{"backend restart ", "backends list", "[{'name':'b','id':'no'}]", "b|"},
		{"tool call e", "tools list", "[{'name':'echo'},{'name':'fail'}]", "echo|"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fake.rows = rows[i][2];
		assert_string_equal(candidates(rows[i][0], 0), rows[i][3]);
		assert_string_equal(fake.asked, rows[i][1]);
	}
}

/* A name that would need quotes, or has control bytes, is not offered. */
static void only_plain_names_are_offered(void **state)
{
	(void)state;
	fake.rows = "[{'name':'a b'},{'name':'a\\u001b[1m'},{'name':'a#'},{'name':'a\\\"'},"
		    "{'name':'a\\u007f'},{'name':5},{},{'name':'a.b'}]";
	assert_string_equal(candidates("tool call a", 0), "a.b|");
}

/* Who types waits for candidates for a short time only; what is run afterwards has its own time,
 * whether the daemon answered or not. */
static void the_time_limit_is_as_before(void **state)
{
	static const int limits[] = {0, 60000};

	(void)state;
	fake.rows = "[]";
	for (size_t i = 0; i < 4; i++) {
		fake.gone = i >= 2;
		candidates("tool call ", limits[i % 2]);
		assert_int_equal(fake.limit_ms, limits[i % 2]);
		assert_int_equal(fake.asked == NULL, fake.gone);
		assert_in_range(fake.asked_within_ms, 1, 5000);
	}
	fake.gone = false;
}

/* What the table of commands says is not asked for. */
static void the_rest_needs_no_daemon(void **state)
{
	(void)state;
	fake.gone = true;
	assert_string_equal(candidates("log level w", 0), "warning|");
	assert_string_equal(candidates("sessions list --format ", 0), "table|json|kv|");
	assert_null(fake.asked);
	fake.gone = false;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_list),
		cmocka_unit_test(only_plain_names_are_offered),
		cmocka_unit_test(the_time_limit_is_as_before),
		cmocka_unit_test(the_rest_needs_no_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
