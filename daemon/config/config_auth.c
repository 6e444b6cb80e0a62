/* SPDX-License-Identifier: ISC */
/* config_auth.c: the keys of "auth". */
#include "autoconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_impl.h"
#include "text/url.h"

static const char *const mode_words[] = {
	[CONFIG_AUTH_NONE] = "none",
	[CONFIG_AUTH_TOKENS] = "tokens",
	[CONFIG_AUTH_JWT] = "jwt",
	[CONFIG_AUTH_INTROSPECT] = "introspect",
	NULL,
};

/* What a resource server can check with nothing but the issuer's public keys. HMAC is not here and
 * never will be: whoever can check such a token can make one. */
static const char *const known_algorithms[] = {
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
};

static int check_absolute(struct reader *r, void *field)
{
	const char *path = *(char *const *)field;

	return !path || path[0] == '/' ? 0 : reader_fail(r, "expected an absolute path");
}

/* Tokens and keys that come in the clear are good for nothing, except inside this machine. */
static int check_url(struct reader *r, void *field)
{
	const char *url = *(char *const *)field;

	if (!url || url_is_safe(url))
		return 0;
	return reader_fail(r, "expected an https:// URL (http:// only for a loopback address) "
			      "without user and fragment");
}

/* RFC 8707 section 2, and the canonical form that MCP asks for. */
static int check_resource(struct reader *r, void *field)
{
	char *url = *(char **)field, *origin;
	size_t len = url ? strlen(url) : 0;
	bool good;

	if (!url)
		return 0;
	origin = url_origin(url);
	good = origin && strncmp(origin, url, strlen(origin)) == 0 &&
	       (url[strlen(origin)] == '/' || url[strlen(origin)] == '\0') &&
	       strpbrk(url, "?\"\\ ") == NULL && url[len - 1] != '/';
	free(origin);
	return good ? 0
		    : reader_fail(r,
				  "expected the endpoint's URL as clients know it, like "
				  "\"https://mcp.example.com/mcp\": host in lower case, no default "
				  "port, no query, no slash at the end");
}

static int check_algorithms(struct reader *r, void *field)
{
	for (char **a = *(char ***)field; *a != NULL; a++) {
		size_t i = 0, n = sizeof known_algorithms / sizeof known_algorithms[0];

		while (i < n && strcmp(known_algorithms[i], *a) != 0)
			i++;
		if (i == n)
			return reader_fail(r,
					   "\"%s\" is none of RS256, RS384, RS512, PS256, PS384, "
					   "PS512, ES256, ES384, ES512",
					   *a);
	}
	return 0;
}

