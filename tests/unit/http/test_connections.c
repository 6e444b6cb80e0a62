/* SPDX-License-Identifier: ISC */
/* Places of connections: who is refused while there are few, and who makes room. Addresses and time
 * are the test's: no connection is real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "http/connections.h"
#include "http/peer.h"

#define MAX	16
#define PERCENT 25
#define SHARE	4
#define MOST	13 /* of one address: while a quarter, 4, is free, and then no more */

static struct client {
	struct sockaddr_storage sa;
	struct connection *c; /* NULL: none */
	char bev;	      /* its address is that of a bufferevent */
} clients[40];
static size_t n_clients;
static struct connections *cs;
static struct peer_rules *trusted;
static int64_t now;

const struct sockaddr *__wrap_evhttp_connection_get_addr(struct evhttp_connection *con);
int64_t __wrap_clock_ms(void);

const struct sockaddr *__wrap_evhttp_connection_get_addr(struct evhttp_connection *con)
{
	return (const struct sockaddr *)&((const struct client *)(void *)con)->sa;
}

int64_t __wrap_clock_ms(void)
{
	return now;
}

static void begin(unsigned max, unsigned max_per_address)
{
	const struct connections_limits limits = {max, max_per_address, PERCENT};

	now = 100000;
	n_clients = 0;
	memset(clients, 0, sizeof clients);
	cs = connections_new(&limits);
	assert_non_null(cs);
}

static void leave(struct client *cl)
{
	connections_remove(cs, cl->c);
	cl->c = NULL;
}

static void end(void)
{
	for (size_t i = 0; i < n_clients; i++) {
		if (clients[i].c)
			leave(&clients[i]);
	}
	assert_int_equal(connections_count(cs), 0);
	connections_free(&cs);
	peer_rules_free(&trusted);
}

static void on_close(struct evhttp_connection *con)
{
	leave((struct client *)(void *)con);
}

/* A connection comes from ADDRESS. What connections_place() says of it; a refused one is gone. */
static int come(const char *address, struct err *e)
{
	struct client *cl = &clients[n_clients++];
	struct sockaddr_in *v4 = (struct sockaddr_in *)&cl->sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&cl->sa;
	int rc;

	assert_true(n_clients <= sizeof clients / sizeof *clients);
	cl->sa.ss_family = strchr(address, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(cl->sa.ss_family, address,
				   cl->sa.ss_family == AF_INET ? (void *)&v4->sin_addr
							       : (void *)&v6->sin6_addr),
			 1);
	cl->c = connections_add(cs, (struct bufferevent *)(void *)&cl->bev);
	assert_non_null(cl->c);
	assert_ptr_equal(connections_find(cs, (struct bufferevent *)(void *)&cl->bev), cl->c);
	rc = connections_place(cs, cl->c, (struct evhttp_connection *)(void *)cl, trusted, on_close,
			       e);
	if (rc < 0)
		leave(cl);
	return rc;
}

static void admitted(unsigned n, const char *address)
{
	struct err e = {0};

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(come(address, &e), 0);
}

static void refused(const char *address, const char *why)
{
	struct err e = {0};
	unsigned before = connections_count(cs);

	assert_int_equal(come(address, &e), ERR_LIMIT);
	if (!strstr(e.text, why))
		fail_msg("%s: no \"%s\"", e.text, why);
	assert_int_equal(connections_count(cs), before);
}

static void over_its_share_an_address_is_refused_and_another_is_not(void **state)
{
	(void)state;
	begin(MAX, 0);
	admitted(MOST, "192.0.2.1");
	refused("192.0.2.1",
		"13 of 16 (limits.maxConnections) are yours, your share (limits.share) is 4");
	assert_false(connections_full(cs));
	admitted(MAX - MOST, "192.0.2.2");
	assert_true(connections_full(cs));
	refused("192.0.2.3", "all 16 (limits.maxConnections)");
	/* What was refused took nothing, and what goes is free again. */
	for (unsigned i = 0; i < SHARE; i++)
		leave(&clients[i]);
	admitted(1, "192.0.2.1");
	refused("192.0.2.1", "limits.share");
	admitted(SHARE - 1, "192.0.2.3");
	end();
}

