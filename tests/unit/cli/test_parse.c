/* SPDX-License-Identifier: ISC */
/* How mcpctl understands what is typed: words, commands, abbreviations, parameters, candidates. */
#include "support.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complete.h"
#include "cli/history.h"
#include "cli/parse.h"
#include "cli/words.h"
#include "failalloc.h"

/* The words with "|" between them; after "!" where something is not closed. */
static const char *split(const char *line, bool open)
{
	static char text[512];
	struct words w;
	struct err e;
	int rc = open ? words_split_open(line, &w) : words_split(line, &w, &e);

	strcpy(text, rc == ERR_PARSE ? "!" : "");
	for (size_t i = 0; i < w.n; i++) {
		strcat(text, i > 0 ? "|" : "");
		strcat(text, w.v[i]);
	}
	assert_null(w.n > 0 ? w.v[w.n] : NULL);
	words_free(&w);
	return text;
}

static void lines_become_words(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"  \t ", ""},
		{"sessions list\n", "sessions|list"},
		{"  a  b\tc\r\n", "a|b|c"},
		{"a 'b c' d", "a|b c|d"},
		{"a \"b \\\" c\"d e", "a|b \" cd|e"},
		{"a '' \"\"", "a||"},
		{"a\\ b \\'", "a b|'"},
		{"a # b", "a"},
		{"# b", ""},
		{"a#b", "a#b"},
		{"a '# b'", "a|# b"},
		{"a 'b", "!a|b"},
		{"a \"b", "!a|b"},
		{"a \\", "a|\\"},
		{"t {\"a\": \"b } c\", \"d\": [1, 2]} e", "t|{\"a\": \"b } c\", \"d\": [1, 2]}|e"},
		{"t {\"a\\\"\": 1}", "t|{\"a\\\"\": 1}"},
		{"t [1, [2]]", "t|[1, [2]]"},
		{"t {\"a\": {}", "!t|{\"a\": {}"},
		{"t {\"a", "!t|{\"a"},
		{"t x{1 2}", "t|x{1|2}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(split(rows[i][0], false), rows[i][1]);
}

static void the_last_word_is_open(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"a", "a"},
		{"a ", "a|"},
		{"a b", "a|b"},
		{"a 'b", "!a|b"},
		{"a 'b'", "a|b"},
		{"a {\"x\": ", "!a|{\"x\": "},
		{"# a", "!"},
		{"a # ", "!a"},
		{"a #", "!a"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(split(rows[i][0], true), rows[i][1]);
}

/* "WORDS PARAMS" of what LINE means, or the complaint. */
static const char *parse(const char *line)
{
	static char text[1024];
	struct words words;
	struct walk w;
	struct err e = {0};
	int rc;

	assert_int_equal(words_split(line, &words, &e), 0);
	rc = walk_init(&w, &e);
	for (size_t i = 0; rc == 0 && i < words.n; i++)
		rc = walk_word(&w, words.v[i], &e);
	if (rc == 0)
		rc = walk_end(&w, &e);
	if (rc == 0) {
		char *params = json_dumps(w.params, JSON_COMPACT);

		snprintf(text, sizeof text, "%s%s %s%s%s", w.help ? "help:" : "",
			 w.command ? w.command->words : "?", params, w.format ? " " : "",
			 w.format ? w.format->name : "");
		free(params);
	} else {
		assert_true(rc == ERR_INVALID || rc == ERR_PARSE);
		snprintf(text, sizeof text, "%s%s", rc == ERR_PARSE ? "data: " : "", e.text);
	}
	walk_fini(&w);
	words_free(&words);
	return text;
}

