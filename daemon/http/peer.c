/* SPDX-License-Identifier: ISC */
#include "http/peer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_HOPS 32 /* of one line; more is malformed */

struct peer_rules {
	enum peer_header header;
	size_t n;
	struct netaddr_net nets[];
};

struct span {
	const char *at; /* NULL: an element without an address */
	size_t len;
};

struct peer_rules *peer_rules_new(char *const *proxies, enum peer_header header, struct err *e)
{
	struct peer_rules *r;
	size_t n = 0;

	while (proxies && proxies[n])
		n++;
	r = calloc(1, sizeof *r + n * sizeof *r->nets);
	if (!r) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	r->header = header;
	for (; r->n < n; r->n++) {
		if (!netaddr_net_parse(&r->nets[r->n], proxies[r->n])) {
			err_set(e, ERR_INVALID, "trustedProxies: \"%s\" is not a network",
				proxies[r->n]);
			free(r);
			return NULL;
		}
	}
	return r;
}

void peer_rules_free(struct peer_rules **r)
{
	free(*r);
	*r = NULL;
}

const char *peer_rules_header(const struct peer_rules *r)
{
	static const char *const names[] = {
		[PEER_X_FORWARDED_FOR] = "X-Forwarded-For",
		[PEER_FORWARDED] = "Forwarded",
		[PEER_NO_HEADER] = NULL,
	};

	return r && r->n > 0 ? names[r->header] : NULL;
}

bool peer_is_trusted(const struct peer_rules *r, const struct netaddr *a)
{
	for (size_t i = 0; r && i < r->n; i++) {
		if (netaddr_in(a, &r->nets[i]))
			return true;
	}
	return false;
}

bool peer_begin(struct peer_walk *w, const struct peer_rules *r, const struct netaddr *tcp)
{
	bool trusted = peer_is_trusted(r, tcp);

	*w = (struct peer_walk){.rules = r, .client = *tcp};
	w->shared = !trusted && tcp->bits != 0 && !netaddr_is_loopback(tcp);
	return trusted && peer_rules_header(r);
}

/* ---- one address ---- */

static bool is_port(const char *text, size_t len)
{
	size_t digits = strspn(text, "0123456789");

	return len > 0 && len <= 5 && digits >= len;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". */
static bool parse_node(struct netaddr *a, const char *text, size_t len)
{
	const char *end;

	if (len > 0 && text[0] == '[') {
		end = memchr(text, ']', len);
		if (!end || !netaddr_parse(a, text + 1, (size_t)(end - text) - 1))
			return false;
		end++;
		len -= (size_t)(end - text);
		return len == 0 || (*end == ':' && is_port(end + 1, len - 1));
	}
	if (netaddr_parse(a, text, len))
		return true;
	end = memchr(text, ':', len);
	return end && is_port(end + 1, len - (size_t)(end - text) - 1) &&
	       netaddr_parse(a, text, (size_t)(end - text));
}

/* ---- the elements of a line ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Adds the element to the last MAX_HOPS ones. */
static bool add_hop(struct span hops[MAX_HOPS], size_t *n, struct span hop)
{
	if (*n == MAX_HOPS)
		return false;
	hops[(*n)++] = hop;
	return true;
}

/* Addresses with commas between; empty elements do not count (RFC 9110 section 5.6.1.2). */
static bool split_plain(const char *value, struct span hops[MAX_HOPS], size_t *n)
{
	while (*value != '\0') {
		size_t len = strcspn(value, ","), next = len + (value[len] == ',');
		struct span hop = {value, len};

		while (hop.len > 0 && is_space(hop.at[0]))
			hop.at++, hop.len--;
		while (hop.len > 0 && is_space(hop.at[hop.len - 1]))
			hop.len--;
		if (hop.len > 0 && !add_hop(hops, n, hop))
			return false;
		value += next;
	}
	return true;
}

#define TOKEN "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* The value of a parameter at *AT: a token, or a quoted string without escapes (no address needs
 * any). Proxies that write an IPv6 address or a port without quotes are understood. */
static bool read_value(const char **at, struct span *value_r)
{
	size_t len;

	if (**at == '"') {
		(*at)++;
		len = strcspn(*at, "\"\\");
		if ((*at)[len] != '"')
			return false;
		*value_r = (struct span){*at, len};
		*at += len + 1;
		return true;
	}
	len = strspn(*at, TOKEN ":[]");
	*value_r = (struct span){*at, len};
	*at += len;
	return len > 0;
}

/* One "name=value" at *AT; the value of "for" goes into HOP. */
static bool read_pair(const char **at, struct span *hop)
{
	const char *name = *at;
	size_t len = strspn(name, TOKEN);
	struct span value;

	if (len == 0 || name[len] != '=')
		return false;
	*at += len + 1;
	if (!read_value(at, &value))
		return false;
	if (len == 3 && strncasecmp(name, "for", 3) == 0) {
		if (hop->at)
			return false; /* each parameter once: section 4 */
		*hop = value;
	}
	return true;
}

/* RFC 7239 section 4: elements with commas between, of pairs with semicolons between. */
static bool split_forwarded(const char *value, struct span hops[MAX_HOPS], size_t *n)
{
	for (;;) {
		struct span hop = {NULL, 0};
		bool any = false;

		for (;;) {
			value += strspn(value, " \t;");
			if (*value == ',' || *value == '\0')
				break;
			if (!read_pair(&value, &hop))
				return false;
			any = true;
			value += strspn(value, " \t");
			if (*value != ';')
				break;
		}
		if (*value != ',' && *value != '\0')
			return false;
		if (any && !add_hop(hops, n, hop))
			return false;
		if (*value++ == '\0')
			return true;
	}
}

/* ---- the walk ---- */

bool peer_line(struct peer_walk *w, const char *value)
{
	struct span hops[MAX_HOPS];
	size_t n = 0;
	bool good = w->rules->header == PEER_FORWARDED ? split_forwarded(value, hops, &n)
						       : split_plain(value, hops, &n);

	if (!good) {
		w->shared = true;
		return false;
	}
	while (n-- > 0) {
		struct netaddr a;

		if (!hops[n].at || !parse_node(&a, hops[n].at, hops[n].len)) {
			w->shared = true;
			return false;
		}
		w->client = a;
		if (!peer_is_trusted(w->rules, &a)) {
			w->shared = true;
			return false;
		}
	}
	return true;
}
