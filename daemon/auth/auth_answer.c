/* SPDX-License-Identifier: ISC */
/* auth_answer.c: answers to clients: challenges (RFC 6750, RFC 9728 section 5.1), scopes, and
 * the metadata of the resource. */
#include "autoconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth_impl.h"
#include "http/exchange.h"
#include "http/guard.h"
#include "http/reply.h"
#include "lib/jsonrpc.h"
#include "text/url.h"

#define WELL_KNOWN "/.well-known/oauth-protected-resource"

/* ---- audience ---- */

/* Whether AUD is URL, or URL and "/NAME"; a slash at its end does not matter. */
static bool is_resource(const char *aud, const char *url, const char *name)
{
	size_t len = strlen(aud), url_len = strlen(url), name_len = strlen(name);

	if (len > 0 && aud[len - 1] == '/')
		len--;
	if (len < url_len || strncmp(aud, url, url_len) != 0)
		return false;
	return len == url_len ||
	       (name_len > 0 && len == url_len + 1 + name_len && aud[url_len] == '/' &&
		strncmp(aud + url_len + 1, name, name_len) == 0);
}

bool auth_audience_ok(const struct config_auth *conf, const struct claims *claims, const char *name)
{
	const json_t *one;
	size_t i;

	if (conf->mode == CONFIG_AUTH_TOKENS)
		return true; /* the file is ours */
	json_array_foreach (claims->audience, i, one) {
		const char *aud = json_string_value(one);

		if (is_resource(aud, conf->resource, name))
			return true;
		for (char *const *other = conf->audiences; *other; other++) {
			if (strcmp(*other, aud) == 0)
				return true;
		}
	}
	return false;
}

/* ---- challenges ---- */

static bool has_scope(const char *granted, const char *scope)
{
	size_t n = strlen(scope);

	for (const char *at = granted; at && (at = strstr(at, scope)); at += n) {
		if ((at == granted || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	}
	return false;
}

/* Adds SCOPE to BUF, which a challenge shows, unless it is there. What does not fit is left out. */
static void add_scope(char buf[AUTH_MAX_SCOPE], const char *scope)
{
	size_t len = strlen(buf);

	if (!has_scope(buf, scope) && len + strlen(scope) + 2 <= AUTH_MAX_SCOPE)
		snprintf(buf + len, AUTH_MAX_SCOPE - len, "%s%s", len ? " " : "", scope);
}

static void add_global(const struct config_auth *conf, char buf[AUTH_MAX_SCOPE])
{
	for (char *const *s = conf->scopes; *s; s++)
		add_scope(buf, *s);
}

/* One more parameter; VALUE has neither quotes nor backslashes: it is ours, or was checked. */
static void add_param(char *buf, size_t size, const char *name, const char *value)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s %s=\"%s\"", buf[len - 1] == '"' ? "," : "", name,
		 value);
}

/* RFC 6749 section 3.3: what stands between quotes in a challenge without being escaped. */
static bool is_word(const char *scope)
{
	if (!*scope)
		return false;
	for (const unsigned char *p = (const unsigned char *)scope; *p; p++) {
		if (*p < 0x21 || *p > 0x7e || *p == '"' || *p == '\\')
			return false;
	}
	return true;
}

/* Where the metadata of the place NAME is; malloc'd, NULL on lack of memory. */
static char *metadata_url(const struct config_auth *conf, const char *name)
{
	char *origin = url_origin(conf->resource), *url = NULL;

	if (origin && asprintf(&url, "%s" WELL_KNOWN "%s%s%s", origin,
			       conf->resource + strlen(origin), *name ? "/" : "", name) < 0)
		url = NULL;
	free(origin);
	return url;
}

/* A refusal without ERROR is for a request without a token, and so is one of status 401 for a bad
 * token: both say which scopes to ask for. */
static void set_challenge(struct auth *a, struct exchange *x, const char *name, const char *error,
			  const char *why, const char *scope, bool global)
{
	const struct config_auth *conf = &a->conf->auth;
	char buf[AUTH_MAX_SCOPE + 1024] = "Bearer", needed[AUTH_MAX_SCOPE] = "";
	char *url = conf->mode != CONFIG_AUTH_TOKENS ? metadata_url(conf, name) : NULL;

	add_global(conf, needed);
	/* A challenge has at least one parameter (RFC 6750 section 3). */
	if (conf->mode == CONFIG_AUTH_TOKENS)
		add_param(buf, sizeof buf, "realm", "mcpd");
	if (error)
		add_param(buf, sizeof buf, "error", error);
	if (why)
		add_param(buf, sizeof buf, "error_description", why);
	if (scope || (global && *needed))
		add_param(buf, sizeof buf, "scope", scope ? scope : needed);
	if (url)
		add_param(buf, sizeof buf, "resource_metadata", url);
	free(url);
	exchange_set_header(x, "WWW-Authenticate", buf);
	exchange_set_header(x, "Cache-Control", "no-store");
}

