#include "autoconf.h"

#include "url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where the host begins; NULL: not http or https. */
static const char *host_of(const char *url)
{
	if (strncasecmp(url, "http://", 7) == 0)
		return url + 7;
	if (strncasecmp(url, "https://", 8) == 0)
		return url + 8;
	return NULL;
}

/* Host and port; the rest is path, query and fragment. */
static size_t authority_len(const char *host)
{
	return strcspn(host, "/?#\\");
}

bool url_ok(const char *url)
{
	const char *host = host_of(url);
	size_t len = host != NULL ? authority_len(host) : 0;

	if (len == 0 || host[0] == ':' || memchr(host, '@', len) != NULL)
		return false;
	for (const char *p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '#' || *p == '\\')
			return false;
	return true;
}

char *url_origin(const char *url)
{
	const char *host = url_ok(url) ? host_of(url) : NULL, *port;
	char *origin;
	size_t len;

	if (host == NULL)
		return NULL;
	len = (size_t)(host - url) + authority_len(host);
	origin = strndup(url, len);
	if (origin == NULL)
		return NULL;
	for (char *p = origin; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	port = origin[4] == 's' ? ":443" : ":80";
	if (len > strlen(port) && strcmp(origin + len - strlen(port), port) == 0)
		origin[len - strlen(port)] = '\0';
	else if (origin[len - 1] == ':')
		origin[len - 1] = '\0';
	return origin;
}

bool url_is_safe(const char *url)
{
	static const char *const own[] = {"http://localhost", "http://[::1]", "http://127.0.0.1"};
	char *origin = url_origin(url);
	bool safe = origin != NULL && strncmp(origin, "https:", 6) == 0;

	for (size_t i = 0; origin != NULL && i < sizeof(own) / sizeof(own[0]); i++) {
		size_t len = strlen(own[i]);

		safe = safe || (strncmp(origin, own[i], len) == 0 &&
				(origin[len] == ':' || origin[len] == '\0'));
	}
	free(origin);
	return safe;
}

bool url_same_origin(const char *a, const char *b)
{
	char *oa = url_origin(a), *ob = url_origin(b);
	bool same = oa != NULL && ob != NULL && strcmp(oa, ob) == 0;

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
	return strncmp(part, path, len) == 0 &&
	       (path[len] == '\0' || strchr("/?", path[len]) != NULL);
}

char *url_redirect(const char *url, const char *to)
{
	const char *host = host_of(url);
	char *whole = NULL;

	if (host == NULL)
		return NULL;
	if (to[0] == '/' && to[1] != '/' && to[1] != '\\') {
		int n = (int)((size_t)(host - url) + authority_len(host));

		if (asprintf(&whole, "%.*s%s", n, url, to) < 0)
			return NULL;
	} else {
		whole = strdup(to);
	}
	if (whole != NULL && url_same_origin(url, whole))
		return whole;
	free(whole);
	return NULL;
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

	if (out == NULL)
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
