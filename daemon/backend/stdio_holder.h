/* SPDX-License-Identifier: ISC */
/* stdio_holder.h: who gets which child, and who hears of what. For backend_stdio.c and stdio_*.c
 * alone. */
#ifndef MCPD_STDIO_HOLDER_H
#define MCPD_STDIO_HOLDER_H

#include <jansson.h>
#include <stdbool.h>

struct call;
struct holder;
struct instance;
struct link;

/* stdio_holder.c: who gets which child. */
/* L's, made on first need, with the instance for C or its own (its child running or starting). NULL
 * after it has ended C with the reason. */
struct holder *holder_for(struct link *l, struct call *c);
/* L's as it is now, maybe without an instance; NULL on lack of memory. */
struct holder *holder_of(struct link *l);
/* A call of H begins; it has ended. */
void holder_begun(struct holder *h);
void holder_ended(struct holder *h);
/* L goes: its calls have ended. */
void holder_close(struct link *l);

/* stdio_subs.c: who wants to hear of which resource. */
/* The URIs that H wants, a new reference; NULL on lack of memory. */
json_t *subs_of(const struct instance *in, const struct holder *h);
bool subs_any(const struct instance *in);
bool subs_has(const struct instance *in, const char *uri, const struct holder *h);
/* H (NULL: anybody) wants URI. 0 or ERR_NOMEM. */
int subs_add(struct instance *in, const char *uri, struct holder *h);
/* H does not want URI any more. Whether nobody does. */
bool subs_remove(struct instance *in, const char *uri, const struct holder *h);
/* H goes. What nobody wants any more, the child is told. */
void subs_drop_holder(struct instance *in, const struct holder *h);
void subs_drop_all(struct instance *in);
void subs_renew(struct instance *in); /* a fresh child is told all of it */
void subs_updated(struct instance *in, json_t *params);

#endif
