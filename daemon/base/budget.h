/* SPDX-License-Identifier: ISC */
/* budget.h: the memory that clients, children and upstreams make the daemon hold, counted at what
 * the memory costs, under one limit for the process (limits.maxMemory).
 *
 * A thing that holds memory (a body, a queue, a replay buffer) has a struct budget_part, which is
 * counted in the budget of a session or of a user, and in all budgets above that one. There are
 * three levels: the whole, a user or an address (the holder of share.h), and a session. A holder
 * may have more than its share as long as at least a quarter of the whole is free.
 *
 * Where memory is not there yet, budget_take() asks for it and may be refused. Where it cannot be
 * refused any more, budget_set() and budget_add() count it, and if that is too much, the reader
 * with the most unread output is cut in a later turn of the loop: first those of holders that have
 * more than their share, the largest holder first. */
#ifndef MCPD_BUDGET_H
#define MCPD_BUDGET_H

#include <stddef.h>
#include <sys/queue.h>

#include "lib/err.h"

struct budget;

/* The memory of one queue, body or buffer as the budget counts it. A zeroed part holds nothing and
 * is counted in the whole alone. The members are for budget.c. */
struct budget_part {
	struct budget *of; /* referenced; NULL: the whole */
	size_t held;	   /* bytes */
	void (*cut)(void *arg);
	void *arg;
	LIST_ENTRY(budget_part) readers; /* while CUT is set and HELD is worth a cut */
};

/* The limit in bytes (0: none) and the share of one holder in percent, for the whole process. */
void budget_setup(size_t max, unsigned percent);

/* A reference to the budget of HOLDER (exchange_holder(); copied). NULL, or no memory: that of the
 * whole. Never NULL. */
struct budget *budget_of(const char *holder);
/* A new budget within that of HOLDER, for a session; without memory it is that of HOLDER. Never
 * NULL. */
struct budget *budget_within(const char *holder);
struct budget *budget_ref(struct budget *b);
/* The parts that are counted in *B have references of their own. */
void budget_unref(struct budget **b);

/* Whether N bytes more fit into B (NULL: the whole). 0; ERR_DENIED: the holder has its share, and
 * less than a quarter of the whole is free; ERR_LIMIT: the whole is used up. E (may be NULL) names
 * the keys. */
int budget_check(const struct budget *b, size_t n, struct err *e);
/* The HTTP status for an error of budget_check(). */
int budget_status(int code);

/* N bytes more, or an error of budget_check(). A refusal for lack of room is logged, once a minute
 * for each holder, with WHAT was refused ("a request"). */
int budget_take(struct budget_part *p, size_t n, const char *what, struct err *e);
/* Logs that WHAT was refused because of E, as budget_take() does. */
void budget_refused(const struct budget *b, const char *what, const struct err *e);
/* N bytes more, that are there already; or N bytes less. */
void budget_add(struct budget_part *p, size_t n);
void budget_give(struct budget_part *p, size_t n);
/* The part holds N bytes by now. */
void budget_set(struct budget_part *p, size_t n);
/* The part is counted in B (NULL: the whole) from now on, with what it holds. */
void budget_move(struct budget_part *p, struct budget *b);
/* The memory of P is output that a client has not read. CUT is called from the event loop to end
 * that output: afterwards P holds nothing, and may be freed. */
void budget_reader(struct budget_part *p, void (*cut)(void *arg), void *arg);
/* The part holds nothing any more, and is zeroed. */
void budget_end(struct budget_part *p);

/* Bytes that are held in B (NULL: the whole). */
size_t budget_held(const struct budget *b);
/* The most that the whole has held, and the limit. */
size_t budget_peak(void);
size_t budget_max(void);

/* ---- what memory costs ---- */

/* A block of N bytes from malloc(). */
size_t budget_block(size_t n);

/* The memory of an evbuffer: its bytes and the blocks that libevent keeps them in. Zeroed before
 * the first use; the members are for budget.c. */
struct evbuffer;
struct budget_buffer {
	struct budget_part part;
	struct evbuffer *buffer; /* NULL: none is watched */
	size_t len, cost;	 /* when its blocks were last counted */
};
/* From now on the part of W holds what BUFFER does, and is counted in B (NULL: the whole). 0 or
 * ERR_NOMEM. */
int budget_watch(struct budget_buffer *w, struct evbuffer *buffer, struct budget *b);
/* Before the buffer is freed; also for a W without one. */
void budget_unwatch(struct budget_buffer *w);

#endif
