/* SPDX-License-Identifier: ISC */
/* config_web.c: the keys of backends of the kind "web". */
#include "autoconf.h"

#include <string.h>

#include "config/config_impl.h"
#include "text/url.h"

static int check_base(struct reader *r, void *field)
{
	const char *url = *(char *const *)field;

	if (url_ok(url) && !strchr(url, '?'))
		return 0;
	return reader_fail(r, "expected an http:// or https:// URL without user, query and "
			      "fragment");
}

static int check_path(struct reader *r, void *field)
{
	const char *path = *(char *const *)field;

	if (path[0] == '/' && path[1] != '/' && !strpbrk(path, " \t\r\n#\\"))
		return 0;
	return reader_fail(r, "expected a path that begins with \"/\", without fragment");
}

static const struct key web_keys[] = {
	KEY("type", config_type_kind, struct config_backend, kind),
	KEY("web", type_string, struct config_backend, url, .required = true, .check = check_base),
	KEY("toolsPath", type_string, struct config_backend, tools_path, .text = "/mcp/tools/list",
	    .check = check_path),
	KEY("invokePath", type_string, struct config_backend, invoke_path,
	    .text = "/mcp/tools/invoke", .check = check_path),
	KEY("headers", config_type_headers, struct config_backend, headers),
	KEY("caFile", type_string, struct config_backend, ca_file),
	KEY("allowLinkLocal", type_bool, struct config_backend, allow_link_local),
	KEY("learnInterval", type_seconds, struct config_backend, learn_interval_ms,
	    RANGE(0, YEAR, SECONDS(300))),
	KEY("startTimeout", type_seconds, struct config_backend, start_timeout_ms,
	    RANGE(100, SECONDS(3600), SECONDS(60))),
	KEY("callTimeout", type_seconds, struct config_backend, call_timeout_ms,
	    RANGE(100, YEAR, SECONDS(60))),
	KEY("maxOutput", type_size, struct config_backend, max_output, RANGE(1, MIB(256), MIB(1))),
	CREDENTIAL_KEYS,
	KEY("disabled", type_bool, struct config_backend, disabled),
};
const struct key_table config_web_keys = KEY_TABLE(web_keys);
