/* SPDX-License-Identifier: ISC */
#include "auth/issuer.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwt.h"
#include "base/delayq.h"
#include "http/fetch.h"
#include "http/outage.h"
#include "lib/log.h"
#include "text/url.h"

#define MAX_ANSWER  ((size_t)1 << 20)
#define TIMEOUT_MS  10000
#define KEYS_AGE_MS (15 * 60 * 1000) /* then they are looked at again, while they are in use */

enum stage { IDLE, OAUTH, OPENID, OPENID_INSERTED, KEYS };

struct issuer {
	struct httpc *httpc;
	const struct config_auth *conf;
	void (*changed)(bool lost, void *arg);
	void *arg;
	enum stage stage;
	struct fetch *fetch;
	char *jwks_uri, *introspection;
	json_t *keys;
	int64_t fetched; /* clock_ms(); 0: never */
	struct outage outage;
};

struct issuer *issuer_new(struct event_base *base, struct httpc *h, const struct config_auth *conf,
			  void (*changed)(bool lost, void *arg), void *arg)
{
	struct issuer *i = calloc(1, sizeof *i);

	(void)base;
	if (!i)
		return NULL;
	i->httpc = h;
	i->conf = conf;
	i->changed = changed;
	i->arg = arg;
	return i;
}

void issuer_free(struct issuer **ip)
{
	struct issuer *i = *ip;

	*ip = NULL;
	if (!i)
		return;
	fetch_cancel(&i->fetch);
	json_decref(i->keys);
	free(i->jwks_uri);
	free(i->introspection);
	free(i);
}

const char *issuer_introspection(const struct issuer *i)
{
	return i->conf->introspection_url ? i->conf->introspection_url : i->introspection;
}

const json_t *issuer_keys(struct issuer *i)
{
	if (i->keys && clock_ms() - i->fetched > KEYS_AGE_MS)
		(void)issuer_refresh(i);
	return i->keys;
}

/* ---- the ends ---- */

static void end(struct issuer *i, bool lost)
{
	i->stage = IDLE;
	i->changed(lost, i->arg);
}

/* LEAST_MS as for backoff_next(). */
static void fail(struct issuer *i, const char *where, const char *why, int64_t least_ms)
{
	if (outage_failed(&i->outage, least_ms))
		log_warn(NULL, "The issuer %s cannot be asked: %s: %s", i->conf->issuer, where,
			 why);
	/* What it told may be what is wrong. */
	free(i->jwks_uri);
	i->jwks_uri = NULL;
	end(i, false);
}

static void succeed(struct issuer *i, bool lost)
{
	if (outage_over(&i->outage))
		log_notice(NULL, "The issuer %s can be asked again", i->conf->issuer);
	i->fetched = clock_ms();
	end(i, lost);
}

/* ---- what is fetched ---- */

static void on_answer(struct fetch *f, const struct fetch_answer *a, const struct err *e,
		      void *arg);

static void get(struct issuer *i, enum stage stage, const char *url)
{
	static const char *const headers[] = {"Accept: application/json", NULL};
	struct httpc_spec spec = {.method = "GET",
				  .url = url,
				  .headers = headers,
				  .timeout_ms = TIMEOUT_MS,
				  .ca_file = i->conf->ca_file};
	struct err e;

	i->stage = stage;
	i->fetch = fetch_start(i->httpc, &spec, MAX_ANSWER, on_answer, i, &e);
	if (!i->fetch)
		fail(i, url, e.text, 0);
}

/* The URL of one of the places where metadata may be; malloc'd, NULL on lack of memory. */
static char *metadata_url(const struct issuer *i, enum stage stage)
{
	static const char *const names[] = {
		[OAUTH] = "/.well-known/oauth-authorization-server",
		[OPENID] = "/.well-known/openid-configuration",
		[OPENID_INSERTED] = "/.well-known/openid-configuration",
	};
	const char *issuer = i->conf->issuer;
	size_t len = strlen(issuer), host = strstr(issuer, "://") - issuer + 3;
	size_t split = host + strcspn(issuer + host, "/");
	char *url;

	while (len > split && issuer[len - 1] == '/')
		len--;
	/* RFC 8414 section 3.1 puts it between host and path, OpenID Connect at the end. */
	if (stage == OPENID)
		split = len;
	return asprintf(&url, "%.*s%s%.*s", (int)split, issuer, names[stage], (int)(len - split),
			issuer + split) < 0
		       ? NULL
		       : url;
}