void auth_challenge(struct auth *a, struct exchange *x, const char *name, const char *error,
		    const char *why, const char *scope)
{
	set_challenge(a, x, name, error, why, scope, true);
}

void auth_step_up(struct auth *a, struct exchange *x, const char *name, const char *why,
		  const char *scope)
{
	const struct bearer *b = exchange_bearer(x);
	const char *const parts[] = {b ? bearer_scope(b) : NULL, scope};
	char all[AUTH_MAX_SCOPE] = "", words[AUTH_MAX_SCOPE], *at, *one;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(words, sizeof words, "%s", parts[i] ? parts[i] : "");
		for (at = words; (one = strsep(&at, " "));) {
			if (is_word(one))
				add_scope(all, one);
		}
	}
	set_challenge(a, x, name, "insufficient_scope", why, all, false);
}

void auth_refuse(struct auth *a, struct exchange *x, const char *name, int status,
		 const char *error, const char *why, const char *scope)
{
	set_challenge(a, x, name, error, why, scope, status == 401);
	reply_error(x, status, NULL, RPC_TRANSPORT, "%s",
		    why ? why : "Unauthorized: a bearer token is needed");
}

/* ---- scopes ---- */

void auth_needs_begin(struct auth *a, const struct auth_identity *id, struct auth_needs *n)
{
	*n = (struct auth_needs){.id = id};
	for (char *const *s = a->conf->auth.scopes; *s; s++)
		auth_needs_scope(n, *s);
}

void auth_needs_scope(struct auth_needs *n, const char *scope)
{
	n->lacks |= !has_scope(n->id->scope, scope);
	add_scope(n->all, scope);
}

bool auth_admit(struct auth *a, struct exchange *x, const char *name, const struct auth_needs *n)
{
	if (n->lacks)
		auth_refuse(a, x, name, 403, "insufficient_scope",
			    "The token does not have the scopes that this needs", n->all);
	return !n->lacks;
}

/* ---- metadata ---- */

/* What is asked for: after WELL_KNOWN comes nothing, or the path of the resource, here or as
 * clients see it, and maybe the name of a place. NULL: no such thing. */
static const char *place_of(struct auth *a, const char *rest,
			    bool (*is_place)(const char *name, void *arg), void *arg)
{
	const char *resource = a->conf->auth.resource;
	const char *outside = strchr(strstr(resource, "://") + 3, '/');
	const char *const paths[] = {outside ? outside : "", a->conf->path};

	if (rest[0] == '\0' || strcmp(rest, "/") == 0)
		return "";
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		size_t len = strlen(paths[i]);

		if (strncmp(rest, paths[i], len) != 0)
			continue;
		if (rest[len] == '\0' || strcmp(rest + len, "/") == 0)
			return "";
		if (rest[len] == '/' && is_place(rest + len + 1, arg))
			return rest + len + 1;
	}
	return NULL;
}

static json_t *metadata(const struct config_auth *conf, const char *name)
{
	json_t *scopes = json_array();
	json_t *doc = json_pack("{s:o, s:[s], s:[s], s:s}", "resource",
				json_sprintf("%s%s%s", conf->resource, *name ? "/" : "", name),
				"authorization_servers", conf->issuer, "bearer_methods_supported",
				"header", "resource_name", "mcpd");

	for (char *const *s = conf->scopes; *s; s++)
		json_array_append_new(scopes, json_string(*s));
	/* The least that is needed; what single tools need besides, their challenges tell. */
	if (doc && json_array_size(scopes) > 0)
		json_object_set(doc, "scopes_supported", scopes);
	json_decref(scopes);
	return doc;
}

bool auth_metadata(struct auth *a, struct exchange *x,
		   bool (*is_place)(const char *name, void *arg), void *arg)
{
	const char *path = exchange_path(x), *name;
	json_t *doc;

	if (strncmp(path, WELL_KNOWN, sizeof WELL_KNOWN - 1) != 0 || a->tokens)
		return false;
	name = place_of(a, path + sizeof WELL_KNOWN - 1, is_place, arg);
	if (!name)
		return false;
	exchange_set_header(x, "Access-Control-Allow-Origin", "*");
	if (exchange_method(x) == EXCHANGE_OPTIONS) {
		guard_preflight(x);
		return true;
	}
	if (exchange_method(x) != EXCHANGE_GET) {
		reply_error(x, 405, NULL, RPC_TRANSPORT, "Method not allowed.");
		return true;
	}
	doc = metadata(&a->conf->auth, name);
	exchange_set_header(x, "Cache-Control", "max-age=3600");
	exchange_reply_json(x, 200, doc);
	json_decref(doc);
	return true;
}
