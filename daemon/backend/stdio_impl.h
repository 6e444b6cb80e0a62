/* SPDX-License-Identifier: ISC */
/* stdio_impl.h: the parts of the stdio backend, for backend_stdio.c and stdio_*.c alone.
 * An instance has one child at a time, or one upstream, and outlives it. A holder connects a link
 * to an instance. */
#ifndef MCPD_STDIO_IMPL_H
#define MCPD_STDIO_IMPL_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "backend/backend_impl.h"
#include "backend/stdio_channel.h"
#include "base/defer.h"
#include "base/delayq.h"
#include "base/mask.h"
#include "base/pace.h"
#include "base/ratelimit.h"
#include "client/listing.h"
#include "client/mcpclient.h"
#include "client/upstream.h"
#include "config/config.h"
#include "http/backoff.h"
#include "lib/hash.h"
#include "lib/lines.h"
#include "lib/log.h"
#include "process/children.h"

enum instance_role {
	INSTANCE_SESSION, /* one link's own */
	INSTANCE_USER,	  /* of all links of a user */
	INSTANCE_SHARED,  /* of all links; learns */
	INSTANCE_PROBE,	  /* of nobody; learns, then goes */
};

struct holder {
	TAILQ_ENTRY(holder) entry;
	struct link *link;
	struct holder *older; /* of the same link: what it held before and still has calls in
				 flight; or NULL */
	unsigned calls;	      /* in flight */
	struct instance *in;  /* NULL: has not needed one yet */
	int log_level;	      /* as set on the link; -1: not */
};

struct subscription;

struct instance {
	TAILQ_ENTRY(instance) entry;
	UT_hash_handle hh; /* by key */
	struct mask mask;  /* values to mask in texts of the server */
	char *key;	   /* INSTANCE_USER: whose, and for tokens that allow what */
	struct stdio *s;
	enum instance_role role;
	TAILQ_HEAD(, holder) holders;
	struct child *child;	  /* NULL: not running, or not a child */
	struct upstream *up;	  /* NULL: not connected, or not an upstream */
	struct mcpclient *client; /* goes with the child */
	struct lines lines;
	struct pace brake;	 /* on reading what the server says */
	struct pace notices;	 /* to the server, of what clients changed */
	json_t *roots_notice;	 /* parameters of the latest one of INSTANCE_ROOTS; NULL: none */
	unsigned long noise;	 /* lines that were no messages */
	unsigned long useless;	 /* NOISE and mcpclient_useless() when the brake was put on last */
	bool braked, brake_told; /* it is on; the operator knows that it was */
	struct listing *listing;
	struct ratelimit listings;    /* how often it may be asked for its lists */
	struct delayq_node relisting; /* in "relisting": until it may be asked again */
	unsigned relist;	      /* lists that are to be asked for (again) */
	struct offer *offer;	      /* the last one learnt from it */
	struct subscription *subs;
	int log_level;		      /* as the child was told; -1: not */
	bool had_child;		      /* so the next one may offer something else */
	struct bearer *bearer;	      /* of the latest call; NULL: none */
	struct bearer *failed_for;    /* the last start failed for this one; NULL: for none */
	struct backoff backoff;	      /* after starts that failed, in a row */
	int64_t not_before;	      /* clock_ms() of the next attempt */
	struct err why;		      /* of the last failure */
	int64_t started;	      /* clock_ms() of the last start */
	struct delayq_node idle;      /* in "idle"; a probe's in "linger" */
	struct delayq_node child_due; /* in "exiting" after the child closed a pipe; in "restart"
					 without a child */
	struct defer release;
	unsigned long epoch; /* of the last start */
	bool gone;
};

/* The callbacks of an instance: the state of its child, for stdio_learn.c, and messages that answer
 * no request, for stdio_events.c. */
struct stdio_hooks {
	void (*ready)(struct instance *in, bool had_child);
	void (*lost)(struct instance *in, const struct err *e, bool was_ready);
	void (*doubt)(struct stdio *s);
	/* As in struct mcpclient_events; ARG is the instance. */
	void (*notification)(struct mcpclient *m, const char *method, json_t *params, void *arg);
	void (*question)(struct mcpclient *m, struct question *q_take, void *arg);
};

