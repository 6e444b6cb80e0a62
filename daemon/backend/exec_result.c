/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "backend/exec_result.h"

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/mask.h"
#include "config/config.h"
#include "lib/jsonrpc.h"
#include "mcp/toolresult.h"
#include "process/children.h"
#include "text/schema.h"

/* The text in BUF; NULL on lack of memory. */
static const char *text_of(struct evbuffer *buf, size_t *len_r)
{
	*len_r = evbuffer_get_length(buf);
	return *len_r > 0 ? (const char *)evbuffer_pullup(buf, -1) : "";
}

/* The command failed: why first (stderr, else the status), then what it had to say until then. */
static json_t *failure(const struct config_tool *tool, const struct exec_output *output,
		       const char *out, size_t out_len)
{
	static const struct mask nothing;
	char status[80], *masked;
	size_t err_len;
	const char *err = text_of(output->err, &err_len);
	json_t *result;

	masked = err ? mask_text(output->mask != NULL ? output->mask : &nothing, err, err_len,
				 &err_len)
		     : NULL;
	if (!masked)
		return NULL;
	child_status_text(output->status, status, sizeof status);
	if (err_len > 0)
		result = toolresult_text(masked, err_len, true);
	else
		result = toolresult_error("%s %s", tool->name, status);
	free(masked);
	return out_len > 0 ? toolresult_append(result, out, out_len) : result;
}

static json_t *structured(const struct config_tool *tool, const char *out, size_t len,
			  unsigned max_depth)
{
	json_t *result;
	struct err why = {0};
	json_t *value = jsonrpc_parse(out, len, max_depth, &why);

	if (value && !json_is_object(value))
		err_set(&why, ERR_INVALID, "it is not a JSON object");
	else if (value && tool->output)
		schema_validate(tool->output, value, &why);
	if (why.code == ERR_NOMEM)
		result = NULL;
	else if (why.code != 0)
		result = toolresult_error("%s: the output is not what was promised: %s", tool->name,
					  why.text);
	else
		result = toolresult_text(out, len, false);
	if (why.code == 0)
		result = toolresult_structured(result, value);
	json_decref(value);
	return result;
}

json_t *exec_result(const struct config_tool *tool, const struct exec_output *output,
		    unsigned max_depth)
{
	size_t len;
	const char *out = text_of(output->out, &len);

	if (!out)
		return NULL;
	if (!WIFEXITED(output->status) || WEXITSTATUS(output->status) != 0)
		return failure(tool, output, out, len);
	if (tool->structured)
		return structured(tool, out, len, max_depth);
	return toolresult_text(out, len, false);
}
