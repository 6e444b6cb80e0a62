/* SPDX-License-Identifier: ISC */
#include "base/netaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CLIENT_PREFIX 64

static void set_v4(struct netaddr *a, const void *bytes)
{
	memset(a, 0, sizeof *a);
	memcpy(a->bytes, bytes, 4);
	a->bits = 32;
}

static void set_v6(struct netaddr *a, const void *bytes)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (memcmp(bytes, mapped, sizeof mapped) == 0) {
		set_v4(a, (const unsigned char *)bytes + sizeof mapped);
		return;
	}
	memcpy(a->bytes, bytes, 16);
	a->bits = 128;
}

bool netaddr_parse(struct netaddr *a, const char *text, size_t len)
{
	const char *zone = memchr(text, '%', len);
	char copy[INET6_ADDRSTRLEN];
	unsigned char bytes[16];

	if (zone)
		len = (size_t)(zone - text);
	if (len >= sizeof copy || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!zone && inet_pton(AF_INET, copy, bytes) == 1)
		set_v4(a, bytes);
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		set_v6(a, bytes);
	else
		return false;
	return true;
}

bool netaddr_of(struct netaddr *a, const struct sockaddr *sa)
{
	memset(a, 0, sizeof *a);
	if (!sa)
		return false;
	if (sa->sa_family == AF_INET)
		set_v4(a, &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	else if (sa->sa_family == AF_INET6)
		set_v6(a, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
	return a->bits != 0;
}

void netaddr_text(const struct netaddr *a, char buf[NETADDR_TEXT])
{
	buf[0] = '\0';
	if (a->bits != 0)
		inet_ntop(a->bits == 32 ? AF_INET : AF_INET6, a->bytes, buf, NETADDR_TEXT);
}

bool netaddr_is_loopback(const struct netaddr *a)
{
	static const unsigned char v6[16] = {[15] = 1};

	if (a->bits == 32)
		return a->bytes[0] == 127;
	return a->bits == 128 && memcmp(a->bytes, v6, sizeof v6) == 0;
}

void netaddr_client(const struct netaddr *a, char buf[NETADDR_TEXT])
{
	struct netaddr net = *a;
	size_t len;

	if (a->bits == 128)
		memset(net.bytes + CLIENT_PREFIX / 8, 0, sizeof net.bytes - CLIENT_PREFIX / 8);
	netaddr_text(&net, buf);
	len = strlen(buf);
	if (a->bits == 128)
		snprintf(buf + len, NETADDR_TEXT - len, "/%d", CLIENT_PREFIX);
}

void netaddr_client_text(const char *text, char buf[NETADDR_TEXT])
{
	struct netaddr a;

	if (netaddr_parse(&a, text, strlen(text)))
		netaddr_client(&a, buf);
	else
		snprintf(buf, NETADDR_TEXT, "%s", text);
}

/* Whether bit I of A is set. */
static bool bit(const struct netaddr *a, unsigned i)
{
	return a->bytes[i / 8] >> (7 - i % 8) & 1;
}

bool netaddr_net_parse(struct netaddr_net *n, const char *text)
{
	size_t len = strcspn(text, "/");
	const char *digits = text[len] == '/' ? text + len + 1 : NULL;
	unsigned long prefix;

	if (memchr(text, '%', len) || !netaddr_parse(&n->base, text, len))
		return false;
	n->prefix = n->base.bits;
	if (!digits)
		return true;
	if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 3)
		return false;
	prefix = strtoul(digits, NULL, 10);
	if (prefix > n->base.bits)
		return false;
	for (unsigned i = (unsigned)prefix; i < n->base.bits; i++) {
		if (bit(&n->base, i))
			return false;
	}
	n->prefix = (unsigned char)prefix;
	return true;
}

bool netaddr_in(const struct netaddr *a, const struct netaddr_net *n)
{
	unsigned whole = n->prefix / 8;

	if (a->bits != n->base.bits || memcmp(a->bytes, n->base.bytes, whole) != 0)
		return false;
	for (unsigned i = 8 * whole; i < n->prefix; i++) {
		if (bit(a, i) != bit(&n->base, i))
			return false;
	}
	return true;
}
