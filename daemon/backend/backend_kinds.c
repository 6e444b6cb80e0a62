/* SPDX-License-Identifier: ISC */
/* backend_kinds.c: the table of the kinds of backends and their adapters. */
#include "autoconf.h"

#include "backend/backend_impl.h"
#include "config/config.h"

static const struct backend_ops *const kinds[] = {
	[CONFIG_STDIO] = &backend_stdio_ops,
	[CONFIG_EXEC] = &backend_exec_ops,
	[CONFIG_HTTP] = &backend_http_ops,
	[CONFIG_WEB] = &backend_web_ops,
};

struct backend *backend_new(const struct backend_env *env, const struct config_backend *conf,
			    struct err *e)
{
	return backend_of_kind(kinds[conf->kind], env, conf, e);
}
