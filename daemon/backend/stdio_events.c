/* SPDX-License-Identifier: ISC */
/* stdio_events.c: passes notifications and questions of a server to the links that may get them. */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>

#include "backend/stdio_holder.h"
#include "backend/stdio_impl.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "mcp/question.h"

/* The link that an instance belongs to alone; NULL for the others. */
static struct link *only_link(const struct instance *in)
{
	struct holder *h = TAILQ_FIRST(&in->holders);

	return in->role == INSTANCE_SESSION && h ? h->link : NULL;
}

static void to_link(struct instance *in, const char *method, json_t *params)
{
	struct link *l = only_link(in);

	if (l)
		l->events->notification(l, method, params, l->arg);
}

/* Several sessions share the child, and the message does not name its session, so no session gets
 * it.
 */
static void log_message(const struct instance *in, json_t *params)
{
	const struct log_scope scope = {.backend = in->s->b->conf->name};
	const char *level = json_string_value(json_object_get(params, "level"));
	char *data;

	if (log_get_level() < LOGL_DEBUG)
		return;
	data = json_dumps(json_object_get(params, "data"), JSON_COMPACT | JSON_ENCODE_ANY);
	if (data)
		mask_here(&in->mask, data, false);
	log_debug(&scope, "message of the server (%s): %s", level != NULL ? level : "no level",
		  data != NULL ? data : "no data");
	free(data);
}

static void on_message(struct instance *in, const char *method, json_t *params)
{
	struct call *c = mcpclient_only_call(in->client);

	if (in->role != INSTANCE_SESSION)
		log_message(in, params);
	else if (c)
		call_notify(c, method, params);
	else
		to_link(in, method, params);
}

static void on_updated(struct instance *in, const char *method, json_t *params)
{
	(void)method;
	subs_updated(in, params);
}

/* Only the session that has the task knows its id; the others hear nothing of it. */
static void to_links(struct instance *in, const char *method, json_t *params)
{
	size_t n = 0;
	struct link **links = instance_links(in, &n);

	for (size_t i = 0; i < n; i++)
		if (links[i]->impl)
			links[i]->events->notification(links[i], method, params, links[i]->arg);
	free(links);
}

static const struct {
	const char *method;
	void (*fn)(struct instance *in, const char *method, json_t *params);
} notifications[] = {
	{"notifications/message", on_message},
	{"notifications/resources/updated", on_updated},
	{"notifications/elicitation/complete", to_link},
	{"notifications/tasks/status", to_links},
	{"notifications/tasks", to_links},
};

void stdio_on_notification(struct mcpclient *m, const char *method, json_t *params, void *arg)
{
	struct instance *in = arg;
	unsigned kinds = offer_changed_kinds(method);

	(void)m;
	if (kinds != 0) {
		learn_on_list_changed(in, kinds);
		return;
	}
	for (size_t i = 0; i < sizeof notifications / sizeof notifications[0]; i++)
		if (strcmp(method, notifications[i].method) == 0)
			notifications[i].fn(in, method, params);
}

void stdio_on_question(struct mcpclient *m, struct question *q_take, void *arg)
{
	struct link *l = only_link(arg);

	(void)m;
	if (l)
		l->events->question(l, q_take, l->arg);
	else
		question_refuse(q_take, RPC_METHOD_NOT_FOUND, "there is no client to ask");
}
