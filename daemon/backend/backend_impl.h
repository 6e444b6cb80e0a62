/* SPDX-License-Identifier: ISC */
/* backend_impl.h: the interface of the kinds of backends; for their files alone. */
#ifndef MCPD_BACKEND_IMPL_H
#define MCPD_BACKEND_IMPL_H

#include <sys/queue.h>

#include "backend/backend.h"
#include "base/defer.h"
#include "process/cgroup.h"
#include "process/sandbox.h"

#define BACKEND_WATCHES 8

struct child_spec;

struct backend_ops {
	const char *kind;
	int (*init)(struct backend *b, struct err *e); /* sets b->impl */
	void (*fini)(struct backend *b);
	void (*start)(struct backend *b);
	void (*stop)(struct backend *b);
	void (*restart)(struct backend *b);
	void (*describe)(const struct backend *b, json_t *row); /* adds its own members */
	void (*link_call)(struct link *l, struct call *c);
	/* Releases l->impl, if any. The adapter must not report through L any more; L is freed
	 * later. */
	void (*link_close)(struct link *l);
	void (*link_notify)(struct link *l, const char *method, json_t *params); /* may be NULL */
	int (*link_pid)(const struct link *l);					 /* may be NULL */
	void (*link_processes)(const struct link *l, json_t *rows);		 /* may be NULL */
};

struct link {
	TAILQ_ENTRY(link) entry;
	struct backend *backend;
	const struct caller *caller;
	const struct link_events *events;
	void *arg;
	struct offer *own; /* NULL: as the backend's */
	void *impl;	   /* the adapter's */
	struct defer freeing;
};

struct backend {
	const struct backend_ops *ops;
	const struct backend_env *env;
	struct backend_confinement confinement; /* empty before the start */
	const struct config_backend *conf;
	enum backend_state state;
	struct err why;
	struct offer *offer;
	TAILQ_HEAD(, link) links;
	struct backend_watch watches[BACKEND_WATCHES];
	size_t n_watches;
	unsigned long calls;	     /* ever */
	struct sandbox_rules rules;  /* "sandbox"; empty without */
	struct cgroup_limits limits; /* "resources" */
	void *impl;		     /* the adapter's */
};

/* backend.c: backend_new() for a backend with the adapter OPS. */
struct backend *backend_of_kind(const struct backend_ops *ops, const struct backend_env *env,
				const struct config_backend *conf, struct err *e);
/* The adapters: backend_stdio.c (both kinds of MCP servers), backend_exec.c, backend_web.c. */
extern const struct backend_ops backend_stdio_ops;
extern const struct backend_ops backend_exec_ops;
extern const struct backend_ops backend_http_ops;
extern const struct backend_ops backend_web_ops;

/* backend_confine.c: fills B->rules and B->limits by the configuration. */
void backend_confine(struct backend *b);
/* Puts the limits of children of B into SPEC. */
void backend_confine_spec(const struct backend *b, struct child_spec *spec);
/* Adds to RECORD what the kernel enforces: "landlock", "sandbox", "limits". */
void backend_confine_show(const struct backend *b, json_t *record);

/* Ends C, for which the adapter has nothing under way any more, because B is stopped. */
void backend_end_stopped(const struct backend *b, struct call *c);

/* The adapter learnt an offer: the state becomes READY, and the watches are told which lists
 * differ. */
void backend_learned(struct backend *b, struct offer *offer_take);
/* The adapter could not learn an offer; an older offer stays. Logged, once for each new reason. */
void backend_failed(struct backend *b, const struct err *why);

#endif
