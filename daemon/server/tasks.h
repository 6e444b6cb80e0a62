/* SPDX-License-Identifier: ISC */
/* tasks.h: tasks that backends run for one client, and the ids that the client gets for them.
 *
 * Two backends may use the same id, and an id gives access to its task. So the client gets 128
 * random bits instead, which are valid in one server only. Beyond TASKS_MAX the task that was not
 * used for longest is forgotten. */
#ifndef MCPD_TASKS_H
#define MCPD_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tasks;

#define TASKS_MAX     256
#define TASKS_MAX_ID  1024		/* bytes of a backend's id */
#define TASKS_TTL_MAX INT64_C(86400000) /* ms, a day: also of tasks without a ttl */

/* NULL on lack of memory. */
struct tasks *tasks_new(void);
void tasks_free(struct tasks **t);

/* The client's id of task REMOTE of backend SOURCE, made when the task is new, and valid for TTL_MS
 * from now (0 or less: TASKS_TTL_MAX). Borrowed until the next change. NULL on lack of memory or
 * entropy, and for a REMOTE over TASKS_MAX_ID. */
const char *tasks_add(struct tasks *t, size_t source, const char *remote, int64_t ttl_ms);
/* The client's id of task REMOTE of backend SOURCE (borrowed likewise); NULL: the task is unknown.
 */
const char *tasks_id(const struct tasks *t, size_t source, const char *remote);
/* Finds the task with the client's id ID: its backend, and the backend's id. False: unknown. */
bool tasks_find(struct tasks *t, const char *id, size_t *source_r, const char **remote_r);
/* Forgets the tasks whose time is over, and returns the number of the others. T may be NULL. */
size_t tasks_count(struct tasks *t);

#endif
