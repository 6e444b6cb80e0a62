/* SPDX-License-Identifier: ISC */
/* backend_exec.c: tools that are commands of this host. Each call runs a command, which gets the
 * arguments in its argv and as one line of JSON on stdin; its output is the result. */
#include "autoconf.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend_impl.h"
#include "backend/exec_result.h"
#include "base/budget.h"
#include "base/environ.h"
#include "base/mask.h"
#include "config/config.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "mcp/toolresult.h"
#include "process/children.h"
#include "text/placeholder.h"
#include "text/schema.h"

/* Of stderr as much as a person reads. What comes after it is dropped. */
#define MAX_STDERR 16384
/* Of stdout there is always memory for so much. */
#define SMALL 65536
/* The call outlives the time limit of its tool by this, so that the limit speaks first. */
#define DEADLINE_SLACK_MS 5000

/* A command that runs for a call. */
struct job {
	TAILQ_ENTRY(job) entry;
	struct exec *exec;
	const struct config_tool *tool;
	struct call *call;
	struct child *child; /* NULL: not started, or over */
	struct evbuffer *out, *err;
	struct budget_buffer held; /* OUT */
	struct event timer;
};

struct exec {
	struct backend *backend;
	char **env;	  /* of every command */
	struct mask mask; /* values to mask in a command's stderr */
	TAILQ_HEAD(, job) jobs;
	size_t n_jobs;
};

static void job_free(struct job *j)
{
	event_del(&j->timer);
	if (j->child)
		child_abandon(j->child);
	budget_unwatch(&j->held);
	if (j->out)
		evbuffer_free(j->out);
	if (j->err)
		evbuffer_free(j->err);
	TAILQ_REMOVE(&j->exec->jobs, j, entry);
	j->exec->n_jobs--;
	free(j);
}

/* The end of the job and of its call. RESULT NULL: no memory for one. */
static void job_end(struct job *j, json_t *result_take)
{
	struct call *c = j->call;

	call_detach(c);
	job_free(j); /* first: the callback of the end may do anything */
	call_result_tree(c, result_take);
}

