/* SPDX-License-Identifier: ISC */
/* config_credential.c: the keys of "credential", and the combinations that are errors. */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_impl.h"
#include "lib/wipe.h"
#include "text/httpfield.h"
#include "text/url.h"

static int read_secret(struct reader *r, const struct key *k, json_t *value, void *field)
{
	struct config_secret *s = field;

	(void)k;
	if (!value)
		return 0;
	s->written = json_incref(value);
	if (!r->strict)
		return 0;
	s->value = config_secret_value(r, value);
	return s->value ? 0 : r->e->code;
}

/* As it is written in the file: where a secret is kept elsewhere, it stays there. */
static int dump_secret(const struct key *k, const void *field, json_t *into)
{
	const struct config_secret *s = field;

	return s->written ? json_object_set(into, k->name, s->written) : 0;
}

static void clear_secret(const struct key *k, void *field)
{
	struct config_secret *s = field;

	(void)k;
	wipe_free(s->value);
	json_decref(s->written);
	memset(s, 0, sizeof *s);
}

const struct key_type config_type_secret = {
	.read = read_secret,
	.dump = dump_secret,
	.clear = clear_secret,
	.expected = "a string, {\"env\": NAME} or {\"file\": PATH}"};

static int check_endpoint(struct reader *r, void *field)
{
	const char *url = *(char *const *)field;

	if (!url || (url_ok(url) && url_is_safe(url)))
		return 0;
	return reader_fail(r, "expected an https:// URL (http:// only to this machine)");
}

static int check_header(struct reader *r, void *field)
{
	return httpfield_name_ok(*(char *const *)field)
		       ? 0
		       : reader_fail(r, "expected the name of a header");
}

static int check_prefix(struct reader *r, void *field)
{
	const char *prefix = *(char *const *)field;

	return !prefix || httpfield_value_ok(prefix)
		       ? 0
		       : reader_fail(r, "expected the beginning of a header's value");
}

static const char *const from_words[] = {
	[CONFIG_CREDENTIAL_NONE] = "none",
	[CONFIG_CREDENTIAL_EXCHANGE] = "exchange",
	[CONFIG_CREDENTIAL_CLIENT] = "client",
	[CONFIG_CREDENTIAL_SECRET] = "secret",
	NULL,
};
static const char *const auth_words[] = {
	[CONFIG_CLIENT_BASIC] = "basic",
	[CONFIG_CLIENT_POST] = "post",
	NULL,
};
static const struct key keys[] = {
	KEY("from", type_word, struct config_credential, from, .words = from_words,
	    .def = CONFIG_CREDENTIAL_NONE),
	KEY("tokenEndpoint", type_string, struct config_credential, endpoint,
	    .check = check_endpoint),
	KEY("clientId", type_string, struct config_credential, client_id),
	KEY("clientSecret", config_type_secret, struct config_credential, client_secret),
	KEY("clientAuth", type_word, struct config_credential, client_auth, .words = auth_words,
	    .def = CONFIG_CLIENT_BASIC),
	KEY("audience", type_string, struct config_credential, audience),
	KEY("resource", type_string, struct config_credential, resource),
	KEY("scope", type_string, struct config_credential, scope),
	KEY("header", type_string, struct config_credential, header, .text = "Authorization",
	    .check = check_header),
	KEY("prefix", type_string, struct config_credential, prefix, .check = check_prefix),
	KEY("caFile", type_string, struct config_credential, ca_file),
};
const struct key_table config_credential_keys = KEY_TABLE(keys);

/* What a variable of a user's child may be. */
static int read_user_env(struct reader *r, const struct key *k, json_t *value, void *field)
{
	const char *name, *what;
	json_t *one;

	if (value && !json_is_object(value))
		return reader_expected(r, k->type->expected, value);
	json_object_foreach (value, name, one) {
		size_t mark = jsonpath_down(&r->path, name);

		what = json_string_value(one);
		if (!what || (strcmp(what, "secret") != 0 && strcmp(what, "user") != 0))
			return reader_fail(r,
					   "expected \"secret\" (what the operator stored for the "
					   "user) or \"user\" (the name)");
		jsonpath_up(&r->path, mark);
	}
	return type_env.read(r, k, value, field);
}

