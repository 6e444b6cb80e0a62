/* SPDX-License-Identifier: ISC */
/* backend_web.c: tools behind a plain HTTP endpoint: one URL lists the tools, another calls one. */
#include "autoconf.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "backend/web_impl.h"
#include "base/delayq.h"
#include "config/config.h"
#include "credentials/grant.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "lib/wipe.h"
#include "mcp/toolresult.h"
#include "text/challenge.h"
#include "text/schema.h"

/* The call outlives its request by this, so that the request's own time limit speaks first. */
#define DEADLINE_SLACK_MS 5000

/* A call on its way to the endpoint. */
struct job {
	TAILQ_ENTRY(job) entry;
	struct web *web;
	struct call *call;
	json_t *tool;	       /* as it was listed when the call came */
	struct schema *output; /* what it promised then; NULL: nothing that is checked */
	char *body;
	size_t len;
	struct credential_wait *wait;
	char *line; /* the credential that was sent; NULL: none */
	struct fetch *fetch;
	int64_t until; /* clock_ms() */
	bool retried;  /* after a 401 */
};

static void job_free(struct job *j)
{
	credentials_cancel(&j->wait);
	fetch_cancel(&j->fetch);
	wipe_free(j->line);
	free(j->body);
	json_decref(j->tool);
	schema_unref(&j->output);
	TAILQ_REMOVE(&j->web->jobs, j, entry);
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

static const char *job_name(const struct job *j)
{
	return json_string_value(json_object_get(j->tool, "name"));
}

static json_t *unreachable(const struct job *j, const struct err *e)
{
	const struct config_backend *conf = j->web->backend->conf;

	if (e->code == ERR_NOMEM)
		return NULL;
	if (e->code == ERR_TIMEOUT)
		return toolresult_error("%s: timed out after %.15g s (callTimeout)", job_name(j),
					(double)conf->call_timeout_ms / 1000);
	if (e->code == ERR_LIMIT || e->code == ERR_PROTOCOL)
		return toolresult_error("%s: %s", job_name(j), e->text);
	return toolresult_error("%s: the web endpoint cannot be reached: %s", job_name(j), e->text);
}

static void job_begin(struct job *j);

/* The credential is not good any more: once more, with another one, if there may be one. */
static bool try_again(struct job *j, const struct fetch_answer *a)
{
	const struct backend *b = j->web->backend;

	if (a->status != 401 || j->retried)
		return false;
	j->retried = credentials_refused(b->env->credentials, b->conf, call_caller(j->call)->user,
					 call_bearer(j->call), j->line);
	if (!j->retried)
		return false;
	job_begin(j);
	return true;
}

/* The client's token (or one that was given for it) lacks a scope: that is for the client to get,
 * not for the model to read. Whether it was so, and J has ended. */
static bool denied(struct job *j, const struct fetch_answer *a)
{
	const struct config_backend *conf = j->web->backend->conf;
	struct call *c = j->call;
	char *scope = NULL, *name;

	if ((a->status == 403 || a->status == 401) && a->www_authenticate &&
	    credentials_per_token(conf))
		scope = challenge_scope(a->www_authenticate);
	name = scope ? strdup(job_name(j)) : NULL;
	if (!scope || !name) {
		free(scope);
		return false;
	}
	call_detach(c);
	job_free(j);
	call_set_scope(c, scope);
	call_error(
		c, RPC_INTERNAL_ERROR, NULL,
		"%s: the web endpoint answered HTTP %d: insufficient_scope (it needs \"%.300s\")",
		name, a->status, scope);
	free(scope);
	free(name);
	return true;
}

static void on_answer(struct fetch *f, const struct fetch_answer *a, const struct err *e, void *arg)
{
	struct job *j = arg;
	struct web *w = j->web;

	(void)f;
	j->fetch = NULL;
	if (!a) {
		job_end(j, unreachable(j, e));
		return;
	}
	if (try_again(j, a) || denied(j, a))
		return;
	if (a->status == 404) /* the tool may have been removed */
		web_learn_soon(w);
	job_end(j, web_result(j->tool, j->output, a, w->backend->env->limits->max_depth));
}

/* May end the job. */
static void on_credential(const char *line, const struct err *e, void *arg)
{
	struct job *j = arg;
	struct web *w = j->web;
	int64_t left = j->until - clock_ms();
	struct httpc_spec spec = {
		.method = "POST",
		.url = w->invoke_url,
		.body = j->body,
		.len = j->len,
		.timeout_ms = left > 0 ? left : 1,
		.budget = call_caller(j->call)->budget,
	};
	struct err why = {.code = ERR_NOMEM};

	wipe_free(j->line);
	j->line = line ? strdup(line) : NULL;
	if (e) {
		job_end(j, e->code == ERR_NOMEM ? NULL
						: toolresult_error("%s: %s", job_name(j), e->text));
		return;
	}
	if (!line || j->line)
		j->fetch =
			web_fetch(w, &spec, line, w->backend->conf->max_output, on_answer, j, &why);
	if (!j->fetch)
		job_end(j, unreachable(j, &why));
}

static void job_begin(struct job *j)
{
	const struct backend *b = j->web->backend;

	credentials_get(b->env->credentials, b->conf, call_caller(j->call)->user,
			call_bearer(j->call), on_credential, j, &j->wait);
}

static void on_cancel(struct call *c, const char *reason, void *arg)
{
	(void)c;
	(void)reason;
	job_free(arg);
}

static const struct call_back call_back = {.cancel = on_cancel};

static struct job *job_new(struct web *w, json_t *tool, struct call *c, json_t *arguments)
{
	json_t *message = json_pack("{s:O, s:O}", "name", json_object_get(tool, "name"),
				    "arguments", arguments);
	struct job *j = message ? calloc(1, sizeof *j) : NULL;

	if (j)
		j->body = jsonrpc_dump(message, &j->len);
	json_decref(message);
	if (!j || !j->body) {
		free(j);
		return NULL;
	}
	j->web = w;
	j->call = c;
	j->tool = json_incref(tool);
	j->output = schema_ref(web_tools_output(w->tools, job_name(j)));
	j->until = clock_ms() + w->backend->conf->call_timeout_ms;
	TAILQ_INSERT_TAIL(&w->jobs, j, entry);
	return j;
}

static void run(struct web *w, json_t *tool, struct call *c, json_t *arguments)
{
	struct job *j = job_new(w, tool, c, arguments);

	if (!j) {
		call_result_tree(c, NULL);
		return;
	}
	call_attach(c, &call_back, j);
	call_set_deadline(c, w->backend->conf->call_timeout_ms + DEADLINE_SLACK_MS);
	job_begin(j);
}

static void call_tool(struct web *w, const char *name, json_t *tool, struct call *c)
{
	struct err why;
	json_t *arguments = json_incref(call_arguments_tree(c, &why));
	int rc = arguments ? web_tools_check(w->tools, name, arguments, &why) : why.code;

	if (rc == 0)
		run(w, tool, c, arguments);
	else if (rc == ERR_NOMEM)
		call_result_tree(c, NULL);
	else /* for the model to read and do better (MCP, Tools, "Error Handling") */
		call_result_tree(c, toolresult_error("Invalid arguments: %s", why.text));
	json_decref(arguments);
}

static void web_link_call(struct link *l, struct call *c)
{
	struct web *w = l->backend->impl;
	const char *name = json_string_value(json_object_get(call_params(c), "name"));
	json_t *tool = NULL;

	if (strcmp(call_method(c), "tools/call") != 0) {
		call_error(c, RPC_METHOD_NOT_FOUND, NULL, "%s offers tools only",
			   l->backend->conf->name);
		return;
	}
	if (name && w->tools)
		tool = web_tools_entry(w->tools, name);
	if (tool) {
		call_tool(w, name, tool, c);
		return;
	}
	web_learn_soon(w);
	call_error(c, RPC_INVALID_PARAMS, NULL, "Unknown tool: %.200s",
		   name != NULL ? name : "(no name)");
}

static void web_link_close(struct link *l)
{
	(void)l; /* the calls have ended, and with them their requests */
}

static void web_stop(struct backend *b)
{
	struct web *w = b->impl;
	struct job *j;

	web_learn_stop(w);
	while ((j = TAILQ_FIRST(&w->jobs))) {
		struct call *c = j->call;

		call_detach(c);
		job_free(j);
		backend_end_stopped(b, c);
	}
}

static void web_fini(struct backend *b)
{
	struct web *w = b->impl;

	web_stop(b);
	mask_fini(&w->mask);
	web_tools_free(&w->tools);
	free(w->list_url);
	free(w->invoke_url);
	free(w);
	b->impl = NULL;
}

static int web_init(struct backend *b, struct err *e)
{
	struct web *w = calloc(1, sizeof *w);

	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory");
	TAILQ_INIT(&w->jobs);
	w->backend = b;
	b->impl = w;
	web_learn_init(w);
	w->list_url = url_join(b->conf->url, b->conf->tools_path);
	w->invoke_url = url_join(b->conf->url, b->conf->invoke_path);
	if (w->list_url && w->invoke_url &&
	    mask_add_headers(&w->mask, (const char *const *)(uintptr_t)b->conf->headers.lines) == 0)
		return 0;
	web_fini(b);
	return err_set(e, ERR_NOMEM, "out of memory");
}

static void web_start(struct backend *b)
{
	web_learn(b->impl);
}

static void web_restart(struct backend *b)
{
	web_stop(b);
	web_start(b);
}

const struct backend_ops backend_web_ops = {
	.kind = "web",
	.init = web_init,
	.fini = web_fini,
	.start = web_start,
	.stop = web_stop,
	.restart = web_restart,
	.link_call = web_link_call,
	.link_close = web_link_close,
};