static void job_fail(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void job_fail(struct job *j, const char *fmt, ...)
{
	json_t *result;
	va_list ap;

	va_start(ap, fmt);
	result = toolresult_verror(fmt, ap);
	va_end(ap);
	job_end(j, result);
}

static void on_stdout(struct child *child, struct evbuffer *in, void *arg)
{
	struct job *j = arg;
	struct err e;

	if (evbuffer_add_buffer(j->out, in) < 0) {
		child_kill(child);
		job_end(j, NULL);
	} else if (evbuffer_get_length(j->out) > j->tool->max_output) {
		/* It would go on writing until SIGTERM. */
		child_kill(child);
		job_fail(j, "%s: the output is longer than %zu bytes (maxOutput)", j->tool->name,
			 j->tool->max_output);
	} else if (evbuffer_get_length(j->out) > SMALL && !child_has_room(child, &e)) {
		child_kill(child);
		job_fail(j, "%s: there is no memory for the output: %s", j->tool->name, e.text);
	}
}

static void on_stderr(struct child *child, struct evbuffer *in, void *arg)
{
	struct job *j = arg;
	size_t len = evbuffer_get_length(j->err);

	(void)child;
	if (len < MAX_STDERR)
		evbuffer_remove_buffer(in, j->err, MAX_STDERR - len);
	evbuffer_drain(in, evbuffer_get_length(in));
}

static void on_end(struct child *child, int status, void *arg)
{
	struct job *j = arg;
	struct exec_output output = {
		.status = status, .out = j->out, .err = j->err, .mask = &j->exec->mask};

	(void)child;
	j->child = NULL;
	job_end(j, exec_result(j->tool, &output, j->exec->backend->env->limits->max_depth));
}

static const struct child_events child_events = {
	.on_stdout = on_stdout,
	.on_stderr = on_stderr,
	.on_exit = on_end,
};

static void on_time_limit(evutil_socket_t fd, short what, void *arg)
{
	struct job *j = arg;

	(void)fd;
	(void)what;
	job_fail(j, "%s: timed out after %.15g s (timeout)", j->tool->name,
		 (double)j->tool->timeout_ms / 1000);
}

static void on_cancel(struct call *c, const char *reason, void *arg)
{
	(void)c;
	(void)reason;
	job_free(arg);
}

static const struct call_back call_back = {.cancel = on_cancel};

static struct job *job_new(struct exec *x, const struct config_tool *tool, struct call *c)
{
	struct timeval limit = {.tv_sec = tool->timeout_ms / 1000,
				.tv_usec = tool->timeout_ms % 1000 * 1000};
	struct job *j = calloc(1, sizeof *j);

	if (!j)
		return NULL;
	TAILQ_INSERT_TAIL(&x->jobs, j, entry);
	x->n_jobs++;
	j->exec = x;
	j->tool = tool;
	j->call = c;
	evtimer_assign(&j->timer, x->backend->env->base, on_time_limit, j);
	j->out = evbuffer_new();
	j->err = evbuffer_new();
	if (!j->out || !j->err || budget_watch(&j->held, j->out, call_caller(c)->budget) < 0 ||
	    evtimer_add(&j->timer, &limit) < 0) {
		job_free(j);
		return NULL;
	}
	return j;
}

/* The arguments as one line for the command's stdin. */
static int write_arguments(struct job *j, json_t *arguments)
{
	struct evbuffer *line = evbuffer_new();
	int rc = line ? jsonrpc_write(line, arguments) : ERR_NOMEM;

	if (rc == 0 && evbuffer_add(line, "\n", 1) < 0)
		rc = ERR_NOMEM;
	if (rc == 0)
		rc = child_write_buffer(j->child, line);
	if (line)
		evbuffer_free(line);
	child_close_stdin(j->child);
	return rc == ERR_CLOSED ? 0 : rc; /* over already, or it does not read: it need not */
}

static int spawn(struct job *j, char *const *argv, struct err *e)
{
	const struct backend *b = j->exec->backend;
	struct child_spec spec = {
		.name = b->conf->name,
		.peer = call_caller(j->call)->peer,
		.holder = call_caller(j->call)->holder,
		.session = call_caller(j->call)->session,
		.budget = call_caller(j->call)->budget,
		.argv = (const char *const *)argv,
		.env = (const char *const *)j->exec->env,
		.cwd = j->tool->cwd ? j->tool->cwd : b->conf->cwd,
		.max_backlog = SIZE_MAX, /* the body of the request is limited already */
	};

	backend_confine_spec(b, &spec);
	return children_spawn(b->env->children, &spec, &child_events, j, &j->child, e);
}

/* What is wrong with the arguments is told as a result, for the model to read and do better (MCP,
 * Tools, "Error Handling"). */
static void refuse(struct call *c, const struct err *why)
{
	if (why->code == ERR_NOMEM)
		call_result_tree(c, NULL);
	else
		call_result_tree(c, toolresult_error("Invalid arguments: %s", why->text));
}

/* Starts the command for the call. */
static void run(struct exec *x, const struct config_tool *tool, struct call *c, char *const *argv,
		json_t *arguments)
{
	const struct log_scope scope = {.session = call_caller(c)->session,
					.backend = x->backend->conf->name};
	struct job *j = job_new(x, tool, c);
	struct err why = {.text = "out of memory"};

	if (!j || spawn(j, argv, &why) < 0 || write_arguments(j, arguments) < 0) {
		if (j)
			job_free(j);
		log_info(&scope, "tool %s could not be started: %s", tool->name, why.text);
		if (why.code == ERR_INVALID) /* too long for this system */
			refuse(c, &why);
		else
			call_error(c, RPC_INTERNAL_ERROR, NULL, "%s could not be started: %s",
				   tool->name, why.text);
		return;
	}
	call_attach(c, &call_back, j);
	call_set_deadline(c, tool->timeout_ms + DEADLINE_SLACK_MS);
}

static const struct config_tool *find_tool(const struct config_backend *conf, json_t *name)
{
	for (size_t i = 0; json_is_string(name) && i < conf->n_tools; i++)
		if (strcmp(conf->tools[i].name, json_string_value(name)) == 0)
			return &conf->tools[i];
	return NULL;
}

static void call_tool(struct exec *x, const struct config_tool *tool, struct call *c)
{
	json_t *schema = json_object_get(tool->entry, "inputSchema");
	struct err why = {0};
	json_t *arguments = json_incref(call_arguments_tree(c, &why));
	char **argv = NULL;

	if (!arguments)
		refuse(c, &why);
	else if (schema_validate(tool->input, arguments, &why) < 0 ||
		 placeholder_expand(tool->command, schema, arguments, &argv, &why) < 0)
		refuse(c, &why);
	else
		run(x, tool, c, argv, arguments);
	free(argv);
	json_decref(arguments);
}

static void exec_link_call(struct link *l, struct call *c)
{
	struct backend *b = l->backend;
	json_t *name = json_object_get(call_params(c), "name");
	const struct config_tool *tool;

	if (strcmp(call_method(c), "tools/call") != 0) {
		call_error(c, RPC_METHOD_NOT_FOUND, NULL, "%s offers tools only", b->conf->name);
		return;
	}
	tool = find_tool(b->conf, name);
	if (!tool)
		call_error(c, RPC_INVALID_PARAMS, NULL, "Unknown tool: %.200s",
			   json_is_string(name) ? json_string_value(name) : "(no name)");
	else
		call_tool(b->impl, tool, c);
}

static void exec_link_close(struct link *l)
{
	(void)l; /* the calls have ended, and with them their commands */
}

static int exec_init(struct backend *b, struct err *e)
{
	struct exec *x = calloc(1, sizeof *x);

	if (!x)
		return err_set(e, ERR_NOMEM, "out of memory");
	x->backend = b;
	x->env = environ_for_child(b->conf->env, e);
	if (!x->env || mask_add_env(&x->mask, b->conf->env) < 0) {
		environ_free(&x->env);
		mask_fini(&x->mask);
		free(x);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	TAILQ_INIT(&x->jobs);
	b->impl = x;
	return 0;
}

static void exec_stop(struct backend *b)
{
	struct exec *x = b->impl;
	struct job *j;

	while ((j = TAILQ_FIRST(&x->jobs))) {
		struct call *c = j->call;

		call_detach(c);
		job_free(j);
		backend_end_stopped(b, c);
	}
}

static void exec_fini(struct backend *b)
{
	struct exec *x = b->impl;

	exec_stop(b);
	environ_free(&x->env);
	mask_fini(&x->mask);
	free(x);
	b->impl = NULL;
}

/* What is offered stands in the configuration: there is nothing to wait for. */
static struct offer *make_offer(const struct backend *b)
{
	struct offer *o = offer_new(MCP_REV_LEGACY_NEWEST);
	int rc = 0;

	if (!o)
		return NULL;
	o->server_info = json_pack("{s:s, s:s}", "name", b->conf->name, "version", PACKAGE_VERSION);
	rc |= !o->server_info ? -1 : 0;
	rc |= json_object_set_new(o->capabilities, "tools", json_object());
	for (size_t i = 0; i < b->conf->n_tools; i++)
		rc |= json_array_append(o->lists[OFFER_TOOLS], b->conf->tools[i].entry);
	if (rc != 0)
		offer_unref(&o);
	return o;
}

static void exec_start(struct backend *b)
{
	static const struct err no_memory = {.code = ERR_NOMEM, .text = "out of memory"};
	struct offer *o = make_offer(b);

	if (o)
		backend_learned(b, o);
	else
		backend_failed(b, &no_memory);
}

static void exec_restart(struct backend *b)
{
	exec_stop(b);
	exec_start(b);
}

static void exec_describe(const struct backend *b, json_t *row)
{
	const struct exec *x = b->impl;

	json_object_set_new(row, "children", json_integer((json_int_t)x->n_jobs));
}

const struct backend_ops backend_exec_ops = {
	.kind = "exec",
	.init = exec_init,
	.fini = exec_fini,
	.start = exec_start,
	.stop = exec_stop,
	.restart = exec_restart,
	.describe = exec_describe,
	.link_call = exec_link_call,
	.link_close = exec_link_close,
};
