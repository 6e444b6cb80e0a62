/* SPDX-License-Identifier: ISC */
/* stdio_holder.h: which instance a link uses, and which holders have subscribed to which resource.
 * For backend_stdio.c and stdio_*.c alone. */
#ifndef MCPD_STDIO_HOLDER_H
#define MCPD_STDIO_HOLDER_H

#include <jansson.h>
#include <stdbool.h>

struct call;
struct holder;
struct instance;
struct link;

/* stdio_holder.c: which instance a link uses. */
/* The holder of L, made on first need, with the instance for C (its child running or starting).
 * NULL after C was ended with the reason. */
struct holder *holder_for(struct link *l, struct call *c);
/* The holder of L, perhaps without an instance; NULL on lack of memory. */
struct holder *holder_of(struct link *l);
/* A call of H begins; it has ended. */
void holder_begun(struct holder *h);
void holder_ended(struct holder *h);
/* L, whose calls have ended, is being closed: releases its holder. */
void holder_close(struct link *l);

/* stdio_subs.c: which holder has subscribed to which resource. */
/* The URIs of the subscriptions of H, a new reference; NULL on lack of memory. */
json_t *subs_of(const struct instance *in, const struct holder *h);
bool subs_any(const struct instance *in);
bool subs_has(const struct instance *in, const char *uri, const struct holder *h);
/* Adds a subscription of H (NULL: of no holder) to URI. 0 or ERR_NOMEM. */
int subs_add(struct instance *in, const char *uri, struct holder *h);
/* Removes the subscription of H to URI. Whether it was the last one. */
bool subs_remove(struct instance *in, const char *uri, const struct holder *h);
/* Removes the subscriptions of H, and unsubscribes from URIs without another holder. */
void subs_drop_holder(struct instance *in, const struct holder *h);
void subs_drop_all(struct instance *in);
void subs_renew(struct instance *in); /* a fresh child is told all of it */
void subs_updated(struct instance *in, json_t *params);

#endif
