/* SPDX-License-Identifier: ISC */
/* The legacy revisions over HTTP, between a fake exchange and the real endpoint. */
#include "endpoint_fixture.h"

static int setup(void **state)
{
	(void)state;
	endpoint_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	endpoint_close();
	return 0;
}

/* A GET without a session: a client of 2026-07-28 is told that there is no stream for it, and every
 * other one what is missing. */
static void get_without_a_session(void **state)
{
	static const struct {
		const char *headers;
		int status;
	} cases[] = {
		{"", 400},
		{"MCP-Protocol-Version: 2024-11-05\n", 400},
		{"MCP-Protocol-Version: 2025-03-26\n", 400},
		{"MCP-Protocol-Version: 2025-06-18\n", 400},
		{"MCP-Protocol-Version: 2025-11-25\n", 400},
		{"MCP-Protocol-Version: 1999-01-01\n", 400},
		{"MCP-Protocol-Version: 2026-07-28\n", 405},
		{"Mcp-Session-Id: unknown\nMCP-Protocol-Version: 2026-07-28\n", 404},
		{"Mcp-Session-Id: unknown\nMCP-Protocol-Version: 2025-11-25\n", 404},
		{"Mcp-Session-Id: unknown\n", 404},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct exchange *x = endpoint_ask(EXCHANGE_GET, cases[i].headers, NULL, 0);

		loop_settle(fx.base);
		if (fake_status(x) != cases[i].status)
			fail_msg("%s: %d", cases[i].headers, fake_status(x));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(get_without_a_session, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