/* Below its share, an address has its place however few are free. */
static void up_to_its_share_an_address_is_admitted_to_the_last_place(void **state)
{
	(void)state;
	begin(MAX, 0);
	admitted(MAX - SHARE, "192.0.2.1");
	admitted(SHARE, "192.0.2.2");
	assert_true(connections_full(cs));
	end();
}

static void the_hosts_of_a_64_have_one_share(void **state)
{
	(void)state;
	begin(MAX, 0);
	admitted(MOST, "2001:db8:0:1::1");
	refused("2001:db8:0:1::2", "limits.share");
	admitted(1, "2001:db8:0:2::1");
	assert_string_equal(connection_holder(clients[0].c), "addr:2001:db8:0:1::/64");
	end();
}

static void loopback_is_never_held_to_a_share(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", "::1",
						"::ffff:127.0.0.1"};

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		begin(MAX, 0);
		admitted(MAX, addresses[i]);
		assert_null(connection_holder(clients[0].c));
		refused(addresses[i], "all 16 (limits.maxConnections)");
		end();
	}
}

/* A proxy brings the connections of many. */
static void a_trusted_proxy_is_held_to_nothing(void **state)
{
	char *nets[] = {(char[]){"192.0.2.0/24"}, NULL};
	struct err e;

	(void)state;
	begin(MAX, 2);
	trusted = peer_rules_new(nets, PEER_X_FORWARDED_FOR, &e);
	assert_non_null(trusted);
	admitted(MAX, "192.0.2.1");
	assert_null(connection_holder(clients[0].c));
	admitted(2, "198.51.100.1");
	refused("198.51.100.1", "limits.maxConnectionsPerAddress is 2");
	end();
}

static void the_limit_of_an_address_holds_for_all(void **state)
{
	static const char *const addresses[][2] = {
		{"192.0.2.1", "192.0.2.2"},
		{"127.0.0.1", "127.0.0.2"},
		{"2001:db8::1", "2001:db8:0:1::1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		begin(MAX, 3);
		admitted(3, addresses[i][0]);
		refused(addresses[i][0], "limits.maxConnectionsPerAddress is 3");
		admitted(3, addresses[i][1]);
		leave(&clients[1]);
		admitted(1, addresses[i][0]);
		refused(addresses[i][0], "limits.maxConnectionsPerAddress is 3");
		end();
	}
	begin(0, 0); /* no limit of either kind */
	admitted(sizeof clients / sizeof *clients, "192.0.2.1");
	end();
}

/* Of the connections of the same address, after a second of silence, and the longest silent first.
 */
static void a_silent_connection_of_the_address_makes_room(void **state)
{
	(void)state;
	for (unsigned limit = 0; limit <= SHARE; limit += SHARE) {
		begin(MAX, limit);
		admitted(1, "192.0.2.2");
		connection_set_silent(clients[0].c, true);
		admitted(limit ? SHARE : MOST - 1, "192.0.2.1");
		connection_set_silent(clients[2].c, true);
		now++;
		connection_set_silent(clients[1].c, true);
		connection_set_silent(clients[3].c, true);
		connection_set_silent(clients[3].c, false);
		now += 998;
		refused("192.0.2.1", limit ? "limits.maxConnectionsPerAddress" : "limits.share");
		assert_ptr_equal(connections_silent(cs), NULL);
		now++;
		assert_ptr_equal(connections_silent(cs), clients[0].c);
		admitted(1, "192.0.2.1");
		assert_null(clients[2].c);
		assert_non_null(clients[0].c);
		refused("192.0.2.1", "limits."); /* the other is silent for 999 ms */
		now++;
		admitted(1, "192.0.2.1");
		assert_null(clients[1].c);
		now += 100000;
		refused("192.0.2.1", "limits.");
		assert_non_null(clients[0].c);
		assert_non_null(clients[3].c);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_its_share_an_address_is_refused_and_another_is_not),
		cmocka_unit_test(up_to_its_share_an_address_is_admitted_to_the_last_place),
		cmocka_unit_test(the_hosts_of_a_64_have_one_share),
		cmocka_unit_test(loopback_is_never_held_to_a_share),
		cmocka_unit_test(a_trusted_proxy_is_held_to_nothing),
		cmocka_unit_test(the_limit_of_an_address_holds_for_all),
		cmocka_unit_test(a_silent_connection_of_the_address_makes_room),
	};

	return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
