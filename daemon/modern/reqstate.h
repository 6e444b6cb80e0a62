/* SPDX-License-Identifier: ISC */
/* reqstate.h: the requestState that a client carries from one round of a request to the next
 * (2026-07-28, "Multi Round-Trip Requests"). A state is sealed for one user and one request, and
 * can be used once. It names a request that is parked here, or holds the state of a server that
 * keeps its state with the client. */
#ifndef MCPD_REQSTATE_H
#define MCPD_REQSTATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct config_limits;
struct event_base;
struct jsontext;
struct reqstates;
struct share;
struct view;

/* What a state is bound to; all is borrowed. */
struct reqstate_bound {
	const char *user; /* NULL: unauthenticated */
	const struct view *view;
	const char *method;
	json_t *params;
	struct jsontext *arguments; /* which PARAMS lack; NULL: none */
};

/* LIMITS outlive it. NULL with E filled. */
struct reqstates *reqstates_new(struct event_base *base, const struct config_limits *limits,
				struct err *e);
void reqstates_free(struct reqstates **rs);

/* The state of the request that is parked under HANDLE in ROUND: malloc'd; NULL on lack of memory.
 */
char *reqstate_of_parked(const struct reqstates *rs, const struct reqstate_bound *to,
			 uint64_t handle, unsigned round);
/* Puts a sealed state in the place of the one in RESULT, which nobody else sees, and which a server
 * gave its client to keep. A RESULT without one is left alone. False on lack of memory. */
bool reqstate_seal(struct reqstates *rs, const struct reqstate_bound *to, json_t *result);

/* What STATE (NULL: it was no string) says: a new reference, or NULL with E = ERR_DENIED or
 * ERR_NOMEM. */
json_t *reqstate_open(const struct reqstates *rs, const struct reqstate_bound *to,
		      const char *state, struct err *e);
/* Members of what reqstate_open() returned. */
void reqstate_parked(const json_t *opened, uint64_t *handle_r, unsigned *round_r);
json_t *reqstate_theirs(const json_t *opened); /* NULL: it holds no state of a server */
/* OPENED, a state of a server, is used by HOLDER. 0, ERR_EXISTS when it was before, or as
 * once_use(). */
int reqstate_use(struct reqstates *rs, const json_t *opened, const char *holder, struct err *e);
const struct share *reqstates_share(const struct reqstates *rs);

#endif
