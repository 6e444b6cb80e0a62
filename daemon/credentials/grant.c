/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "credentials/grant.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mask.h"
#include "config/config_backend.h"
#include "http/fetch.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "lib/wipe.h"
#include "text/basicauth.h"
#include "text/httpfield.h"
#include "text/url.h"

#define MAX_LIFE  INT64_C(31622400) /* of a token, in seconds: a year */
#define MAX_DEPTH 16

void grant_clear(struct grant *g)
{
	wipe_free(g->access);
	wipe_free(g->refresh);
	memset(g, 0, sizeof *g);
}

/* A form under construction. */
struct form {
	char *text;
	bool failed;
};

static void put(struct form *f, const char *name, const char *value)
{
	char *escaped = value ? url_escape(value) : NULL, *longer = NULL;

	if (!value)
		return;
	if (!escaped || asprintf(&longer, "%s%s%s=%s", f->text != NULL ? f->text : "",
				 f->text != NULL ? "&" : "", name, escaped) < 0) {
		f->failed = true;
		longer = NULL;
	}
	wipe_free(escaped);
	if (!longer)
		return;
	wipe_free(f->text);
	f->text = longer;
}

char *grant_form(const struct config_credential *conf, enum grant_kind kind, const char *token)
{
	static const char *const types[] = {
		[GRANT_CLIENT] = "client_credentials",
		[GRANT_EXCHANGE] = "urn:ietf:params:oauth:grant-type:token-exchange",
		[GRANT_REFRESH] = "refresh_token",
	};
	struct form f = {0};

	put(&f, "grant_type", types[kind]);
	if (kind == GRANT_EXCHANGE) {
		put(&f, "subject_token", token);
		put(&f, "subject_token_type", "urn:ietf:params:oauth:token-type:access_token");
	} else if (kind == GRANT_REFRESH) {
		put(&f, "refresh_token", token);
	}
	if (kind != GRANT_REFRESH) { /* a refresh is for what was granted */
		put(&f, "audience", conf->audience);
		put(&f, "resource", conf->resource);
		put(&f, "scope", conf->scope);
	}
	if (!conf->client_secret.value || conf->client_auth == CONFIG_CLIENT_POST) {
		put(&f, "client_id", conf->client_id);
		put(&f, "client_secret", conf->client_secret.value);
	}
	if (!f.failed)
		return f.text;
	wipe_free(f.text);
	return NULL;
}

char *grant_authorization(const struct config_credential *conf, struct err *e)
{
	char *line;

	*e = (struct err){0};
	if (!conf->client_secret.value || conf->client_auth != CONFIG_CLIENT_BASIC)
		return NULL;
	line = basicauth_header(conf->client_id, conf->client_secret.value);
	if (!line)
		err_set(e, ERR_NOMEM, "out of memory");
	return line;
}

/* What a body of section 5.2 says. Nothing but "error" and its description, which are for people.
 */
static int refused(const struct fetch_answer *a, const json_t *body, const struct mask *sent,
		   struct err *e)
{
	const char *error = json_string_value(json_object_get(body, "error"));
	const char *more = json_string_value(json_object_get(body, "error_description"));
	char *masked, *masked_more;
	char safe[256];
	size_t len, more_len;

	if (!error || a->status >= 500 || a->status == 429)
		return err_set(e, ERR_IO, "the token endpoint answered HTTP %d", a->status);
	more = more ? more : "";
	masked = mask_text(sent, error, strlen(error), &len);
	masked_more = mask_text(sent, more, strlen(more), &more_len);
	if (masked_more)
		log_escape(safe, sizeof safe, masked_more, more_len);
	if (masked && masked_more)
		err_set(e, strcmp(error, "invalid_grant") == 0 ? ERR_DENIED : ERR_INVALID,
			"the token endpoint refuses: %.60s%s%s", masked,
			safe[0] != '\0' ? ": " : "", safe);
	else
		err_set(e, ERR_NOMEM, "out of memory");
	free(masked);
	free(masked_more);
	return e->code;
}

/* Some write the number as a string. */
static int64_t lifetime(const json_t *body)
{
	const json_t *life = json_object_get(body, "expires_in");
	int64_t seconds;

	if (!life || json_is_null(life))
		return -1;
	if (json_is_string(life))
		seconds = strtoll(json_string_value(life), NULL, 10);
	else
		seconds = (int64_t)json_number_value(life);
	if (seconds < 0)
		return 0;
	return seconds < MAX_LIFE ? seconds : MAX_LIFE;
}

static int granted(const json_t *body, int64_t now, struct grant *g, struct err *e)
{
	const char *access = json_string_value(json_object_get(body, "access_token"));
	const char *refresh = json_string_value(json_object_get(body, "refresh_token"));
	const char *type = json_string_value(json_object_get(body, "token_type"));
	int64_t life = lifetime(body);

	if (!access || access[0] == '\0' || !httpfield_value_ok(access))
		return err_set(e, ERR_IO, "the token endpoint answered without a token");
	if (!type || strcasecmp(type, "Bearer") != 0)
		return err_set(e, ERR_INVALID,
			       "the token endpoint gave a token of a type that is "
			       "not Bearer");
	g->access = strdup(access);
	if (refresh && refresh[0] != '\0')
		g->refresh = strdup(refresh);
	/* Absolute, so that it means the same after a restart. */
	g->expires = life >= 0 ? now + life : 0;
	if (g->access && (g->refresh || !refresh || refresh[0] == '\0'))
		return 0;
	grant_clear(g);
	return err_set(e, ERR_NOMEM, "out of memory");
}

int grant_read(const struct fetch_answer *a, int64_t now, const struct mask *sent,
	       struct grant *g_r, struct err *e)
{
	struct err why = {0};
	json_t *body = a->len > 0 ? jsonrpc_parse(a->body, a->len, MAX_DEPTH, &why) : NULL;
	int rc;

	*g_r = (struct grant){0};
	if (why.code == ERR_NOMEM)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (a->status == 200)
		rc = granted(body, now, g_r, e);
	else
		rc = refused(a, body, sent, e);
	json_decref(body);
	return rc;
}