struct stdio {
	struct backend *b;
	const struct stdio_hooks *hooks;
	json_t *own_info; /* clientInfo where it is not a client's */
	TAILQ_HEAD(, instance) instances;
	struct instance *by_key, *learner; /* the shared one or the probe; NULL: none now */
	struct delayq *idle, *exiting, *linger, *restart, *relisting;
	struct event retry;	      /* the next attempt to learn */
	struct backoff learn_backoff; /* after failures in a row */
	int64_t learn_last;	      /* clock_ms() of the last attempt */
	unsigned long restarts;	      /* children that went without being asked to */
	unsigned long epoch;	      /* how often all children were stopped */
	char last_stderr[512]; /* of the last child that failed, escaped and masked; "": none said
				  anything */
	char first_noise[MASK_BEGINNING]; /* mcpclient_noise() of the first that had any */
	const struct instance_channel *channel;
	enum mcpclient_era era; /* of the server, as far as it is known */
};
/* stdio_instance.c */
struct instance *instance_new(struct stdio *s, enum instance_role role);
/* Stops its child; calls end with WHY. Idempotent; freed in a later turn. */
void instance_free(struct instance *in, const char *why);
/* Has a child run, or start, for CALLER (NULL: the daemon itself). 0, or why not. */
int instance_start(struct instance *in, const struct caller *caller, struct err *e);
/* Stops the child; its calls end with WHY, and the holders stay. */
void instance_stop(struct instance *in, const char *why);
void instance_fail(struct instance *in,
		   const char *why); /* gives the child up, as if it had died */
/* Forgets which era the server speaks: the next start of an instance probes it again. */
void instance_forget_era(struct stdio *s);
/* The token for messages that no call causes; NULL: none. Borrowed. */
struct bearer *instance_bearer(struct instance *in);
void instance_rest(struct instance *in); /* its use has begun or ended: sets the idle timer */
/* The roots of the one client of IN are different, as its notification with PARAMS (borrowed) says.
 */
void instance_roots_changed(struct instance *in, json_t *params);
void instance_level_changed(struct instance *in); /* some holder wants another log level */
/* For the delay queues. */
void instance_on_no_exit(struct delayq_node *node, void *arg);
void instance_on_idle(struct delayq_node *node, void *arg);
void instance_on_restart(struct delayq_node *node, void *arg);
/* stdio_state.c. Whether the handshake with the child of IN is over and it takes calls. */
bool instance_ready(const struct instance *in);
/* The links of all holders at this moment, to be called back: skip those that have no impl any
 * more. To be freed; NULL if there are none. */
struct link **instance_links(const struct instance *in, size_t *n_r);
/* stdio_events.c: what comes from the server outside its answers. */
void stdio_on_notification(struct mcpclient *m, const char *method, json_t *params, void *arg);
void stdio_on_question(struct mcpclient *m, struct question *q_take, void *arg);
/* stdio_learn.c */
void learn_start(struct stdio *s);
void learn_stop(struct stdio *s);
/* The child of IN is ready; HAD_CHILD: not its first. */
void learn_on_ready(struct instance *in, bool had_child);
/* The child of IN died or was given up with E. WAS_READY: after the handshake. */
void learn_on_lost(struct instance *in, const struct err *e, bool was_ready);
/* The lists of KINDS (1u << enum offer_kind) of the server of IN have changed. */
void learn_on_list_changed(struct instance *in, unsigned kinds);
/* For the delay queue: an instance may be asked for its lists again. */
void learn_on_relisting(struct delayq_node *node, void *arg);
/* A start has failed: decides about the state of the backend. */
void learn_doubt(struct stdio *s);
void learn_join(const struct instance *in, struct link *l); /* L gets the offer of the child */
/* For the delay queue: a probe has lingered long enough. */
void learn_on_linger(struct delayq_node *node, void *arg);
void learn_on_retry(evutil_socket_t fd, short what, void *arg);

#endif
