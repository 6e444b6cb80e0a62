/* SPDX-License-Identifier: ISC */
#include "http/guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "http/exchange.h"

#define MAX_HOST 256
#define MAX_PORT 65535

/* "HOST[:PORT]" as it is compared. */
struct authority {
	char host[MAX_HOST]; /* in lower case; an IPv6 address with its brackets */
	int port;	     /* -1: none */
};

/* The port after TEXT's colon, which may be left out (RFC 3986 section 3.2.3). False: it is none.
 */
static bool read_port(const char *text, int *port_r)
{
	size_t digits = strspn(text, "0123456789");

	*port_r = digits ? 0 : -1;
	for (size_t i = 0; i < digits && *port_r <= MAX_PORT; i++)
		*port_r = *port_r * 10 + (text[i] - '0');
	return text[digits] == '\0' && *port_r <= MAX_PORT;
}

/* The length of the host that TEXT begins with; 0: there is none. */
static size_t host_length(const char *text)
{
	const char *end;

	if (text[0] != '[')
		return strcspn(text, ":");
	end = strchr(text, ']');
	return end && (end[1] == '\0' || end[1] == ':') ? (size_t)(end - text) + 1 : 0;
}

static bool read_authority(const char *text, struct authority *a_r)
{
	size_t len = host_length(text);

	if (len == 0 || len >= MAX_HOST)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] == 0x7f || strchr("/@?#\\\"<>", text[i]))
			return false;
		a_r->host[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
	}
	a_r->host[len] = '\0';
	a_r->port = -1;
	return text[len] == '\0' || read_port(text + len + 1, &a_r->port);
}

static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
	       strcmp(host, "[::1]") == 0;
}

/* An origin of a page that came over HTTP (RFC 6454 section 6.2), with the port that its scheme
 * means where it names none. Others ("null", "file://", those of programs that show pages) have no
 * host that means anything. */
static bool read_web_origin(const char *origin, bool *https_r, struct authority *a_r)
{
	size_t scheme = strcspn(origin, ":");

	*https_r = scheme == 5;
	if (strncasecmp(origin, *https_r ? "https://" : "http://", scheme + 3) != 0 || scheme < 4 ||
	    !read_authority(origin + scheme + 3, a_r))
		return false;
	if (a_r->port < 0)
		a_r->port = *https_r ? 443 : 80;
	return true;
}

/* ENTRY is "*", a whole origin, which means exactly that, or a host name: its pages over HTTP, from
 * every port. */
static bool entry_covers(const char *entry, const char *origin)
{
	struct authority a, b;
	bool https_a, https_b;

	if (strcmp(entry, "*") == 0 || strcmp(entry, origin) == 0)
		return true;
	if (!read_web_origin(origin, &https_a, &a) || strcmp(entry, "null") == 0)
		return false;
	if (read_web_origin(entry, &https_b, &b))
		return https_a == https_b && strcmp(a.host, b.host) == 0 && a.port == b.port;
	return strcasecmp(entry, a.host) == 0;
}

static bool origin_allowed(const struct config *conf, const char *origin)
{
	struct authority a;
	bool https;

	if (read_web_origin(origin, &https, &a) && is_loopback(a.host))
		return true;
	for (char *const *l = conf->allowed_origins; l && *l; l++) {
		if (entry_covers(*l, origin))
			return true;
	}
	return false;
}

/* An entry without port stands for every port. */
static bool host_listed(char *const *list, const struct authority *a)
{
	struct authority entry;

	for (; list && *list; list++) {
		if (strcmp(*list, "*") == 0 ||
		    (read_authority(*list, &entry) && strcmp(entry.host, a->host) == 0 &&
		     (entry.port < 0 || entry.port == a->port)))
			return true;
	}
	return false;
}

static bool only_loopback(char *const *listen)
{
	struct authority a;

	for (; listen && *listen; listen++) {
		if (!read_authority(*listen, &a) ||
		    (!is_loopback(a.host) && strncmp(a.host, "127.", 4) != 0))
			return false;
	}
	return true;
}

static int check_host(const struct config *conf, const char *host, unsigned n, struct err *e)
{
	struct authority a;

	if (n > 1 || !host || !read_authority(host, &a))
		return err_set(e, ERR_DENIED, "Invalid Host header");
	if (is_loopback(a.host) || host_listed(conf->allowed_hosts, &a))
		return 0;
	if (!only_loopback(conf->listen) && (!conf->allowed_hosts || !conf->allowed_hosts[0]))
		return 0;
	return err_set(e, ERR_DENIED, "Invalid Host header: %.200s is not in allowedHosts", a.host);
}

static void set_cors(struct exchange *x, const char *origin)
{
	exchange_set_header(x, "Access-Control-Allow-Origin", origin);
	exchange_set_header(x, "Vary", "Origin");
	exchange_set_header(x, "Access-Control-Expose-Headers",
			    "Mcp-Session-Id, WWW-Authenticate, Retry-After");
}

bool guard_origin_ok(const struct config *conf, const char *origin)
{
	return *origin != '\0' && origin_allowed(conf, origin);
}

/* No ORIGIN passes. */
static int check_origin(const struct config *conf, const char *origin, unsigned n, struct err *e)
{
	if (!origin)
		return 0;
	if (n > 1 || *origin == '\0')
		return err_set(e, ERR_DENIED, "Invalid Origin header");
	if (!origin_allowed(conf, origin))
		return err_set(e, ERR_DENIED,
			       "Invalid Origin header: %.200s is not in allowedOrigins", origin);
	return 0;
}

int guard_judge(const struct config *conf, const struct guard_head *h, struct err *e)
{
	int rc = check_host(conf, h->host, h->n_host, e);

	return rc ? rc : check_origin(conf, h->origin, h->n_origin, e);
}

int guard_check(const struct config *conf, struct exchange *x, struct err *e)
{
	int rc = check_host(conf, exchange_header(x, "Host"), exchange_header_count(x, "Host"), e);
	const char *origin;

	if (rc)
		return rc;
	origin = exchange_header(x, "Origin"); /* good until the next one is asked for */
	rc = check_origin(conf, origin, exchange_header_count(x, "Origin"), e);
	if (rc == 0 && origin)
		set_cors(x, origin);
	return rc;
}

void guard_preflight(struct exchange *x)
{
	const char *wanted = exchange_header(x, "Access-Control-Request-Headers");

	exchange_set_header(x, "Allow", GUARD_METHODS);
	if (exchange_header_count(x, "Access-Control-Request-Method") > 0) {
		exchange_set_header(x, "Access-Control-Allow-Methods", GUARD_METHODS);
		/* What is asked for is allowed: Mcp-Param-* names are open-ended, and "*" would not
		 * cover Authorization. */
		exchange_set_header(x, "Access-Control-Allow-Headers",
				    wanted ? wanted
					   : "Content-Type, Accept, Authorization, Mcp-Session-Id, "
					     "MCP-Protocol-Version, Last-Event-ID");
		exchange_set_header(x, "Access-Control-Max-Age", "7200");
	}
	exchange_reply(x, 204, NULL, NULL, 0);
}