static void commands_are_understood(void **state)
{
	static const char *const rows[][2] = {
		/* whole and abbreviated */
		{"sessions list", "sessions list {}"},
		{"ses l", "sessions list {}"},
		{"session l", "sessions list {}"},
		{"s l", "sessions list {}"},
		{"session s ab", "session show {\"id\":\"ab\"}"},
		{"b r x", "backend restart {\"name\":\"x\"}"},
		{"b l", "backends list {}"},
		{"st", "status {}"},
		{"log l debug", "log level {\"level\":\"debug\"}"},
		/* not understood */
		{"", "no command"},
		{"nope", "unknown command \"nope\"; try help"},
		{"s", "which one: sessions list, session show, session close, status?"},
		{"session", "which one: sessions list, session show, session close?"},
		{"l", "which one: log follow, log level?"},
		{"session foo",
		 "unknown command \"session foo\"; \"session\" goes on with: list, show, close"},
		{"c", "which one: counts, config check?"},
		/* what ends the daemon takes no abbreviation */
		{"sh", "unknown command \"sh\"; try help"},
		{"shutdow", "unknown command \"shutdow\"; try help"},
		{"shutdown", "shutdown {}"},
		{"comp", "unknown command \"comp\"; try help"},
		/* parameters */
		{"session show", "ID is missing; usage: session show ID"},
		{"session show a b", "\"b\" is too much; usage: session show ID"},
		{"counts x", "\"x\" is too much; usage: counts"},
		{"session close a b", "session close {\"ids\":[\"a\",\"b\"]}"},
		{"session close --all", "session close {\"all\":true}"},
		{"session close --user joe", "session close {\"user\":\"joe\"}"},
		{"session close --user=joe", "session close {\"user\":\"joe\"}"},
		{"session close --user", "--user: USER is missing"},
		{"session close --all=1", "--all takes no value"},
		{"session close --all a",
		 "these exclude each other; usage: session close ID... | --all | --user USER"},
		{"session close --al", "unknown option \"--al\""},
		{"--all session close", "unknown option \"--all\""},
		{"session close -- --all", "session close {\"ids\":[\"--all\"]}"},
		{"log level loud", "level: expected error, warning, notice, info or debug"},
		{"tool call t", "tool call {\"name\":\"t\"}"},
		{"tool call t {\"a\": 1}", "tool call {\"name\":\"t\",\"arguments\":{\"a\":1}}"},
		{"tool call t '{\"a\":1}'", "tool call {\"name\":\"t\",\"arguments\":{\"a\":1}}"},
		{"tool call t [1]", "data: JSON: expected a JSON object"},
		{"tool call t '{a}'", "data: JSON: string or '}' expected near 'a'"},
		{"tool call t '{\"a\":1,\"a\":2}'",
		 "data: JSON: duplicate object key near '\"a\"'"},
		{"session show 'a\xff'", "ID: not valid UTF-8"},
		/* options of every command */
		{"counts --json", "counts {} json"},
		{"--json counts", "counts {} json"},
		{"counts --format kv", "counts {} kv"},
		{"counts --format=table", "counts {} table"},
		{"counts --format xml", "--format: table, json or kv"},
		{"counts --format", "--format: table, json or kv"},
		{"counts --help", "help:counts {}"},
		{"session -h", "help:? {}"},
		{"session show -h", "help:session show {}"},
		{"help session show", "help {\"command\":[\"session\",\"show\"]}"},
		{"help", "help {}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(parse(rows[i][0]), rows[i][1]);
}

/* Every command is found by its own name, and by every beginning of its words that says "which one"
 * or the same. */
static void every_abbreviation_is_safe(void **state)
{
	struct walk w;
	struct err e;

	(void)state;
	for (const struct ctl_command *c = ctlspec_commands; c->words; c++) {
		char typed[64], *word, *rest;

		for (size_t cut = strlen(c->words); cut > 0; cut--) {
			snprintf(typed, sizeof typed, "%.*s", (int)cut, c->words);
			assert_int_equal(walk_init(&w, &e), 0);
			rest = typed;
			while ((word = strsep(&rest, " ")) && *word && !w.command)
				if (walk_word(&w, word, &e) < 0)
					break;
			if (cut == strlen(c->words))
				assert_ptr_equal(w.command, c);
			else if (w.command && w.command != c)
				assert_true(strncmp(w.command->words, c->words, cut) == 0);
			if (c->flags & CTL_WHOLE && cut < strlen(c->words))
				assert_ptr_not_equal(w.command, c);
			walk_fini(&w);
		}
	}
}

static void standard_input_is_asked_for(void **state)
{
	char *words[] = {(char[]){"tool"}, (char[]){"call"}, (char[]){"t"}, (char[]){"-"}};
	struct walk w;
	struct err e;

	(void)state;
	assert_int_equal(walk_init(&w, &e), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(walk_word(&w, words[i], &e), 0);
	assert_int_equal(walk_end(&w, &e), 0);
	assert_string_equal(w.from_stdin->name, "arguments");
	walk_fini(&w);
}

static void a_secret_is_no_word(void **state)
{
	char *words[] = {(char[]){"user"}, (char[]){"secret"}, (char[]){"set"}, (char[]){"alice"},
			 (char[]){"files"}};
	char usage[100];
	struct walk w;
	struct err e;

	(void)state;
	assert_int_equal(walk_init(&w, &e), 0);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(walk_word(&w, words[i], &e), 0);
	assert_int_equal(walk_end(&w, &e), 0);
	assert_string_equal(w.secret->name, "secret");
	assert_string_equal(ctlspec_usage(w.command, usage, sizeof usage),
			    "user secret set USER BACKEND");
	assert_int_equal(walk_word(&w, "hunter2", &e), ERR_INVALID);
	walk_fini(&w);
}

static void add_candidate(const char *candidate, void *arg)
{
	strcat(arg, strlen(arg) > 0 ? " " : "");
	strcat(arg, candidate);
}

/* What could stand in the place of the last word of LINE. No daemon answers. */
static const char *candidates(const char *line)
{
	static char text[1024];
	struct mcpctl m = {.remote = remote_new("/nonexistent/socket"), .format = &output_table};
	struct words w;
	bool files;

	text[0] = '\0';
	assert_int_equal(words_split_open(line, &w), 0);
	complete_words(&m, w.v, w.n, add_candidate, text, &files);
	if (files)
		strcat(text, "<files>");
	words_free(&w);
	remote_free(&m.remote);
	return text;
}

static void words_are_completed(void **state)
{
	static const char *const rows[][2] = {
		{"",
		 "sessions session users user counts status backends backend tools tool log config "
		 "shutdown help version"},
		{"se", "sessions session"},
		{"session ", "list show close"},
		{"session s", "show"},
		{"sessions ", "list"},
		{"ses c", "close"},
		{"nope ", ""},
		{"co", "counts config"},
		{"session close ", ""}, /* no daemon: no ids */
		{"session close -", "--all --user --json --format --help"},
		{"session close --all -", "--user --json --format --help"},
		{"session close --user ", ""},
		{"session close -- -", ""},
		{"log level ", "error warning notice info debug"},
		{"log level w", "warning"},
		{"log follow ", ""},
		{"log follow --", "--all --json --format --help"},
		{"counts --format ", "table json kv"},
		{"counts --format j", "json"},
		{"config check ", "<files>"},
		{"help ",
		 "sessions session users user counts status backends backend tools tool log config "
		 "shutdown help version"},
		{"help session c", "close"},
		{"help session close ", ""},
		{"counts x ", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(candidates(rows[i][0]), rows[i][1]);
}

static bool secret(const char *line)
{
	struct words w;
	struct err e;
	bool answer;

	words_split(line, &w, &e);
	answer = history_is_secret(w.v, w.n);
	words_free(&w);
	return answer;
}

static void secrets_are_not_kept(void **state)
{
	(void)state;
	assert_true(secret("tool call x {\"password\": \"p\"}"));
	assert_true(secret("tool c x"));
	assert_true(secret("tool call x {bad"));
	assert_true(secret("tool call --nope x"));
	assert_true(secret("tol call x {}")); /* mistyped: who knows what it was */
	assert_true(secret("p4ssw0rd"));
	assert_false(secret("sessions list"));
	assert_false(secret("session close --nope"));
	assert_false(secret("ses l"));
}

/* Without memory there are no words, wherever it is missing, and nothing is lost. */
static void words_without_memory(void **state)
{
	static const char *const lines[] = {"", "a", "a 'b c' ", "a {\"b\": [1]} #"};
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof lines / sizeof *lines; i++) {
		struct words w;
		struct err e;
		bool failing = true;

		for (long n = 1; failing; n++) {
			int rc;

			failalloc_at(n, false);
			rc = i % 2 ? words_split_open(lines[i / 2], &w)
				   : words_split(lines[i / 2], &w, &e);
			failing = failalloc_off();
			assert_int_equal(rc == ERR_NOMEM, failing);
			if (failing) {
				assert_null(w.v);
				assert_int_equal(w.n, 0);
				failed++;
			}
			words_free(&w);
		}
	}
	assert_in_range(failed, 10, 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_without_memory),
		cmocka_unit_test(lines_become_words),
		cmocka_unit_test(the_last_word_is_open),
		cmocka_unit_test(commands_are_understood),
		cmocka_unit_test(every_abbreviation_is_safe),
		cmocka_unit_test(standard_input_is_asked_for),
		cmocka_unit_test(a_secret_is_no_word),
		cmocka_unit_test(words_are_completed),
		cmocka_unit_test(secrets_are_not_kept),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
