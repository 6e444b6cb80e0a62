/* SPDX-License-Identifier: ISC */
/* question.h: what a backend asks of the client in the middle of (or outside) a call: sampling,
 * elicitation, roots, ping.
 *
 * It ends exactly once: the front answers it, or the asker withdraws it. Both may happen from
 * inside callbacks; the memory goes in a later turn. */
#ifndef MCPD_QUESTION_H
#define MCPD_QUESTION_H

#include <jansson.h>

#include "lib/err.h"
#include "lib/protocol.h"

struct question;

/* To the asker: RESULT or ERROR (a JSON-RPC error object) is not NULL, both borrowed. */
typedef void (*question_answer_fn)(struct question *q, json_t *result, json_t *error, void *arg);
/* To the front: nobody wants the answer any more. */
typedef void (*question_withdrawn_fn)(struct question *q, void *arg);

/* METHOD is copied; PARAMS may be NULL. NULL on lack of memory (PARAMS released). */
struct question *question_new(const char *method, json_t *params_take, question_answer_fn fn,
			      void *arg);
const char *question_method(const struct question *q);
json_t *question_params(const struct question *q); /* borrowed, may be NULL */

/* Q, asked in revision FROM, is for a client that speaks TO: its parameters are put in the client's
 * words, and the answer in those of the asker (translate.h). 0; ERR_UNSUPPORTED: TO has no words
 * for it; ERR_NOMEM. Q is as it was then. */
int question_translate(struct question *q, enum mcp_rev from, enum mcp_rev to, struct err *e);

/* PARAMS (borrowed) replace those of Q; they differ by the id of ours that stands under KEY of
 * their _meta. An answer that repeats it gets the asker's back in its place. */
void question_relate(struct question *q, json_t *params, const char *key);

/* The front takes Q on and wants to hear of a withdrawal. */
void question_take(struct question *q, question_withdrawn_fn fn, void *arg);

/* The front's end. Exactly one of RESULT and ERROR; both consumed. */
void question_answer(struct question *q, json_t *result_take, json_t *error_take);
/* The same with an error of ours. */
void question_refuse(struct question *q, int code, const char *message);
/* The asker's end: the call was cancelled, the child died. */
void question_withdraw(struct question *q);

#endif
