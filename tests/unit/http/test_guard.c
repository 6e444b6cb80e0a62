/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <string.h>

#include "config/config.h"
#include "http/guard.h"

static const char *const none[] = {NULL};
static const char *const loopback[] = {"127.0.0.1:6200", "localhost:0", "[::1]:6200", "127.9.9.9:1",
				       NULL};
static const char *const anywhere[] = {"0.0.0.0:6200", NULL};
static const char *const both[] = {"127.0.0.1:6200", "0.0.0.0:6200", NULL};
static const char *const both_turned[] = {"192.0.2.1:6200", "[::1]:6200", NULL};
static const char *const named[] = {"mcp.example.com", "other.example.com:8443", NULL};
static const char *const all[] = {"*", NULL};

static int judge(const char *const *listen, const char *const *hosts, const char *host, unsigned n)
{
	const struct config conf = {.listen = (char **)(uintptr_t)listen,
				    .allowed_hosts = (char **)(uintptr_t)hosts};
	const struct guard_head head = {.host = host, .n_host = n};
	struct err e = {0};
	int rc = guard_judge(&conf, &head, &e);

	assert_int_equal(rc, e.code);
	return rc;
}

/* Which Host passes depends on where the daemon listens and on allowedHosts. */
static void hosts(void **state)
{
	static const struct {
		const char *const *listen, *const *hosts;
		const char *host;
		int rc;
	} cases[] = {
		{loopback, NULL, "127.0.0.1:6200", 0},
		{loopback, NULL, "LocalHost", 0},
		{loopback, NULL, "[::1]:1", 0},
		{loopback, NULL, "127.0.0.2", ERR_DENIED},
		{loopback, NULL, "foreign.example", ERR_DENIED},
		{loopback, none, "foreign.example", ERR_DENIED},
		{loopback, named, "foreign.example", ERR_DENIED},
		{loopback, named, "mcp.example.com:99", 0},
		{loopback, named, "MCP.example.com", 0},
		{loopback, named, "other.example.com:8443", 0},
		{loopback, named, "other.example.com:8444", ERR_DENIED},
		{loopback, named, "other.example.com", ERR_DENIED},
		{loopback, all, "foreign.example", 0},
		{anywhere, NULL, "foreign.example", 0},
		{anywhere, none, "foreign.example:6200", 0},
		{anywhere, NULL, "127.0.0.1", 0},
		{anywhere, named, "foreign.example", ERR_DENIED},
		{anywhere, named, "mcp.example.com", 0},
		{anywhere, named, "localhost", 0},
		{both, NULL, "foreign.example", 0},
		{both_turned, NULL, "foreign.example", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (judge(cases[i].listen, cases[i].hosts, cases[i].host, 1) != cases[i].rc)
			fail_msg("case %zu: %s", i, cases[i].host);
}

/* No list of names makes a Host good that is none, or that is there twice or not at all. */
static void what_is_no_host(void **state)
{
	static const char *const bad[] = {
		"",    ":80", "[::1", "[::1]x", "a b",	 "a:b",	    "user@localhost", "a/b",
		"a?b", "a#b", "a\\b", "<a>",	"\"a\"", "a:65536", "a:1:2",	      "a\177b",
	};
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (judge(anywhere, all, bad[i], 1) != ERR_DENIED)
			fail_msg("\"%s\" passes", bad[i]);
	assert_int_equal(judge(anywhere, all, NULL, 0), ERR_DENIED);
	assert_int_equal(judge(anywhere, all, "localhost", 2), ERR_DENIED);
	memset(longest, 'a', sizeof longest);
	longest[255] = '\0';
	assert_int_equal(judge(anywhere, all, longest, 1), 0);
	longest[255] = 'a';
	longest[256] = '\0';
	assert_int_equal(judge(anywhere, all, longest, 1), ERR_DENIED);
	assert_int_equal(judge(anywhere, all, "a:65535", 1), 0);
	assert_int_equal(judge(anywhere, all, "a:", 1), 0);
}

static const char *const origins[] = {"https://app.example.com",
				      "http://plain.example:8080",
				      "null",
				      "pages.example",
				      "app://tool",
				      NULL};

static void origin_cases(void **state)
{
	static const struct {
		const char *origin;
		unsigned n;
		int rc;
	} cases[] = {
		{NULL, 0, 0},
		{"http://localhost:3000", 1, 0},
		{"https://127.0.0.1", 1, 0},
		{"http://[::1]:1", 1, 0},
		{"http://localhost:3000", 2, ERR_DENIED},
		{"", 1, ERR_DENIED},
		{"https://app.example.com", 1, 0},
		{"https://app.example.com:443", 1, 0},
		{"HTTPS://APP.example.com", 1, 0},
		{"http://app.example.com", 1, ERR_DENIED},
		{"http://app.example.com:443", 1, ERR_DENIED},
		{"https://app.example.com:444", 1, ERR_DENIED},
		{"http://plain.example:8080", 1, 0},
		{"http://plain.example", 1, ERR_DENIED},
		{"null", 1, 0},
		{"http://null", 1, ERR_DENIED},
		{"http://pages.example:1", 1, 0},
		{"https://pages.example", 1, 0},
		{"app://tool", 1, 0},
		{"app://other", 1, ERR_DENIED},
		{"file://localhost", 1, ERR_DENIED},
		{"http:/localhost", 1, ERR_DENIED},
	};
	const struct config conf = {.allowed_origins = (char **)(uintptr_t)origins};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct guard_head head = {.host = "localhost",
						.n_host = 1,
						.origin = cases[i].origin,
						.n_origin = cases[i].n};
		struct err e = {0};

		if (guard_judge(&conf, &head, &e) != cases[i].rc)
			fail_msg("case %zu: %s", i, cases[i].origin);
		if (cases[i].origin && cases[i].n == 1)
			assert_int_equal(guard_origin_ok(&conf, cases[i].origin), cases[i].rc == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(what_is_no_host),
		cmocka_unit_test(origin_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
