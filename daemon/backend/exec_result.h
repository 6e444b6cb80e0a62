/* SPDX-License-Identifier: ISC */
/* exec_result.h: makes the result of tools/call from the output and the status of a command. */
#ifndef MCPD_EXEC_RESULT_H
#define MCPD_EXEC_RESULT_H

#include <jansson.h>

struct config_tool;
struct evbuffer;
struct mask;

struct exec_output {
	int status; /* as from waitpid() */
	struct evbuffer *out, *err;
	const struct mask *mask; /* of err; NULL: nothing is masked */
};

/* The result: stdout as text (what is not UTF-8 replaced), and as structuredContent where the tool
 * is structured. Anything but exit status 0, and output that is not what was promised, is a result
 * with isError that says so, with stderr, masked. MAX_DEPTH bounds the nesting of structured
 * output. NULL on lack of memory. */
json_t *exec_result(const struct config_tool *tool, const struct exec_output *output,
		    unsigned max_depth);

#endif
