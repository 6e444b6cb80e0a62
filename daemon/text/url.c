/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* Bytes that parsers of URLs disagree about. */
static bool is_plain(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '\\')
			return false;
	return true;
}

/* Where the host begins; NULL: not http or https. */
static const char *host_of(const char *url)
{
	if (strncasecmp(url, "http://", 7) == 0)
		return url + 7;
	if (strncasecmp(url, "https://", 8) == 0)
		return url + 8;
	return NULL;
}

/* URL, absolute, as libcurl reads it; NULL where it is none that is asked, or on lack of memory. */
static CURLU *parse(const char *url)
{
	const char *host = host_of(url);
	CURLU *u;

	/* libcurl would take "http:///host", too. */
	if (!host || *host == '/' || !is_plain(url))
		return NULL;
	u = curl_url();
	if (u && curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK) {
		curl_url_cleanup(u);
		u = NULL;
	}
	return u;
}

static char *part_of(CURLU *u, CURLUPart part, unsigned flags)
{
	char *theirs = NULL, *ours = NULL;

	if (curl_url_get(u, part, &theirs, flags) == CURLUE_OK)
		ours = strdup(theirs);
	curl_free(theirs);
	return ours;
}

/* In lower case, and in ASCII where this libcurl knows how. */
static char *host_part(CURLU *u)
{
	char *host = NULL;

#ifdef CURLU_PUNYCODE
	host = part_of(u, CURLUPART_HOST, CURLU_PUNYCODE);
#endif
	if (!host)
		host = part_of(u, CURLUPART_HOST, 0);
	for (char *p = host; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return host;
}

static char *origin_part(CURLU *u)
{
	char *scheme = part_of(u, CURLUPART_SCHEME, 0), *host = host_part(u);
	char *port = part_of(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT), *origin = NULL;

	if (scheme && host &&
	    asprintf(&origin, "%s://%s%s%s", scheme, host, port != NULL ? ":" : "",
		     port != NULL ? port : "") < 0)
		origin = NULL;
	free(scheme);
	free(host);
	free(port);
	return origin;
}

bool url_ok(const char *url)
{
	CURLU *u = parse(url);
	bool ok = u && !strchr(url, '#');

	curl_url_cleanup(u);
	return ok;
}

char *url_origin(const char *url)
{
	CURLU *u = !strchr(url, '#') ? parse(url) : NULL;
	char *origin = u ? origin_part(u) : NULL;

	curl_url_cleanup(u);
	return origin;
}

bool url_is_loopback(const char *url)
{
	static const char *const own[] = {"localhost", "[::1]", "127.0.0.1"};
	CURLU *u = parse(url);
	char *host = u ? host_part(u) : NULL;
	bool is = false;

	for (size_t i = 0; host != NULL && i < sizeof own / sizeof own[0]; i++)
		is = is || strcmp(host, own[i]) == 0;
	free(host);
	curl_url_cleanup(u);
	return is;
}

bool url_is_safe(const char *url)
{
	return url_ok(url) && (strncasecmp(url, "https:", 6) == 0 || url_is_loopback(url));
}

bool url_same_origin(const char *a, const char *b)
{
	char *oa = url_origin(a), *ob = url_origin(b);
	bool same = oa && ob && strcmp(oa, ob) == 0;

	free(oa);
	free(ob);
	return same;
}

/* Where the path of URL, which is one, begins. */
static const char *path_of(const char *url)
{
	const char *host = host_of(url);

	return host + strcspn(host, "/?");
}

bool url_covers(const char *whole, const char *url)
{
	const char *path, *part;
	size_t len;

	if (!url_same_origin(whole, url))
		return false;
	path = path_of(url);
	part = path_of(whole);
	len = strlen(part);
	while (len > 0 && part[len - 1] == '/')
		len--;
	return strncmp(part, path, len) == 0 && (path[len] == '\0' || strchr("/?", path[len]));
}

/* ---- addresses of the local link, and of metadata services ---- */

static bool is_metadata_number(uint32_t n)
{
	return (n & 0xffff0000) == 0xa9fe0000 || /* 169.254/16 (RFC 3927) */
	       n == 0x646464c8 ||		 /* 100.100.100.200, Alibaba Cloud */
	       n == 0xc00000c0;			 /* 192.0.0.192, Oracle Cloud */
}

static bool is_metadata_number6(const struct in6_addr *a)
{
	static const struct in6_addr metadata = {
		.s6_addr = {0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}};
	static const struct in6_addr nat64 = {.s6_addr = {0, 0x64, 0xff, 0x9b}}; /* RFC 6052 */
	uint32_t last;

	memcpy(&last, a->s6_addr + 12, sizeof last);
	if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a) || memcmp(a, &nat64, 12) == 0)
		return is_metadata_number(ntohl(last));
	return IN6_IS_ADDR_LINKLOCAL(a) || memcmp(a, &metadata, sizeof *a) == 0;
}

