/* SPDX-License-Identifier: ISC */
/* URLs: who is behind one, where a redirect may lead, and which hosts are never asked. */
#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "text/url.h"

#define N(table) (sizeof table / sizeof(*(table)))

static void what_is_a_url(void **state)
{
	static const struct {
		const char *url;
		bool ok, safe;
	} table[] = {
		{"https://a", true, true},
		{"HTTPS://a/x?y", true, true},
		{"http://a", true, false},
		{"http://localhost:1", true, true},
		{"http://LOCALHOST/x", true, true},
		{"http://127.0.0.1", true, true},
		{"http://127.1", true, true},
		{"http://0x7f000001", true, true},
		{"http://[::1]:80/", true, true},
		{"http://127.0.0.2", true, false},
		{"http://localhost.evil", true, false},
		{"http://127.0.0.1.evil", true, false},
		{"https://a@b", false, false},
		{"https://a:b@c", false, false},
		{"https://a\\@b", false, false},
		{"https://a#b", false, false},
		{"https://a b", false, false},
		{"https://a\tb", false, false},
		{"https://a:99999", false, false},
		{"https://", false, false},
		{"https:///a", false, false},
		{"https:a", false, false},
		{"ftp://a", false, false},
		{"//a", false, false},
		{"a", false, false},
		{"", false, false},
	};

	(void)state;
	for (size_t i = 0; i < N(table); i++) {
		if (url_ok(table[i].url) != table[i].ok ||
		    url_is_safe(table[i].url) != table[i].safe)
			fail_msg("%s", table[i].url);
	}
}

static void urls_are_compared_as_origins(void **state)
{
	static const struct {
		const char *whole, *url;
		bool same, covers;
	} table[] = {
		{"https://a", "https://A:443/x", true, true},
		{"https://a", "https://%61/x", true, true},
		{"http://a:80/", "http://a", true, true},
		{"http://a:/", "http://a", true, true},
		{"http://127.1/", "http://0x7f.0.0.1", true, true},
		{"http://a:8080", "http://a", false, false},
		{"http://a:443", "https://a", false, false},
		{"https://a/x", "https://a/x/y", true, true},
		{"https://a/x", "https://a/xy", true, false},
		{"https://a/x/", "https://a/x?q", true, true},
		{"https://a@b", "https://b", false, false},
		{"https://a\\@b", "https://a", false, false},
		{"ftp://a", "ftp://a", false, false},
		{"https://", "https://", false, false},
	};

	(void)state;
	for (size_t i = 0; i < N(table); i++) {
		if (url_same_origin(table[i].whole, table[i].url) != table[i].same ||
		    url_covers(table[i].whole, table[i].url) != table[i].covers)
			fail_msg("%s and %s", table[i].whole, table[i].url);
	}
}

static void redirects_stay_inside_the_origin(void **state)
{
	static const struct {
		const char *from, *to, *result; /* NULL: refused */
		const char *why;
	} table[] = {
		{"https://a/x?y", "/b", "https://a/b", NULL},
		{"https://a/x?y", "b", "https://a/b", NULL},
		{"https://a/x?y", "?a=b", "https://a/x?a=b", NULL},
		{"https://a/x/y", "../z", "https://a/z", NULL},
		{"http://a:81/mcp", "mcp/", "http://a:81/mcp/", NULL},
		{"http://a:81/mcp", "//a:81/x", "http://a:81/x", NULL},
		{"http://a:81/mcp", "//A:81/x", "http://A:81/x", NULL},
		{"http://a:81/mcp", "HTTP://a:81/x", "http://a:81/x", NULL},
		{"http://a:81/mcp", "/x#part", "http://a:81/x", NULL},
		{"https://a/x", "https://a:443/c", "https://a:443/c", NULL},
		{"https://a:443/x", "https://a/c", "https://a/c", NULL},
		{"http://a/x", "http://a:80/c", "http://a:80/c", NULL},
		{"http://a/x", "//a:80/c", "http://a:80/c", NULL},
		{"https://a/x", "http://a/c", NULL, "from https://a to http://a"},
		{"http://a/x", "https://a/c", NULL, "from http://a to https://a"},
		{"http://a/x", "http://a:81/c", NULL, "from http://a to http://a:81"},
		{"http://a:81/x", "http://a/c", NULL, "from http://a:81 to http://a"},
		{"http://a:81/x", "//a/c", NULL, "from http://a:81 to http://a"},
		{"https://a/x", "//evil/b", NULL, "from https://a to https://evil"},
		{"https://a/x", "///evil/b", NULL, "from https://a to https://evil"},
		{"https://a/x", "https:///evil/b", NULL, "from https://a to https://evil"},
		{"https://a/x", "https://a.evil/", NULL, "from https://a to https://a.evil"},
		{"https://a/x", "https://evil?https://a/", NULL, "from https://a to https://evil"},
		{"http://a:1/x", "http://a:1\\@b:2/mcp", NULL, "no plain URL"},
		{"http://a:1/x", "http://b:2\\@a:1/mcp", NULL, "no plain URL"},
		{"http://a:1/x", "/\\evil/b", NULL, "no plain URL"},
		{"http://a:1/x", "\\\\evil/b", NULL, "no plain URL"},
		{"http://a:1/x", "http:\\\\evil/b", NULL, "no plain URL"},
		{"http://a:1/x", "http://a:1@b:2/", NULL, "no plain URL"},
		{"http://a:1/x", "http://user@a:1/", NULL, "no plain URL"},
		{"http://a:1/x", "//user:pw@a:1/", NULL, "no plain URL"},
		{"http://a:1/x", "http://a:1%00.evil/", NULL, "no plain URL"},
		{"http://a:1/x", "http://a%00.evil:1/", NULL, "no plain URL"},
		{"http://a:1/x", "http://a:1\t@b/", NULL, "no plain URL"},
		{"http://a:1/x", "/b\r\nX-Key: 1", NULL, "no plain URL"},
		{"http://a:1/x", "/b c", NULL, "no plain URL"},
		{"http://a:1/x", "\x01http://a:1/", NULL, "no plain URL"},
		{"http://a:1/x", "/\x7f", NULL, "no plain URL"},
		{"http://a:1/x", "javascript:alert(1)", NULL, "no plain URL"},
		{"http://a:1/x", "file:///etc/passwd", NULL, "no plain URL"},
		{"http://a:1/x", "ftp://a:1/", NULL, "no plain URL"},
		{"http://a:1/x", "http://a:99999/", NULL, "no plain URL"},
		{"http://a:1/x", "http://", NULL, "no plain URL"},
		{"http://a:1/x", "", NULL, "no plain URL"},
	};

	(void)state;
	for (size_t i = 0; i < N(table); i++) {
		struct err e = {0};
		char *to;
		int rc = url_redirect(table[i].from, table[i].to, &to, &e);

		if ((!to) != (!table[i].result) || (to && strcmp(to, table[i].result) != 0))
			fail_msg("%s: %s", table[i].to, to != NULL ? to : e.text);
		if (rc != (table[i].result != NULL ? 0 : ERR_PROTOCOL))
			fail_msg("%s: %s", table[i].to, e.text);
		if (rc != 0 && !strstr(e.text, table[i].why))
			fail_msg("%s: %s", table[i].to, e.text);
		free(to);
	}
}

