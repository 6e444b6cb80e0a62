/* SPDX-License-Identifier: ISC */
/* mcpclient_base.c: the lowest part of the client role: sending, logging, and the properties of the
 * server. See mcpclient.h. */
#include "autoconf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"
#include "client/mcpclient_impl.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "mcp/message.h"
#include "mcp/offer.h"

/* Sends TEXT (consumed; NULL: there was no memory for it), which MSG is a part of. */
static int send(struct mcpclient *m, json_t *msg, struct jsontext *text_take, struct bearer *bearer)
{
	int rc = ERR_NOMEM;

	if (m->state == MCPCLIENT_CLOSED)
		rc = ERR_CLOSED;
	else if (text_take)
		rc = m->events->send(m, msg, text_take, bearer, m->arg);
	jsontext_unref(&text_take);
	return rc;
}

int mcpclient_send_call(struct mcpclient *m, json_t *msg_take, struct jsontext *arguments,
			struct bearer *bearer)
{
	int rc = send(m, msg_take,
		      arguments ? message_text(msg_take, arguments)
				: jsontext_of(json_incref(msg_take)),
		      bearer);

	json_decref(msg_take);
	return rc;
}

int mcpclient_send(struct mcpclient *m, json_t *msg_take)
{
	return mcpclient_send_call(m, msg_take, NULL, NULL);
}

void mcpclient_respond(struct mcpclient *m, struct jsontext *response_take)
{
	send(m, NULL, response_take, NULL);
}

void mcpclient_grumble(struct mcpclient *m, const char *fmt, ...)
{
	const struct log_scope scope = {.backend = m->name};
	unsigned long dropped;
	char text[256];
	va_list ap;
	int len;

	if (!ratelimit_pass(&m->grumble))
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	mask_here(m->mask, text, len >= (int)sizeof text);
	dropped = ratelimit_dropped(&m->grumble);
	if (dropped > 0)
		log_info(&scope, "%lu complaints like the next one not shown", dropped);
	log_info(&scope, "the server %s", text);
}

void mcpclient_notify(struct mcpclient *m, const char *method, json_t *params)
{
	mcpclient_send(m, jsonrpc_notification(method, json_incref(params)));
}

unsigned long mcpclient_useless(const struct mcpclient *m)
{
	return m->useless;
}

const char *mcpclient_noise(const struct mcpclient *m)
{
	return m->noise;
}

bool mcpclient_ready(const struct mcpclient *m)
{
	return m->state == MCPCLIENT_READY;
}

bool mcpclient_is_modern(const struct mcpclient *m)
{
	return m->state == MCPCLIENT_READY && !mcp_rev_is_legacy(m->rev);
}

struct offer *mcpclient_introduction(const struct mcpclient *m)
{
	struct offer *o = offer_new(m->rev);

	if (!o)
		return NULL;
	if (m->instructions && !(o->instructions = strdup(m->instructions))) {
		offer_unref(&o);
		return NULL;
	}
	json_decref(o->capabilities);
	o->capabilities = json_incref(m->server_capabilities);
	o->server_info = json_incref(m->server_info);
	return o;
}

bool mcpclient_can(const struct mcpclient *m, const char *capability)
{
	return json_object_get(m->server_capabilities, capability);
}

void mcpclient_mask(const struct mcpclient *m, char *text, bool cut)
{
	mask_here(m->mask, text, cut);
}

const char *mcpclient_name(const struct mcpclient *m)
{
	return m->name;
}
