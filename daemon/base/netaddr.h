/* SPDX-License-Identifier: ISC */
/* netaddr.h: IP addresses and networks as values. An IPv4 address that came mapped into IPv6
 * ("::ffff:192.0.2.1", RFC 4291 section 2.5.5.2) is the IPv4 address. */
#ifndef MCPD_NETADDR_H
#define MCPD_NETADDR_H

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

#define NETADDR_TEXT 56 /* bytes for an address or a network as text */

struct netaddr {
	unsigned char bytes[16];
	unsigned char bits; /* 32: IPv4, 128: IPv6, 0: none */
};

/* LEN bytes of TEXT: "192.0.2.1" or "2001:db8::1", without brackets and port. A zone ("%eth0") is
 * dropped. False: something else. */
bool netaddr_parse(struct netaddr *a, const char *text, size_t len);
/* False, and an address of no bits, for other families. */
bool netaddr_of(struct netaddr *a, const struct sockaddr *sa);
void netaddr_text(const struct netaddr *a, char buf[NETADDR_TEXT]);
bool netaddr_is_loopback(const struct netaddr *a);

/* The address that limits count as one client: an IPv4 address, or the /64 of an IPv6 address
 * ("2001:db8:0:1::/64"), because a single host has all of it. */
void netaddr_client(const struct netaddr *a, char buf[NETADDR_TEXT]);
/* netaddr_client() for the address in TEXT; text that is no address is copied, cut where it is too
 * long. */
void netaddr_client_text(const char *text, char buf[NETADDR_TEXT]);

struct netaddr_net {
	struct netaddr base;
	unsigned char prefix;
};

/* "10.0.0.0/8", "fd00::/8", "::1". Bits after the prefix have to be zero. */
bool netaddr_net_parse(struct netaddr_net *n, const char *text);
bool netaddr_in(const struct netaddr *a, const struct netaddr_net *n);

#endif