static int dump_user_env(const struct key *k, const void *field, json_t *into)
{
	return type_env.dump(k, field, into);
}

static void clear_user_env(const struct key *k, void *field)
{
	type_env.clear(k, field);
}

const struct key_type config_type_user_env = {.read = read_user_env,
					      .dump = dump_user_env,
					      .clear = clear_user_env,
					      .expected = "an object of \"secret\" and \"user\""};

/* Whether the headers of the configuration already have the one that the credential goes into. */
static bool is_taken(const struct config_backend *b, const char *header)
{
	size_t len = strlen(header);

	for (char **line = b->headers.lines; line != NULL && *line; line++)
		if (strncasecmp(*line, header, len) == 0 && (*line)[len] == ':')
			return true;
	return false;
}

static int check_source(struct reader *r, const struct config_backend *b)
{
	const struct config_credential *c = &b->credential;
	bool grant = c->from == CONFIG_CREDENTIAL_EXCHANGE || c->from == CONFIG_CREDENTIAL_CLIENT;

	if (grant && !c->endpoint)
		return reader_fail(r, "\"%s\" needs a \"tokenEndpoint\", the issuer's",
				   from_words[c->from]);
	if (c->from == CONFIG_CREDENTIAL_CLIENT && (!c->client_id || !c->client_secret.written))
		return reader_fail(r, "\"client\" needs a \"clientId\" and a \"clientSecret\"");
	if (c->client_secret.written && !c->client_id)
		return reader_fail(r, "a \"clientSecret\" needs a \"clientId\"");
	if (!grant && (c->endpoint || c->client_id))
		return reader_fail(r, "\"tokenEndpoint\" and \"clientId\" are for \"exchange\" and "
				      "\"client\"");
	if (c->from != CONFIG_CREDENTIAL_NONE && is_taken(b, c->header))
		return reader_fail(r, "\"headers\" set %s, too", c->header);
	return 0;
}

int config_check_credential(struct reader *r, const struct config_backend *b)
{
	const struct config_credential *c = &b->credential;
	bool per_user = b->forward_token || c->from == CONFIG_CREDENTIAL_EXCHANGE ||
			c->from == CONFIG_CREDENTIAL_SECRET;
	size_t mark;
	int rc;

	if (b->kind == CONFIG_STDIO && b->user_env[0] && b->scope == CONFIG_SCOPE_SHARED)
		return reader_fail(r, "\"userEnv\" needs a \"scope\" of \"user\" or \"session\"");
	if (b->kind != CONFIG_HTTP && b->kind != CONFIG_WEB)
		return 0;
	mark = jsonpath_down(&r->path, "credential");
	rc = check_source(r, b);
	if (rc != 0)
		return rc;
	jsonpath_up(&r->path, mark);
	if (b->forward_token && c->from != CONFIG_CREDENTIAL_NONE)
		return reader_fail(r, "\"forwardToken\" and \"credential\" exclude each other");
	if (b->forward_token && is_taken(b, "Authorization"))
		return reader_fail(r,
				   "\"forwardToken\" and an Authorization in \"headers\" exclude "
				   "each other");
	if (per_user && b->kind == CONFIG_HTTP && b->scope == CONFIG_SCOPE_SHARED)
		return reader_fail(r, "each user's own credential needs a \"scope\" of \"user\" or "
				      "\"session\"");
	return 0;
}

int config_check_forwarding(struct reader *r, const struct config_auth *auth,
			    const struct config_backend *b)
{
	size_t mark;

	if (!b->forward_token)
		return 0;
	mark = jsonpath_down(&r->path, "forwardToken");
	if (auth->mode != CONFIG_AUTH_JWT && auth->mode != CONFIG_AUTH_INTROSPECT)
		return reader_fail(r, "there is no token of an issuer that could be passed on: "
				      "\"auth\" needs the mode \"jwt\" or \"introspect\"");
	for (char **a = auth->forward_audiences; *a != NULL; a++) {
		if (url_covers(*a, b->url)) {
			jsonpath_up(&r->path, mark);
			return 0;
		}
	}
	return reader_fail(r,
			   "MCP forbids to pass a token to anybody whom it was not issued for; if "
			   "the issuer names %s as an audience of its tokens, say so in "
			   "auth.forwardAudiences, else see \"credential\"",
			   b->url);
}
