/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/peer.h"

static void addresses_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *address, *client;
	} good[] = {
		{"192.0.2.1", "192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"},
		{"::1", "::1", "::/64"},
		{"2001:DB8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::1", "fe80::/64"},
	};
	static const char *const bad[] = {"",
					  "192.0.2",
					  "192.0.2.1 ",
					  "192.0.2.1%eth0",
					  "192.0.2.256",
					  "[::1]",
					  "::g",
					  "unknown",
					  "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
	char text[NETADDR_TEXT];
	struct netaddr a;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(netaddr_parse(&a, good[i].text, strlen(good[i].text)));
		netaddr_text(&a, text);
		assert_string_equal(text, good[i].address);
		netaddr_client(&a, text);
		assert_string_equal(text, good[i].client);
		netaddr_client_text(good[i].text, text);
		assert_string_equal(text, good[i].client);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(netaddr_parse(&a, bad[i], strlen(bad[i])));
	netaddr_client_text("somebody", text);
	assert_string_equal(text, "somebody");
}

static void networks_have_no_bits_behind_their_prefix(void **state)
{
	static const char *const bad[] = {
		"10.0.0.1/8",  "10.0.0.0/33",  "10.0.0.0/",	"10.0.0.0/a",
		"10.0.0.0/-1", "fd00::/129",   "fd01::/8",	"",
		"/8",	       "10.0.0.0/8/8", "fe80::%eth0/64"};
	static const struct {
		const char *net, *address;
		bool in;
	} cases[] = {
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.0.0.0/8", "11.0.0.1", false},
		{"10.0.0.0/8", "::ffff:10.1.1.1", true},
		{"192.0.2.128/25", "192.0.2.129", true},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"fd00::/8", "fdff::1", true},
		{"fd00::/8", "fe00::1", false},
		{"::1", "::1", true},
		{"::1", "::2", false},
		{"0.0.0.0/0", "8.8.8.8", true},
		{"0.0.0.0/0", "2001:db8::1", false},
	};
	struct netaddr_net net;
	struct netaddr a;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(netaddr_net_parse(&net, bad[i]));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(netaddr_net_parse(&net, cases[i].net));
		assert_true(netaddr_parse(&a, cases[i].address, strlen(cases[i].address)));
		assert_int_equal(netaddr_in(&a, &net), cases[i].in);
	}
}

/* Whose address counts, with "+" before it where it has a share; LINES are from first to last. */
static const char *client(enum peer_header header, const char *tcp, const char *first,
			  const char *last)
{
	static char ten[] = "10.0.0.0/8", one[] = "::1", f[] = "2001:db8:f::/48";
	static char *const proxies[] = {ten, one, f, NULL};
	static char text[NETADDR_TEXT + 1];
	struct err e;
	struct peer_rules *r = peer_rules_new(proxies, header, &e);
	struct peer_walk w;
	struct netaddr a;

	assert_non_null(r);
	assert_true(netaddr_parse(&a, tcp, strlen(tcp)));
	if (peer_begin(&w, r, &a) && (!last || peer_line(&w, last)) && first)
		peer_line(&w, first);
	peer_rules_free(&r);
	netaddr_text(&w.client, text + 1);
	text[0] = '+';
	return w.shared ? text : text + 1;
}

