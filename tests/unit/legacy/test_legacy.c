/* SPDX-License-Identifier: ISC */
/* The legacy revisions over HTTP, between a fake exchange and the real endpoint. */
#include "endpoint_fixture.h"

#include <stdlib.h>
#include <string.h>

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

/* Once the daemon is going down, no era begins anything, and /health says why. */
static void nothing_begins_while_the_daemon_stops(void **state)
{
	static const struct {
		enum exchange_method method;
		const char *headers, *body;
	} cases[] = {
		{EXCHANGE_POST, "",
		 "{'jsonrpc':'2.0','id':1,'method':'initialize','params':{'protocolVersion':"
		 "'2025-11-25','capabilities':{},'clientInfo':{'name':'c','version':'1'}}}"},
		{EXCHANGE_POST, "Mcp-Session-Id: x\n", "{'jsonrpc':'2.0','id':2,'method':'ping'}"},
		{EXCHANGE_GET, "Mcp-Session-Id: x\n", NULL},
		{EXCHANGE_DELETE, "Mcp-Session-Id: x\n", NULL},
		{EXCHANGE_POST, "MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/list\n",
		 "{'jsonrpc':'2.0','id':3,'method':'tools/list','params':{'_meta':{"
		 "'io.modelcontextprotocol/protocolVersion':'2026-07-28',"
		 "'io.modelcontextprotocol/clientCapabilities':{},"
		 "'io.modelcontextprotocol/clientInfo':{'name':'c','version':'1'}}}}"},
	};
	struct exchange *x = fake_request(EXCHANGE_GET, "/health", "Host: localhost\n", NULL, 0);

	(void)state;
	assert_true(stopping_begin(&fx_stopping));
	assert_false(stopping_begin(&fx_stopping));
	endpoint_handle(x, fx_endpoint);
	assert_int_equal(fake_status(x), 503);
	assert_non_null(strstr(fake_text(x), "\"status\":\"stopping\""));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *msg = cases[i].body ? json_of(cases[i].body) : NULL;
		char *body = msg ? json_dumps(msg, JSON_COMPACT) : NULL;

		x = endpoint_ask(cases[i].method, cases[i].headers, body, body ? strlen(body) : 0);
		loop_settle(fx.base);
		if (fake_status(x) != 503 || !strstr(fake_text(x), "the server is shutting down"))
			fail_msg("case %zu: %d %s", i, fake_status(x), fake_text(x));
		free(body);
		json_decref(msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(get_without_a_session, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_begins_while_the_daemon_stops, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
