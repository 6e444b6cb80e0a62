#include "guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "exchange.h"

#define MAX_HOST 256

/* The host of "HOST[:PORT]" (brackets of an IPv6 address kept), in lower case. */
static bool split_host(const char *authority, char host_r[MAX_HOST])
{
	size_t len;
	const char *end;

	if (authority[0] == '[') {
		end = strchr(authority, ']');
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return false;
		len = (size_t)(end - authority) + 1;
		end++;
	} else {
		len = strcspn(authority, ":");
		end = authority + len;
	}
	if (len == 0 || len >= MAX_HOST)
		return false;
	if (*end == ':' && end[1 + strspn(end + 1, "0123456789")] != '\0')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (authority[i] <= ' ' || strchr("/@?#\\\"<>", authority[i]))
			return false;
		host_r[i] = authority[i] >= 'A' && authority[i] <= 'Z' ? (char)(authority[i] + 32)
								       : authority[i];
	}
	host_r[len] = '\0';
	return true;
}

static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
	       strcmp(host, "[::1]") == 0;
}

/* The host of an origin "SCHEME://HOST[:PORT]" (RFC 6454 section 6.2); "null" is none. */
static bool origin_host(const char *origin, char host_r[MAX_HOST])
{
	const char *sep = strstr(origin, "://");

	if (!sep || sep == origin)
		return false;
	return split_host(sep + 3, host_r);
}

/* An entry is a host name, a whole origin, or "*". */
static bool origin_listed(char *const *list, const char *origin, const char *host)
{
	for (; list && *list; list++) {
		if (strcmp(*list, "*") == 0 || strcasecmp(*list, origin) == 0 ||
		    strcasecmp(*list, host) == 0)
			return true;
	}
	return false;
}

static bool host_listed(char *const *list, const char *host)
{
	char entry[MAX_HOST];

	for (; list && *list; list++) {
		if (strcmp(*list, "*") == 0 || (split_host(*list, entry) && strcmp(entry, host) == 0))
			return true;
	}
	return false;
}

static bool only_loopback(char *const *listen)
{
	char host[MAX_HOST];

	for (; listen && *listen; listen++) {
		if (!split_host(*listen, host) ||
		    (!is_loopback(host) && strncmp(host, "127.", 4) != 0))
			return false;
	}
	return true;
}

static int check_host(const struct config *conf, struct exchange *x, struct err *e)
{
	const char *value = exchange_header(x, "Host");
	char host[MAX_HOST];

	if (exchange_header_count(x, "Host") > 1 || !value || !split_host(value, host))
		return err_set(e, ERR_DENIED, "Invalid Host header");
	if (is_loopback(host) || host_listed(conf->allowed_hosts, host))
		return 0;
	if (!only_loopback(conf->listen) && (!conf->allowed_hosts || !conf->allowed_hosts[0]))
		return 0;
	return err_set(e, ERR_DENIED, "Invalid Host header: %.200s is not in allowedHosts", host);
}

static void set_cors(struct exchange *x, const char *origin)
{
	exchange_set_header(x, "Access-Control-Allow-Origin", origin);
	exchange_set_header(x, "Vary", "Origin");
	exchange_set_header(x, "Access-Control-Expose-Headers",
			    "Mcp-Session-Id, WWW-Authenticate, Retry-After");
}

int guard_check(const struct config *conf, struct exchange *x, struct err *e)
{
	const char *origin;
	char host[MAX_HOST];
	int rc = check_host(conf, x, e);

	if (rc)
		return rc;
	origin = exchange_header(x, "Origin");
	if (!origin)
		return 0;
	if (exchange_header_count(x, "Origin") > 1 || !origin_host(origin, host))
		return err_set(e, ERR_DENIED, "Invalid Origin header");
	if (!is_loopback(host) && !origin_listed(conf->allowed_origins, origin, host))
		return err_set(e, ERR_DENIED, "Invalid Origin header: %.200s is not in allowedOrigins",
			       host);
	set_cors(x, origin);
	return 0;
}

void guard_preflight(struct exchange *x)
{
	const char *wanted = exchange_header(x, "Access-Control-Request-Headers");

	exchange_set_header(x, "Allow", GUARD_METHODS);
	if (exchange_header_count(x, "Access-Control-Request-Method") > 0) {
		exchange_set_header(x, "Access-Control-Allow-Methods", GUARD_METHODS);
		/* What is asked for is allowed: Mcp-Param-* names are open-ended, and "*" would not cover
		 * Authorization. */
		exchange_set_header(x, "Access-Control-Allow-Headers",
				    wanted ? wanted
					   : "Content-Type, Accept, Authorization, Mcp-Session-Id, "
					     "MCP-Protocol-Version, Last-Event-ID");
		exchange_set_header(x, "Access-Control-Max-Age", "7200");
	}
	exchange_reply(x, 204, NULL, NULL, 0);
}