static void addresses_of_the_local_link(void **state)
{
	static const struct {
		const char *url;
		bool is;
	} table[] = {
		{"http://169.254.169.254/latest", true},
		{"http://169.254.169.254./", true},
		{"http://169.254.1.1:8080", true},
		{"http://169.254.43518/", true},
		{"http://169.16689662/", true},
		{"http://2852039166/", true},
		{"http://0xa9fea9fe/", true},
		{"http://0xA9.0xFE.0xA9.0xFE/", true},
		{"http://0251.0376.0251.0376/", true},
		{"http://025177524776/", true},
		{"http://0251.254.0xa9fe/", true},
		{"http://0xa9fea9fe./", true},
		{"http://%31%36%39.254.169.254/", true},
		{"http://[fe80::1]/", true},
		{"http://[FE80::1%25eth0]/", true},
		{"http://[febf::1]/", true},
		{"http://[fd00:ec2::254]/", true},
		{"http://[::ffff:169.254.169.254]/", true},
		{"http://[::ffff:a9fe:a9fe]/", true},
		{"http://[::169.254.169.254]/", true},
		{"http://[64:ff9b::a9fe:a9fe]/", true},
		{"http://100.100.100.200/", true},
		{"http://192.0.0.192/", true},
		{"http://metadata.google.internal/", true},
		{"https://METADATA.google.INTERNAL./x", true},
		{"http://metadata/", true},
		{"http://instance-data/", true},
		{"not a URL", true},
		{"http://127.0.0.1/", false},
		{"http://169.253.1.1/", false},
		{"http://169.254.example.com/", false},
		{"http://metadata.example.com/", false},
		{"http://[fec0::1]/", false},
		{"http://[fd00:ec2::253]/", false},
		{"http://[::ffff:127.0.0.1]/", false},
		{"http://example.com/169.254.169.254", false},
	};

	(void)state;
	for (size_t i = 0; i < N(table); i++)
		if (url_is_link_local(table[i].url) != table[i].is)
			fail_msg("%s", table[i].url);
}

static void what_a_name_resolved_to(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	const struct sockaddr un = {.sa_family = AF_UNIX};

	(void)state;
	inet_pton(AF_INET, "169.254.169.254", &in.sin_addr);
	assert_true(url_address_is_link_local((const void *)&in));
	inet_pton(AF_INET, "10.0.0.1", &in.sin_addr);
	assert_false(url_address_is_link_local((const void *)&in));
	inet_pton(AF_INET6, "fe80::2", &in6.sin6_addr);
	assert_true(url_address_is_link_local((const void *)&in6));
	inet_pton(AF_INET6, "::1", &in6.sin6_addr);
	assert_false(url_address_is_link_local((const void *)&in6));
	assert_false(url_address_is_link_local(&un));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_url),
		cmocka_unit_test(urls_are_compared_as_origins),
		cmocka_unit_test(redirects_stay_inside_the_origin),
		cmocka_unit_test(addresses_of_the_local_link),
		cmocka_unit_test(what_a_name_resolved_to),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
