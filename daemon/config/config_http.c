/* SPDX-License-Identifier: ISC */
/* config_http.c: the keys of backends of the kind "http". */
#include "autoconf.h"

#include <string.h>
#include <strings.h>

#include "config/config_impl.h"

static int check_url(struct reader *r, void *field)
{
	const char *url = *(char *const *)field;

	if (url && (strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0) &&
	    !strpbrk(url, " \t\r\n#"))
		return 0;
	return reader_fail(r, "expected an http:// or https:// URL without fragment");
}

static const struct key http_keys[] = {
	KEY("type", config_type_kind, struct config_backend, kind),
	KEY("url", type_string, struct config_backend, url, .required = true, .check = check_url),
	KEY("headers", config_type_headers, struct config_backend, headers),
	KEY("scope", type_word, struct config_backend, scope, .words = config_scope_words,
	    .def = CONFIG_SCOPE_SESSION),
	KEY("era", type_word, struct config_backend, era, .words = config_era_words,
	    .def = CONFIG_ERA_AUTO),
	KEY("caFile", type_string, struct config_backend, ca_file),
	KEY("allowLinkLocal", type_bool, struct config_backend, allow_link_local),
	KEY("idleStop", type_seconds, struct config_backend, idle_stop_ms, RANGE(0, YEAR, 0)),
	KEY("startTimeout", type_seconds, struct config_backend, start_timeout_ms,
	    RANGE(100, SECONDS(3600), SECONDS(60))),
	KEY("callTimeout", type_seconds, struct config_backend, call_timeout_ms, RANGE(0, YEAR, 0)),
	CREDENTIAL_KEYS,
	KEY("disabled", type_bool, struct config_backend, disabled),
};
const struct key_table config_http_keys = KEY_TABLE(http_keys);