/* RFC 6749 section 3.3. */
static bool is_scope(const char *text)
{
	if (!text || text[0] == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~' || *text == '"' || *text == '\\')
			return false;
	return true;
}

static int check_scopes(struct reader *r, void *field)
{
	for (char **s = *(char ***)field; *s != NULL; s++)
		if (!is_scope(*s))
			return reader_fail(r, "\"%s\" is not a scope", *s);
	return 0;
}

static int read_algorithms(struct reader *r, const struct key *k, json_t *value, void *field)
{
	json_t *array = NULL;
	int rc;

	if (value && json_array_size(value) == 0)
		return reader_expected(r, k->type->expected, value);
	array = value ? json_incref(value)
		      : json_pack("[sssss]", "RS256", "PS256", "ES256", "ES384", "ES512");
	rc = array ? config_strings_add(r, field, array) : reader_nomem(r);
	json_decref(array);
	return rc;
}

static int dump_strings(const struct key *k, const void *field, json_t *into)
{
	return type_strings.dump(k, field, into);
}

static void clear_strings(const struct key *k, void *field)
{
	type_strings.clear(k, field);
}

static const struct key_type type_algorithms = {.read = read_algorithms,
						.dump = dump_strings,
						.clear = clear_strings,
						.expected = "an array of one or more strings"};

static int check_rule(struct reader *r, const char *rule, const json_t *scopes)
{
	const char *slash = strchr(rule, '/');
	const json_t *scope;
	size_t i;

	if (!slash || slash == rule || slash[1] == '\0')
		return reader_fail(r, "expected \"SERVER/TOOL\" or \"SERVER/*\"");
	if (json_array_size(scopes) == 0)
		return reader_expected(r, "an array of one or more scopes", scopes);
	json_array_foreach (scopes, i, scope) {
		if (!is_scope(json_string_value(scope))) {
			jsonpath_down_index(&r->path, i);
			return reader_fail(r, "expected a scope");
		}
	}
	return 0;
}

static int read_rules(struct reader *r, const struct key *k, json_t *value, void *field)
{
	const char *rule;
	json_t *scopes;

	if (!value)
		return 0;
	if (!json_is_object(value))
		return reader_expected(r, k->type->expected, value);
	json_object_foreach (value, rule, scopes) {
		size_t mark = jsonpath_down(&r->path, rule);
		int rc = check_rule(r, rule, scopes);

		if (rc != 0)
			return rc;
		jsonpath_up(&r->path, mark);
	}
	*(json_t **)field = json_object_size(value) > 0 ? json_incref(value) : NULL;
	return 0;
}

static int dump_rules(const struct key *k, const void *field, json_t *into)
{
	json_t *rules = *(json_t *const *)field;

	return rules ? json_object_set(into, k->name, rules) : 0;
}

static void clear_rules(const struct key *k, void *field)
{
	json_t **rules = field;

	(void)k;
	json_decref(*rules);
	*rules = NULL;
}

static const struct key_type type_rules = {.read = read_rules,
					   .dump = dump_rules,
					   .clear = clear_rules,
					   .expected = "an object of arrays of scopes"};

#define AUTH(name, type, field, ...) KEY(name, type, struct config_auth, field, __VA_ARGS__)
static const struct key keys[] = {
	AUTH("mode", type_word, mode, .words = mode_words, .def = CONFIG_AUTH_NONE),
	AUTH("tokensFile", type_string, tokens_file, .check = check_absolute),
	AUTH("resource", type_string, resource, .check = check_resource),
	AUTH("audiences", type_strings, audiences),
	AUTH("forwardAudiences", type_strings, forward_audiences),
	AUTH("issuer", type_string, issuer, .check = check_url),
	AUTH("jwksUri", type_string, jwks_uri, .check = check_url),
	AUTH("algorithms", type_algorithms, algorithms, .check = check_algorithms),
	AUTH("userClaim", type_string, user_claim, .text = "sub"),
	AUTH("leeway", type_seconds, leeway_ms, RANGE(0, SECONDS(600), SECONDS(60))),
	AUTH("scopes", type_strings, scopes, .check = check_scopes),
	AUTH("toolScopes", type_rules, tool_scopes),
	AUTH("introspectionUrl", type_string, introspection_url, .check = check_url),
	AUTH("clientId", type_string, client_id),
	AUTH("clientSecret", config_type_secret, client_secret),
	AUTH("cacheTime", type_seconds, cache_ms, RANGE(0, SECONDS(86400), SECONDS(300))),
	AUTH("minRefresh", type_seconds, refresh_ms, RANGE(100, SECONDS(86400), SECONDS(30))),
	AUTH("remember", type_count, remember, RANGE(1, 10000000, 10000)),
	AUTH("maxWaiting", type_count, max_waiting, RANGE(1, 1000000, 1000)),
	AUTH("caFile", type_string, ca_file),
};
const struct key_table config_auth_keys = KEY_TABLE(keys);

/* "tokens" in the folder that a service manager made for the state of the service, or in the one
 * that it would make. */
static char *default_tokens(void)
{
	const char *dirs = getenv("STATE_DIRECTORY");
	char *path;

	if (!dirs || dirs[0] != '/')
		return strdup(LOCALSTATEDIR "/lib/mcpd/tokens");
	return asprintf(&path, "%.*s/tokens", (int)strcspn(dirs, ":"), dirs) < 0 ? NULL : path;
}

static int missing(struct reader *r, const struct config_auth *a, const char *key)
{
	return reader_fail(r, "mode \"%s\" needs \"%s\"", mode_words[a->mode], key);
}

/* What JWTs and introspection need. */
static int check_issuer(struct reader *r, const struct config_auth *a)
{
	if (a->mode == CONFIG_AUTH_INTROSPECT && !a->client_id)
		return missing(r, a, "clientId");
	if (a->mode == CONFIG_AUTH_INTROSPECT && !a->client_secret.value)
		return missing(r, a, "clientSecret");
	if (!a->issuer)
		return missing(r, a, "issuer");
	/* Taken from the request, anybody who has a token for another service could say that it is
	 * this one. */
	return !a->resource ? missing(r, a, "resource") : 0;
}

int config_check_auth(struct reader *r, void *field)
{
	struct config_auth *a = field;

	switch (a->mode) {
	case CONFIG_AUTH_NONE:
		break;
	case CONFIG_AUTH_TOKENS:
		if (!a->tokens_file && !(a->tokens_file = default_tokens()))
			return reader_nomem(r);
		break;
	case CONFIG_AUTH_JWT:
	case CONFIG_AUTH_INTROSPECT:
		return check_issuer(r, a);
	}
	return 0;
}