static void get_metadata(struct issuer *i, enum stage stage)
{
	char *url = metadata_url(i, stage);

	if (url)
		get(i, stage, url);
	else
		fail(i, i->conf->issuer, "out of memory", 0);
	free(url);
}

static void take_keys(struct issuer *i, const json_t *set)
{
	json_t *keys = jwt_keys(set), *key;
	bool lost = false;
	size_t n;

	if (!keys) {
		fail(i, "its keys", "they are no JWK set", 0);
		return;
	}
	json_array_foreach (i->keys, n, key) {
		json_t *other;
		size_t m;
		bool there = false;

		json_array_foreach (keys, m, other)
			there = there || json_equal(key, other);
		lost = lost || !there;
	}
	json_decref(i->keys);
	i->keys = keys;
	log_info(NULL, "Keys of the issuer %s: %zu", i->conf->issuer, json_array_size(keys));
	succeed(i, lost);
}

/* The URL that metadata has under NAME, if it is one that we would ask: malloc'd. */
static char *endpoint_of(const json_t *metadata, const char *name)
{
	const char *url = json_string_value(json_object_get(metadata, name));

	return url && url_is_safe(url) ? strdup(url) : NULL;
}

/* RFC 8414 section 3.3: metadata that names another issuer must not be used. */
static bool is_of_issuer(const struct issuer *i, const json_t *metadata)
{
	const char *name = json_string_value(json_object_get(metadata, "issuer"));

	return name && strcmp(name, i->conf->issuer) == 0;
}

static void take_metadata(struct issuer *i, const json_t *metadata)
{
	free(i->introspection);
	free(i->jwks_uri);
	i->introspection = endpoint_of(metadata, "introspection_endpoint");
	i->jwks_uri = endpoint_of(metadata, "jwks_uri");
	if (i->conf->mode == CONFIG_AUTH_INTROSPECT) {
		if (issuer_introspection(i))
			succeed(i, false);
		else
			fail(i, "its metadata", "there is no introspection_endpoint", 0);
	} else if (i->jwks_uri) {
		get(i, KEYS, i->jwks_uri);
	} else {
		fail(i, "its metadata", "there is no jwks_uri with https", 0);
	}
}

static void on_answer(struct fetch *f, const struct fetch_answer *a, const struct err *e, void *arg)
{
	struct issuer *i = arg;
	bool ok = a && a->status == 200;
	json_t *body = ok ? json_loadb(a->body, a->len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	enum stage stage = i->stage;

	(void)f;
	i->fetch = NULL;
	if (stage == KEYS && body)
		take_keys(i, body);
	else if (stage != KEYS && body && is_of_issuer(i, body))
		take_metadata(i, body);
	else if (a && stage < OPENID_INSERTED)
		get_metadata(i, stage + 1);
	else if (!a)
		fail(i, stage == KEYS ? "its keys" : "its metadata", e->text, 0);
	else
		fail(i, stage == KEYS ? "its keys" : "its metadata",
		     ok ? "not what it should be" : "the answer has a wrong status",
		     backoff_retry_after(a->retry_after));
	json_decref(body);
}

int issuer_refresh(struct issuer *i)
{
	const char *uri = i->conf->jwks_uri ? i->conf->jwks_uri : i->jwks_uri;
	int64_t now = clock_ms();

	if (i->stage != IDLE)
		return 0;
	if (!i->outage.down && i->fetched && now - i->fetched < i->conf->refresh_ms)
		return ERR_LIMIT;
	if (!outage_may_ask(&i->outage))
		return ERR_IO;
	/* Failing inside of this call would call back inside of it: there is only lack of memory to
	 * fail for, and who waits then is concluded like the others. */
	if (i->conf->mode == CONFIG_AUTH_JWT && uri)
		get(i, KEYS, uri);
	else
		get_metadata(i, OAUTH);
	return i->stage != IDLE ? 0 : ERR_IO;
}
