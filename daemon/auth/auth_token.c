/* SPDX-License-Identifier: ISC */
/* auth_token.c: finds the token in the head of a request (RFC 6750). */
#include "autoconf.h"

#include <string.h>
#include <strings.h>

#include "auth/auth_impl.h"
#include "http/exchange.h"

/* RFC 6750 section 2.1: b64token. */
bool auth_token_ok(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				  "-._~+/");

	return len > 0 && text[len + strspn(text + len, "=")] == '\0';
}

static bool has_query_token(const char *query)
{
	while (query) {
		if (strncmp(query, "access_token=", 13) == 0)
			return true;
		query = strchr(query, '&');
		query = query ? query + 1 : NULL;
	}
	return false;
}

/* Whether VALUE of an Authorization header begins with SCHEME (RFC 9110 section 11.1: in any case).
 */
static bool has_scheme(const char *value, const char *scheme)
{
	size_t n = strlen(scheme);

	return value && strncasecmp(value, scheme, n) == 0 && strchr(" \t", value[n]);
}

/* AUTH_FOUND_ONE with the token of H in *TOKEN_R, or what is wrong with the request. */
enum auth_found auth_token_in_head(const struct auth_head *h, const char **token_r)
{
	const char *value = h->n > 0 ? h->authorization : NULL;

	/* In a query it would be in everybody's log. */
	if (h->n > 1 || has_query_token(h->query))
		return AUTH_FOUND_TWO;
	if (has_scheme(value, "DPoP"))
		return AUTH_FOUND_BOUND;
	if (!has_scheme(value, "Bearer"))
		return AUTH_FOUND_NONE;
	*token_r = value + 6 + strspn(value + 6, " \t");
	return **token_r != '\0' ? AUTH_FOUND_ONE : AUTH_FOUND_MALFORMED;
}

enum auth_found auth_token_of(struct exchange *x, const char **token_r)
{
	const struct auth_head h = {.authorization = exchange_header(x, "Authorization"),
				    .query = exchange_query(x),
				    .n = exchange_header_count(x, "Authorization")};

	return auth_token_in_head(&h, token_r);
}