bool url_address_is_link_local(const struct sockaddr *sa)
{
	const void *any = sa;

	if (sa->sa_family == AF_INET)
		return is_metadata_number(
			ntohl(((const struct sockaddr_in *)any)->sin_addr.s_addr));
	if (sa->sa_family == AF_INET6)
		return is_metadata_number6(&((const struct sockaddr_in6 *)any)->sin6_addr);
	return false;
}

/* HOST in lower case, without brackets and without the dots at the end. */
static bool is_metadata_name(const char *host)
{
	static const char *const names[] = {
		"metadata",	 "metadata.google.internal",
		"metadata.goog", "metadata.azure.internal",
		"instance-data", "instance-data.ec2.internal",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(host, names[i]) == 0)
			return true;
	return false;
}

static bool is_link_local(char *host)
{
	struct in_addr in;
	struct in6_addr in6;
	size_t len = strlen(host);

	if (host[0] == '[' && len > 2) {
		host[len - 1] = '\0';
		host[strcspn(host, "%")] = '\0'; /* the zone */
		return inet_pton(AF_INET6, host + 1, &in6) == 1 && is_metadata_number6(&in6);
	}
	while (len > 0 && host[len - 1] == '.')
		host[--len] = '\0';
	if (inet_aton(host, &in) != 0)
		return is_metadata_number(ntohl(in.s_addr));
	return is_metadata_name(host);
}

bool url_is_link_local(const char *url)
{
	CURLU *u = parse(url);
	char *host = u ? host_part(u) : NULL;
	bool is = !host || is_link_local(host);

	free(host);
	curl_url_cleanup(u);
	return is;
}

/* ---- redirects ---- */

/* What TO leads to from URL, without fragment; NULL with E where it is nothing that could be asked,
 * or on lack of memory. ORIGIN is that of URL. */
static char *resolve(const char *url, const char *to, const char *origin, struct err *e)
{
	CURLU *u = parse(url);
	CURLUcode rc = CURLUE_OUT_OF_MEMORY;
	char *whole = NULL;

	if (u && (*to == '\0' || !is_plain(to)))
		rc = CURLUE_MALFORMED_INPUT;
	else if (u)
		rc = curl_url_set(u, CURLUPART_URL, to, CURLU_DISALLOW_USER);
	if (rc == CURLUE_OK)
		rc = curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (rc == CURLUE_OK)
		whole = part_of(u, CURLUPART_URL, 0);
	curl_url_cleanup(u);
	if (whole && !host_of(whole)) { /* libcurl knows "file:", too */
		free(whole);
		whole = NULL;
		rc = CURLUE_UNSUPPORTED_SCHEME;
	}
	if (!whole && (rc == CURLUE_OK || rc == CURLUE_OUT_OF_MEMORY))
		err_set(e, ERR_NOMEM, "out of memory");
	else if (!whole)
		err_set(e, ERR_PROTOCOL, "from %.200s to a Location that is no plain URL", origin);
	return whole;
}

int url_redirect(const char *url, const char *to, char **to_r, struct err *e)
{
	char *from = url_origin(url), *whole, *origin;
	struct err why = {0};

	*to_r = NULL;
	whole = from ? resolve(url, to, from, &why) : NULL;
	/* Read again, as libcurl will read it when the request is made. */
	origin = whole ? url_origin(whole) : NULL;
	if (origin && strcmp(from, origin) == 0) {
		*to_r = whole;
		whole = NULL;
	} else if (origin) {
		err_set(&why, ERR_PROTOCOL, "from %.200s to %.200s", from, origin);
	} else if (why.code == 0) {
		err_set(&why, ERR_NOMEM, "out of memory");
	}
	free(from);
	free(whole);
	free(origin);
	return why.code != 0 ? err_set(e, why.code, "%s", why.text) : 0;
}

char *url_join(const char *base, const char *path)
{
	size_t len = strlen(base);
	char *whole;

	while (len > 0 && base[len - 1] == '/')
		len--;
	path += strspn(path, "/");
	return asprintf(&whole, "%.*s/%s", (int)len, base, path) < 0 ? NULL : whole;
}

char *url_escape(const char *text)
{
	static const char unreserved[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	char *out = malloc(3 * strlen(text) + 1), *p = out;

	if (!out)
		return NULL;
	for (; *text != '\0'; text++) {
		if (strchr(unreserved, *text) != NULL)
			*p++ = *text;
		else
			p += snprintf(p, 4, "%%%02X", (unsigned char)*text);
	}
	*p = '\0';
	return out;
}