static void the_rightmost_address_that_is_no_proxy_counts(void **state)
{
	static const struct {
		const char *tcp, *first, *last, *client;
	} cases[] = {
		{"192.0.2.9", NULL, NULL, "+192.0.2.9"},
		{"192.0.2.9", NULL, "198.51.100.1", "+192.0.2.9"}, /* not trusted */
		{"127.0.0.1", NULL, NULL, "127.0.0.1"},
		{"127.0.0.1", NULL, "198.51.100.1", "127.0.0.1"},
		{"10.1.1.1", NULL, NULL, "10.1.1.1"}, /* the proxy's own */
		{"10.1.1.1", NULL, "198.51.100.1", "+198.51.100.1"},
		{"::ffff:10.1.1.1", NULL, "198.51.100.1", "+198.51.100.1"},
		{"10.1.1.1", NULL, "127.0.0.1", "+127.0.0.1"},
		{"10.1.1.1", NULL, "6.6.6.6, 198.51.100.1", "+198.51.100.1"},
		{"10.1.1.1", NULL, "6.6.6.6, 198.51.100.1,10.2.2.2 , ::1", "+198.51.100.1"},
		{"10.1.1.1", "6.6.6.6, 198.51.100.1", "10.2.2.2", "+198.51.100.1"},
		{"10.1.1.1", "6.6.6.6", "198.51.100.1", "+198.51.100.1"},
		{"10.1.1.1", NULL, ", ,198.51.100.1, ,", "+198.51.100.1"},
		{"10.1.1.1", NULL, "", "10.1.1.1"},
		{"10.1.1.1", NULL, "10.2.2.2", "10.2.2.2"}, /* proxies alone */
		{"10.1.1.1", NULL, "198.51.100.1:8080", "+198.51.100.1"},
		{"10.1.1.1", NULL, "[2001:db8::7]:8080", "+2001:db8::7"},
		{"10.1.1.1", NULL, "[2001:db8::7]", "+2001:db8::7"},
		{"10.1.1.1", NULL, "2001:db8::7", "+2001:db8::7"},
		{"10.1.1.1", NULL, "::ffff:198.51.100.1", "+198.51.100.1"},
		/* What cannot be read counts as the proxy that named it, with a share. */
		{"10.1.1.1", NULL, "unknown", "+10.1.1.1"},
		{"10.1.1.1", NULL, "198.51.100.1, unknown, 10.2.2.2", "+10.2.2.2"},
		{"10.1.1.1", NULL, "198.51.100.1:", "+10.1.1.1"},
		{"10.1.1.1", NULL, "198.51.100.1:80a", "+10.1.1.1"},
		{"10.1.1.1", NULL, "[198.51.100.1", "+10.1.1.1"},
		{"10.1.1.1", NULL, "\"198.51.100.1\"", "+10.1.1.1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(
			client(PEER_X_FORWARDED_FOR, cases[i].tcp, cases[i].first, cases[i].last),
			cases[i].client);
	assert_string_equal(client(PEER_NO_HEADER, "10.1.1.1", NULL, "198.51.100.1"), "10.1.1.1");
}

static void forwarded_is_read_as_rfc_7239_says(void **state)
{
	static const struct {
		const char *first, *last, *client;
	} cases[] = {
		{NULL, "for=198.51.100.1", "+198.51.100.1"},
		{NULL, "For=\"198.51.100.1:47011\";proto=https;by=10.1.1.1", "+198.51.100.1"},
		{NULL, "proto=http; FOR=\"[2001:db8::17]:4711\"", "+2001:db8::17"},
		{NULL, "for=6.6.6.6, for=198.51.100.1", "+198.51.100.1"},
		{NULL, "for=6.6.6.6,for=198.51.100.1, for=10.2.2.2", "+198.51.100.1"},
		{"for=198.51.100.1", "for=10.2.2.2", "+198.51.100.1"},
		{NULL, "host=\"a,b;for=6.6.6.6\";for=198.51.100.1", "+198.51.100.1"},
		{NULL, "for=[2001:db8::17]",
		 "+2001:db8::17"}, /* without quotes, as some write it */
		{NULL, "", "10.1.1.1"},
		/* The first line is not even looked at. */
		{"for=\"", "for=198.51.100.1", "+198.51.100.1"},
		/* Unknown, hidden, or malformed: the proxy's. */
		{NULL, "for=unknown", "+10.1.1.1"},
		{NULL, "for=\"_gazonk\"", "+10.1.1.1"},
		{NULL, "for=_hidden, for=10.2.2.2", "+10.2.2.2"},
		{NULL, "proto=https", "+10.1.1.1"},
		{NULL, "for=\", for=198.51.100.1", "+10.1.1.1"},
		{NULL, "for=\"198.51.100.1\\\"\"", "+10.1.1.1"},
		{NULL, "for=6.6.6.6;for=198.51.100.1", "+10.1.1.1"},
		{NULL, "for 198.51.100.1", "+10.1.1.1"},
		{NULL, "for=", "+10.1.1.1"},
		{NULL, "=198.51.100.1", "+10.1.1.1"},
		{NULL, "198.51.100.1", "+10.1.1.1"},
	};
	char many[33 * 17 + 1] = "";

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(
			client(PEER_FORWARDED, "10.1.1.1", cases[i].first, cases[i].last),
			cases[i].client);
	for (int i = 0; i < 33; i++)
		strcat(many, "for=198.51.100.1,");
	assert_string_equal(client(PEER_FORWARDED, "10.1.1.1", NULL, many), "+10.1.1.1");
}

static void what_is_no_network_is_refused(void **state)
{
	static char ten[] = "10.0.0.0/8", name[] = "proxy.example.com";
	static char *const bad[] = {ten, name, NULL};
	struct err e;

	(void)state;
	assert_null(peer_rules_new(bad, PEER_FORWARDED, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_non_null(strstr(e.text, "proxy.example.com"));
	assert_null(peer_rules_header(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(networks_have_no_bits_behind_their_prefix),
		cmocka_unit_test(the_rightmost_address_that_is_no_proxy_counts),
		cmocka_unit_test(forwarded_is_read_as_rfc_7239_says),
		cmocka_unit_test(what_is_no_network_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
