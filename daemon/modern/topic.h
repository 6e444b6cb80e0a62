/* SPDX-License-Identifier: ISC */
/* topic.h: the named subjects of subscriptions/listen: resources and tasks. mcpd subscribes to a
 * topic at its server once for all streams, and unsubscribes after the last one. */
#ifndef MCPD_TOPIC_H
#define MCPD_TOPIC_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "mcp/call.h"

struct pooled;
struct topic;
struct topics;

enum topic_kind { TOPIC_RESOURCE, TOPIC_TASK };

/* The membership of a stream in one topic; part of another object. Both callbacks may leave the
 * topic, and free the object that M is part of. */
struct topic_member {
	LIST_ENTRY(topic_member) link;
	struct topic *topic; /* NULL: in none */
	/* The server has answered: exactly once for each join, maybe before that returns, unless M
	 * left before. If it refused, M is in the topic no more. */
	void (*settled)(struct topic_member *m, bool granted);
	/* A notification about the topic. PARAMS is borrowed. */
	void (*told)(struct topic_member *m, const char *method, json_t *params);
};

/* NULL on lack of memory. */
struct topics *topics_new(void);
/* After the members have left, and before the pool is freed. */
void topics_free(struct topics **ts);

/* M hears of NAME of the server POOLED, one reference of which is taken over. 0, or ERR_NOMEM and
 * nothing comes. */
int topic_join(struct topics *ts, struct topic_member *m, struct pooled *pooled_take,
	       enum topic_kind kind, const char *name);
/* M leaves its topic, if it is in one. */
void topic_leave(struct topic_member *m);

/* Whether the notification METHOD of POOLED is about a topic; then its members were told. */
bool topics_tell(struct topics *ts, struct pooled *pooled, const char *method, json_t *params);
/* The end of a request that topic.c itself sent to POOLED: a request without an origin (struct
 * server_front). */
void topics_answered(struct topics *ts, const json_t *id, const struct answer *answer);

#endif
