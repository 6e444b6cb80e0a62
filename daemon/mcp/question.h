/* SPDX-License-Identifier: ISC */
/* question.h: a request of a backend to the client, during a call or outside of one: sampling,
 * elicitation, roots, ping.
 *
 * A question ends exactly once: the front answers, or the asker withdraws. Both may happen inside
 * callbacks; the memory is freed in a later turn of the loop. */
#ifndef MCPD_QUESTION_H
#define MCPD_QUESTION_H

#include <jansson.h>

#include "lib/err.h"
#include "lib/protocol.h"

struct budget;
struct jsontext;
struct question;

/* To the asker: RESULT or ERROR (a JSON-RPC error object) is not NULL, both borrowed. */
typedef void (*question_answer_fn)(struct question *q, struct jsontext *result, json_t *error,
				   void *arg);
/* To the front: the asker has withdrawn Q. */
typedef void (*question_withdrawn_fn)(struct question *q, void *arg);

/* METHOD is copied; PARAMS may be NULL. NULL on lack of memory (PARAMS released). */
struct question *question_new(const char *method, json_t *params_take, question_answer_fn fn,
			      void *arg);
const char *question_method(const struct question *q);
json_t *question_params(const struct question *q); /* borrowed, may be NULL */

/* Q, asked in revision FROM, is for a client that speaks TO: its parameters are translated to TO,
 * and the answer to FROM (translate.h). 0; ERR_UNSUPPORTED: Q cannot be expressed in TO; ERR_NOMEM.
 * After an error Q is unchanged. */
int question_translate(struct question *q, enum mcp_rev from, enum mcp_rev to, struct err *e);

/* PARAMS (borrowed) replace those of Q, and differ by an id of ours under KEY of their _meta. In an
 * answer that repeats the id, the asker's own id takes its place. */
void question_relate(struct question *q, json_t *params, const char *key);

/* What Q holds is counted in B; before: in the whole daemon's budget. */
void question_charge(struct question *q, struct budget *b);
/* The front takes Q, and FN is called if the asker withdraws Q. */
void question_take(struct question *q, question_withdrawn_fn fn, void *arg);

/* The front's end. Exactly one of RESULT and ERROR; both consumed. A RESULT that is no object, or
 * has to be looked into and is over limits.maxTree, becomes an error. */
void question_answer(struct question *q, struct jsontext *result_take, json_t *error_take);
/* Ends Q with an error of ours. */
void question_refuse(struct question *q, int code, const char *message);
/* The asker's end: the call was cancelled, the child died. */
void question_withdraw(struct question *q);

#endif
