/* SPDX-License-Identifier: ISC */
/* asks.h: the questions that one session's client has not answered yet, under ids of our own. */
#ifndef MCPD_ASKS_H
#define MCPD_ASKS_H

#include <jansson.h>
#include <stddef.h>

#include "base/delayq.h"

struct asks;
struct event_base;
struct message;
struct question;

/* The time limit of all questions, shared by all sessions. */
struct delayq *asks_limit_new(struct event_base *base, int64_t limit_ms);

/* LIMIT outlives it. ON_WITHDRAWN (with the id that was sent) is called when the asker withdraws a
 * question. NULL on lack of memory. */
struct asks *asks_new(struct delayq *limit, void (*on_withdrawn)(json_int_t id, void *arg),
		      void *arg);
/* Refuses the open questions and frees the list. */
void asks_free(struct asks **a);

/* Takes Q and returns its id (1, 2, ...), or 0 on lack of memory (Q is refused then). */
json_int_t asks_add(struct asks *a, struct question *q_take);
/* The client's answer, a response (borrowed). ERR_NOTFOUND when no such question is open. */
int asks_answer(struct asks *a, const struct message *msg);
/* Refuses all open questions. */
void asks_refuse_all(struct asks *a, const char *why);
size_t asks_count(const struct asks *a);

#endif
