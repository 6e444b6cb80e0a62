/* SPDX-License-Identifier: ISC */
/* credentials_line.c: a credential as the header line that carries it. */
#include "autoconf.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/bearer.h"
#include "credentials/credentials_impl.h"
#include "lib/wipe.h"
#include "text/httpfield.h"

static const char bearer_prefix[] = "Bearer ";

void credentials_fail(credential_fn fn, void *arg, int code, const char *fmt, ...)
{
	struct err e = {.code = code};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof e.text, fmt, ap);
	va_end(ap);
	fn(NULL, &e, arg);
}

static const char *header_of(const struct config_credential *conf)
{
	return conf->header ? conf->header : "Authorization";
}

static const char *prefix_of(const struct config_credential *conf)
{
	if (conf->prefix)
		return conf->prefix;
	return strcasecmp(header_of(conf), "Authorization") == 0 ? bearer_prefix : "";
}

const char *credentials_in(const struct config_backend *conf, const char *line)
{
	const struct config_credential *how = &conf->credential;

	return line ? line + strlen(header_of(how)) + strlen(": ") + strlen(prefix_of(how)) : NULL;
}

void credentials_tell(const struct config_credential *conf, const char *secret, credential_fn fn,
		      void *arg)
{
	char *line;

	if (!httpfield_value_ok(secret)) {
		credentials_fail(fn, arg, ERR_DENIED, "the credential cannot be sent in a header");
		return;
	}
	if (asprintf(&line, "%s: %s%s", header_of(conf), prefix_of(conf), secret) < 0) {
		credentials_fail(fn, arg, ERR_NOMEM, "out of memory");
		return;
	}
	fn(line, NULL, arg);
	wipe_free(line);
}

bool credentials_expired(const struct bearer *b)
{
	return !b || bearer_ended(b) || (bearer_expires(b) != 0 && bearer_expires(b) <= time(NULL));
}

bool credentials_is_newer(const struct bearer *bearer, const char *line)
{
	const char *old = strstr(line, bearer_prefix);

	return old && strcmp(old + strlen(bearer_prefix), bearer_token(bearer)) != 0;
}
