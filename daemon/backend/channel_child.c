/* SPDX-License-Identifier: ISC */
/* channel_child.c: the channel to a server that is a child: one line for each message over its
 * standard input and output. */
#include "autoconf.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/stdio_impl.h"
#include "base/budget.h"
#include "base/container.h"
#include "base/mask.h"
#include "credentials/userenv.h"
#include "lib/bufadd.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"

/* Lines of the server that are taken also where the budget is used up. */
#define MIN_LINE ((size_t)64 << 10)

static void on_exit_status(struct child *c, int status, void *arg)
{
	struct instance *in = arg;
	char text[64];

	in->child = NULL; /* it needs no stopping */
	instance_lost(in, c, "the server %s%s", child_status_text(status, text, sizeof text),
		      instance_ready(in) ? "" : " before initialize was answered");
}

/* The child closed its stdin or stdout. Mostly it is about to exit, and its exit status says more
 * than the closed pipe, so there is a short wait for the exit. */
static void on_eof(struct child *c, void *arg)
{
	struct instance *in = arg;

	(void)c;
	if (!in->child_due.queued)
		delayq_add(in->s->exiting, &in->child_due);
}

/* The child closed a pipe, and has not exited within EXIT_MS. */
void instance_on_no_exit(struct delayq_node *node, void *arg)
{
	struct instance *in = container_of(node, struct instance, child_due);

	(void)arg;
	instance_fail(in, "the server closed its standard input or output without exiting, and was "
			  "stopped");
}

/* TEXT with a space in the place of each line break, which between values is white space: a client
 * may write arguments over several lines. A new reference; NULL on lack of memory. */
static struct jsontext *on_one_line(struct jsontext *text)
{
	size_t len = 0;
	const char *bytes;
	char *line;

	if (jsontext_is_line(text))
		return jsontext_ref(text);
	bytes = jsontext_bytes(text, &len);
	line = bytes ? malloc(len + 1) : NULL;
	for (size_t i = 0; line && i < len; i++)
		line[i] = bytes[i] == '\n' || bytes[i] == '\r' ? ' ' : bytes[i];
	if (line)
		line[len] = '\0';
	return line ? jsontext_take(line, len) : NULL;
}

static int child_send(struct instance *in, json_t *msg, struct jsontext *text,
		      struct bearer *bearer)
{
	struct jsontext *line = on_one_line(text);
	struct evbuffer *buf = line ? evbuffer_new() : NULL;
	int rc = ERR_NOMEM;

	(void)msg;
	(void)bearer; /* a child keeps the user that it was started for */
	if (buf && jsontext_write(buf, line) == 0 && bufadd(buf, "\n", 1) == 0)
		rc = in->child ? child_write_buffer(in->child, buf) : ERR_CLOSED;
	if (buf)
		evbuffer_free(buf);
	jsontext_unref(&line);
	if (rc == ERR_CLOSED && in->child) {
		on_eof(in->child, in); /* the exit status will follow */
		rc = 0;
	}
	return rc;
}

static void pause(struct instance *in)
{
	if (in->child)
		child_pause(in->child);
}

static void resume(struct instance *in)
{
	if (in->child)
		child_resume(in->child);
}

/* A line of the child C. It may lead to the end of the child. */
static void on_line(struct instance *in, struct child *c, char *line_take, size_t len)
{
	struct jsontext *text = jsontext_take(line_take, len);
	const char *bytes = text ? jsontext_bytes(text, &len) : NULL;

	if (!bytes) {
		mcpclient_lost_message(in->client, "", 0,
				       "out of memory for a message of the server");
		return;
	}
	mcpclient_feed_text(in->client, text, 0);
	if (in->child == c)
		instance_brake(in, 0, bytes, len);
	jsontext_unref(&text);
}

/* A line of C was longer than could be kept. */
static void lose_line(struct instance *in, const struct err *no_room)
{
	char why[sizeof no_room->text + 96];

	if (no_room->code)
		snprintf(why, sizeof why, "there was no memory for a message of the server: %s",
			 no_room->text);
	else
		snprintf(why, sizeof why,
			 "the server sent more than %zu bytes in one line (limits.maxLine)",
			 in->lines.max);
	mcpclient_lost_message(in->client, in->lines.begin, in->lines.begin_len, why);
}

/* How long a line of C in FROM may be now, with E where that is less than the configured limit. */
static size_t max_line(const struct instance *in, const struct child *c, struct evbuffer *from,
		       struct err *e)
{
	size_t max = in->s->b->env->limits->max_line;

	e->code = 0;
	if (max <= MIN_LINE || evbuffer_get_length(from) <= MIN_LINE || child_has_room(c, e))
		return max;
	return MIN_LINE;
}

static void on_stdout(struct child *c, struct evbuffer *from, void *arg)
{
	struct instance *in = arg;
	enum lines_result r = LINES_GOT;
	struct err no_room;
	char *text;
	size_t len;

	in->lines.max = max_line(in, c, from, &no_room);
	/* Any message may lead to the end of the child, or to another one. */
	while (in->child == c && r != LINES_MORE && r != LINES_NOMEM && !child_paused(c)) {
		r = lines_next(&in->lines, from, &text, &len);
		if (r == LINES_GOT)
			on_line(in, c, text, len);
		else if (r == LINES_TOO_LONG)
			lose_line(in, &no_room);
	}
	if (r == LINES_NOMEM && in->child == c)
		instance_fail(in, "out of memory");
}

/* Whether the child is of those alone who are one holder with the caller that needs it first. */
static bool is_of_caller(const struct instance *in, const struct caller *caller)
{
	switch (in->role) {
	case INSTANCE_SESSION:
		return true;
	case INSTANCE_USER: /* all who are not authenticated have one together */
		return caller->user;
	case INSTANCE_SHARED:
	case INSTANCE_PROBE:
		break;
	}
	return false;
}

static int child_open(struct instance *in, const struct caller *caller, struct err *e)
{
	static const struct child_events events = {
		.on_stdout = on_stdout, .on_eof = on_eof, .on_exit = on_exit_status};
	const struct backend *b = in->s->b;
	const struct log_scope scope = instance_scope(in);
	bool own = !caller || in->role == INSTANCE_PROBE || in->role == INSTANCE_SHARED;
	struct child_spec spec = {
		.name = b->conf->name,
		.max_of_name = b->conf->max_children,
		.peer = caller && in->role != INSTANCE_SHARED ? caller->peer : NULL,
		.holder = caller && is_of_caller(in, caller) ? caller->holder : NULL,
		.session = scope.session,
		.argv = (const char *const *)(uintptr_t)b->conf->argv,
		.cwd = b->conf->cwd,
		.max_backlog = b->env->limits->max_line,
	};
	char **env = userenv_new(b->env->credentials, b->conf, caller != NULL ? caller->user : NULL,
				 own, e);
	int rc;

	if (!env)
		return e->code;
	spec.env = (const char *const *)(uintptr_t)env;
	spec.budget = instance_budget(in, caller);
	backend_confine_spec(b, &spec);
	mask_fini(&in->mask);
	spec.mask = &in->mask;
	rc = userenv_mask(b->conf, env, &in->mask) < 0
		     ? err_set(e, ERR_NOMEM, "out of memory")
		     : children_spawn(b->env->children, &spec, &events, in, &in->child, e);
	userenv_free(&env);
	budget_unref(&spec.budget);
	if (rc < 0)
		return rc;
	log_info(&scope, "started child %d", (int)child_pid(in->child));
	lines_init(&in->lines, b->env->limits->max_line);
	return 0;
}

const struct instance_channel channel_child = {
	.open = child_open, .send = child_send, .pause = pause, .resume = resume};
