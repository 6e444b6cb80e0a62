/* SPDX-License-Identifier: ISC */
/* stdio_instance.c: one server: its start, its channel, its end. See stdio_impl.h. */
#include "autoconf.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/stdio_holder.h"
#include "backend/stdio_impl.h"
#include "base/bearer.h"
#include "base/budget.h"
#include "base/container.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "mcp/translate.h"

#define MAX_QUEUE  1024 /* calls that wait for one child to start */
#define SILENCE_MS 3000 /* until a server that does not answer server/discover gets initialize */

struct log_scope instance_scope(const struct instance *in)
{
	const struct holder *h = TAILQ_FIRST(&in->holders);
	struct log_scope scope = {.backend = in->s->b->conf->name};

	if (in->role == INSTANCE_SESSION && h) {
		scope.session = h->link->caller->session;
		scope.user = h->link->caller->user;
	}
	return scope;
}

/* ---- what is known of its server ---- */

static enum mcpclient_era configured_era(const struct config_backend *conf)
{
	switch (conf->era) {
	case CONFIG_ERA_AUTO:
		return MCPCLIENT_ERA_PROBE;
	case CONFIG_ERA_LEGACY:
		return MCPCLIENT_ERA_LEGACY;
	case CONFIG_ERA_MODERN:
		return MCPCLIENT_ERA_MODERN;
	}
	return MCPCLIENT_ERA_PROBE;
}

void instance_forget_era(struct stdio *s)
{
	s->era = configured_era(s->b->conf);
}

/* All children of a backend are of the same make, so what one was is remembered for the next. A
 * modern one is asked again, since that is how it introduces itself. */
static void remember_era(const struct instance *in)
{
	if (in->s->b->conf->era == CONFIG_ERA_AUTO)
		in->s->era = mcpclient_is_modern(in->client) ? MCPCLIENT_ERA_PROBE
							     : MCPCLIENT_ERA_LEGACY;
}

/* ---- its end ---- */

static void start_failed(struct instance *in, const struct err *e)
{
	bearer_set(&in->failed_for, instance_bearer(in));
	in->not_before = clock_ms() + backoff_restart(&in->backoff);
	in->why = *e;
}

/* Takes the child off the instance and tells stdio_learn.c and the calls, in an order in which each
 * callback finds everything in place and may start another child. UNASKED: the child ended by
 * itself. */
static void lose(struct instance *in, const struct err *e, bool unasked)
{
	struct mcpclient *client = in->client;
	struct child *child = in->child;
	struct upstream *up = in->up;
	bool was_ready = instance_ready(in);

	delayq_remove(in->s->restart, &in->child_due);
	if (!client)
		return;
	in->client = NULL;
	in->child = NULL;
	in->up = NULL;
	in->log_level = -1;
	delayq_remove(in->s->idle, &in->idle);
	delayq_remove(in->s->linger, &in->idle);
	delayq_remove(in->s->exiting, &in->child_due);
	delayq_remove(in->s->relisting, &in->relisting);
	pace_stop(&in->brake);
	pace_stop(&in->notices);
	in->noise = in->useless = 0;
	in->braked = in->brake_told = false;
	listing_cancel(&in->listing);
	if (child)
		child_abandon(child);
	upstream_close(&up);
	if (unasked) {
		in->s->restarts++;
		if (!was_ready)
			start_failed(in, e);
		if (in->role != INSTANCE_SHARED && subs_any(in))
			delayq_add(in->s->restart, &in->child_due);
		in->s->hooks->lost(in, e, was_ready);
	}
	mcpclient_close(&client, e->text);
}

/* Keeps the last line of stderr of the child C (NULL: none) for operators (`backend show`), and
 * logs it with WHY at the level of stderr. Clients, and the log at its usual level, get WHY alone.
 */
static void tell_operators(struct instance *in, const struct child *c, const struct err *why)
{
	const struct log_scope scope = instance_scope(in);
	const char *last = c ? child_last_words(c) : "";

	if (last[0] == '\0') {
		log_info(&scope, "%s", why->text);
		return;
	}
	log_escape(in->s->last_stderr, sizeof in->s->last_stderr, last, strlen(last));
	log_info(&scope, "%s; the last line of its stderr: %s", why->text, last);
}

/* The server exited on server/discover, as some older servers do: starts another one, which gets
 * initialize first. True: the start is under way. */
static bool reopen(struct instance *in, const struct child *c, const struct err *why)
{
	const struct log_scope scope = instance_scope(in);
	const struct holder *h = TAILQ_FIRST(&in->holders);
	struct child *child = in->child;
	struct err e;

	tell_operators(in, c, why);
	in->child = NULL;
	upstream_close(&in->up);
	delayq_remove(in->s->exiting, &in->child_due);
	if (child)
		child_abandon(child);
	if (in->s->channel->open(in, h != NULL ? h->link->caller : NULL, &e) < 0)
		return false;
	log_info(&scope,
		 "the server may not know server/discover: the next process gets initialize");
	in->s->era = MCPCLIENT_ERA_LEGACY;
	mcpclient_start_legacy(in->client);
	return true;
}

static void lost(struct instance *in, const struct child *c, const struct err *e)
{
	tell_operators(in, c, e);
	lose(in, e, true);
}

void instance_lost(struct instance *in, const struct child *c, const char *fmt, ...)
{
	struct err e = {.code = ERR_CLOSED};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof e.text, fmt, ap);
	va_end(ap);
	if (!in->client || !mcpclient_probing(in->client) || !reopen(in, c, &e))
		lost(in, c, &e);
}

void instance_fail(struct instance *in, const char *why)
{
	instance_lost(in, in->child, "%s", why);
}

void instance_stop(struct instance *in, const char *why)
{
	struct err e = {.code = ERR_CLOSED};

	snprintf(e.text, sizeof e.text, "%s", why);
	in->relist = 0;
	lose(in, &e, false);
}

/* Tells the server the lowest level that any holder wants. */
static void apply_log_level(struct instance *in)
{
	const struct holder *h;
	int level = -1;
	json_t *params;

	TAILQ_FOREACH (h, &in->holders, entry) {
		int wanted = h->log_level >= 0 ? h->log_level : h->link->caller->log_level;

		if (wanted >= 0 && (level < 0 || wanted < level))
			level = wanted;
	}
	if (level < 0 || level == in->log_level || !instance_ready(in) ||
	    !mcpclient_can(in->client, "logging"))
		return;
	in->log_level = level;
	params = json_pack("{s:s}", "level", mcp_log_level_name(level));
	mcpclient_request(in->client, "logging/setLevel", params, NULL, NULL);
}

/* ---- its handshake ---- */

static int on_send(struct mcpclient *m, json_t *msg, struct jsontext *text, struct bearer *bearer,
		   void *arg)
{
	struct instance *in = arg;

	(void)m;
	return in->s->channel->send(in, msg, text, bearer);
}

static void on_ready(struct mcpclient *m, void *arg)
{
	struct instance *in = arg;
	bool had_child = in->had_child;

	(void)m;
	backoff_reset(&in->backoff);
	in->not_before = 0;
	bearer_unref(&in->failed_for);
	in->had_child = true;
	remember_era(in);
	apply_log_level(in);
	subs_renew(in);
	in->s->hooks->ready(in, had_child);
	instance_rest(in);
}

void instance_renewed(struct instance *in)
{
	in->log_level = -1;
	apply_log_level(in);
	subs_renew(in);
	in->s->hooks->ready(in, true);
}

static void on_failed(struct mcpclient *m, const struct err *why, void *arg)
{
	struct instance *in = arg;

	(void)m;
	instance_forget_era(in->s); /* it may have become another server */
	lost(in, in->child, why);
}

/* ---- its start ---- */

/* Whether different people may stand behind CALLER: requests without session and without user share
 * what they have in common. */
static bool is_anybody(const struct caller *caller)
{
	return !caller->session && !caller->user;
}

struct budget *instance_budget(const struct instance *in, const struct caller *caller)
{
	switch (in->role) {
	case INSTANCE_SESSION:
		return caller ? budget_ref(caller->budget) : NULL;
	case INSTANCE_USER: /* it outlives the session that needs it first */
		return caller && caller->user ? budget_of(caller->holder) : NULL;
	case INSTANCE_SHARED:
	case INSTANCE_PROBE:
		break;
	}
	return NULL;
}

/* The capabilities that a caller declared, as far as mcpd passes questions on. Roots are kept by
 * the server that asks for them, so a server that anybody may use next is not told of them. One
 * that serves CALLER alone is, and is used no more once it has asked. */
static json_t *caller_capabilities(const struct instance *in, const struct caller *caller)
{
	static const char *const known[] = {"sampling", "elicitation", "roots"};
	bool alone = caller->alone && in->role == INSTANCE_SESSION;
	json_t *said = json_loads(caller->capabilities, 0, NULL);
	json_t *all = translate_capabilities(caller->rev, said);
	json_t *caps = json_object(), *one;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if ((one = json_object_get(all, known[i])) &&
		    !(is_anybody(caller) && !alone && strcmp(known[i], "roots") == 0))
			json_object_set(caps, known[i], one);
	/* Of the extensions this is the one that mcpd knows how to relay. */
	if (json_object_get(json_object_get(all, "extensions"), EXTENSION_TASKS))
		json_object_set_new(caps, "extensions", json_pack("{s:{}}", EXTENSION_TASKS));
	json_decref(all);
	json_decref(said);
	return caps;
}

/* A probe can do everything, so that a server that offers some tools only to able clients offers
 * all. */
static json_t *probe_capabilities(void)
{
	return json_pack("{s:{s:{},s:{}},s:{s:{},s:{}},s:{s:b}}", "sampling", "context", "tools",
			 "elicitation", "form", "url", "roots", "listChanged", 1);
}

/* An upstream that says nothing is out of order, whatever its era. */
static int64_t silence_ms(const struct config_backend *conf)
{
	if (conf->kind == CONFIG_HTTP)
		return 0;
	return conf->start_timeout_ms < 2 * SILENCE_MS ? conf->start_timeout_ms / 2 : SILENCE_MS;
}

static void on_notification(struct mcpclient *m, const char *method, json_t *params, void *arg)
{
	const struct instance *in = arg;

	in->s->hooks->notification(m, method, params, arg);
}

static void on_question(struct mcpclient *m, struct question *q_take, void *arg)
{
	const struct instance *in = arg;

	in->s->hooks->question(m, q_take, arg);
}

static struct mcpclient *make_client(struct instance *in, const struct caller *caller)
{
	static const struct mcpclient_events events = {on_send, on_ready, on_failed,
						       on_notification, on_question};
	struct mcpclient_spec spec = {
		.name = in->s->b->conf->name,
		.asks = MCPCLIENT_ASKS_REFUSE,
		.timeout_ms = in->s->b->conf->start_timeout_ms,
		.max_queue = MAX_QUEUE,
		.mask = &in->mask,
		.share = in->s->b->env->limits->share,
		.parallel = in->s->b->conf->kind == CONFIG_HTTP,
		.era = in->s->era,
		.silence_ms = silence_ms(in->s->b->conf),
	};
	struct mcpclient *m = NULL;

	if (in->role == INSTANCE_SESSION && caller) {
		/* Without a session the calls are of all clients of the user, or of anybody. */
		spec.asks = caller->session ? MCPCLIENT_ASKS_FORWARD : MCPCLIENT_ASKS_ONLY;
		spec.capabilities = caller_capabilities(in, caller);
		if (caller->client_info)
			spec.client_info = json_loads(caller->client_info, 0, NULL);
	} else if (in->role == INSTANCE_PROBE) {
		spec.asks = MCPCLIENT_ASKS_PROBE;
		spec.capabilities = probe_capabilities();
	} else {
		spec.capabilities = json_object();
	}
	if (!spec.client_info)
		spec.client_info = json_incref(in->s->own_info);
	if (spec.capabilities)
		m = mcpclient_new(in->s->b->env->base, &spec, &events, in);
	json_decref(spec.capabilities);
	json_decref(spec.client_info);
	return m;
}

struct bearer *instance_bearer(struct instance *in)
{
	const struct holder *h = TAILQ_FIRST(&in->holders);

	/* A client refreshes its token within its session; others share an instance. */
	if (in->role == INSTANCE_SESSION && h)
		bearer_set(&in->bearer, h->link->caller->bearer);
	return in->bearer;
}

/* A server that refuses one token may take another, so that nobody waits for the back-off of the
 * former: that is how a client comes back with more scope. */
static bool is_other_client(struct instance *in)
{
	return in->failed_for && backend_per_token(in->s->b) &&
	       instance_bearer(in) != in->failed_for;
}

int instance_start(struct instance *in, const struct caller *caller, struct err *e)
{
	int64_t now = clock_ms();
	int rc;

	if (in->client)
		return 0;
	if (in->not_before > now && !is_other_client(in))
		return err_set(e, ERR_CLOSED, "%.400s; the next attempt is due in %" PRId64 " s",
			       in->why.text, (in->not_before - now + 999) / 1000);
	in->client = make_client(in, caller);
	if (!in->client)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = in->s->channel->open(in, caller, e);
	if (rc < 0) {
		mcpclient_close(&in->client, e->text);
		if (rc != ERR_LIMIT && rc != ERR_NOMEM) { /* those pass by themselves */
			start_failed(in, e);
			in->s->hooks->doubt(in->s);
		}
		return rc;
	}
	in->started = now;
	in->epoch = in->s->epoch;
	mcpclient_start(in->client);
	if (in->client)
		return 0;
	*e = in->why;
	return ERR_CLOSED;
}

/* ---- a server that says too much ---- */

/* The number of useless messages (invalid JSON, responses to no request, notifications without a
 * listener, pings) that a server may send in a second. When a server sends more, mcpd reads nothing
 * from it for the rest of the second, so that it leaves processor time for other servers and
 * clients.
 */
#define MAX_USELESS 2000

static void brake_off(void *arg, unsigned kinds)
{
	struct instance *in = arg;

	(void)kinds;
	in->braked = false;
	if (in->client)
		in->s->channel->resume(in);
}

/* The log already has a line that is not JSON. */
static void tell_of_brake(struct instance *in, const char *text, size_t len)
{
	const struct log_scope scope = instance_scope(in);
	char begin[MASK_BEGINNING];

	if (in->brake_told || mcpclient_noise(in->client)[0])
		return;
	in->brake_told = true;
	mask_beginning(&in->mask, text, len, begin);
	log_warn(&scope,
		 "the server sends more than %d lines in a second that are of no use, and is read "
		 "at that pace; one begins with: %s",
		 MAX_USELESS, begin);
}

void instance_brake(struct instance *in, unsigned long n, const char *text, size_t len)
{
	const char *noise = mcpclient_noise(in->client);
	unsigned long useless;

	if (noise[0] && !in->s->first_noise[0])
		strcpy(in->s->first_noise, noise);
	in->noise += n;
	useless = in->noise + mcpclient_useless(in->client);
	if (useless == in->useless || (!in->braked && useless - in->useless < MAX_USELESS))
		return;
	in->useless = useless;
	in->s->channel->pause(in);
	if (in->braked) /* another stream of the same server */
		return;
	in->braked = true;
	pace_tell(&in->brake, 1);
	if (in->braked)
		tell_of_brake(in, text, len);
}

/* ---- what clients change ---- */

/* Changes by clients of which a server is told at most once a second. */
enum instance_notice { INSTANCE_ROOTS = 1, INSTANCE_LEVEL = 2 };

static void tell_notices(void *arg, unsigned kinds)
{
	struct instance *in = arg;

	if (!instance_ready(in))
		return;
	if (kinds & INSTANCE_ROOTS)
		mcpclient_notify(in->client, "notifications/roots/list_changed", in->roots_notice);
	if (kinds & INSTANCE_LEVEL)
		apply_log_level(in);
}

void instance_roots_changed(struct instance *in, json_t *params)
{
	/* A server that is not ready has not asked for roots yet. */
	if (!instance_ready(in))
		return;
	json_decref(in->roots_notice);
	in->roots_notice = json_incref(params);
	pace_tell(&in->notices, INSTANCE_ROOTS);
}

void instance_level_changed(struct instance *in)
{
	if (instance_ready(in))
		pace_tell(&in->notices, INSTANCE_LEVEL);
}

/* ---- itself ---- */

struct instance *instance_new(struct stdio *s, enum instance_role role)
{
	struct instance *in = calloc(1, sizeof *in);

	if (!in)
		return NULL;
	in->s = s;
	in->role = role;
	in->log_level = -1;
	ratelimit_init(&in->listings, 1, 5);
	pace_init(&in->brake, brake_off, in);
	pace_init(&in->notices, tell_notices, in);
	TAILQ_INIT(&in->holders);
	TAILQ_INSERT_TAIL(&s->instances, in, entry);
	return in;
}

static void release(void *arg)
{
	struct instance *in = arg;

	offer_unref(&in->offer);
	bearer_unref(&in->bearer);
	bearer_unref(&in->failed_for);
	json_decref(in->roots_notice);
	mask_fini(&in->mask);
	free(in->key);
	free(in);
}

void instance_free(struct instance *in, const char *why)
{
	struct stdio *s = in->s;

	if (in->gone)
		return;
	in->gone = true;
	if (s->learner == in)
		s->learner = NULL;
	if (in->hh.tbl)
		HASH_DEL(s->by_key, in);
	TAILQ_REMOVE(&s->instances, in, entry);
	instance_stop(in, why);
	subs_drop_all(in);
	defer_call(&in->release, release, in);
}

/* A listing is no use of the server: one that says after each of them that its lists have changed
 * would never be idle. */
void instance_rest(struct instance *in)
{
	bool unused = instance_ready(in) && in->role != INSTANCE_PROBE &&
		      mcpclient_calls(in->client) == 0 && !subs_any(in);

	if (!unused)
		delayq_remove(in->s->idle, &in->idle);
	else if (!in->idle.queued)
		delayq_add(in->s->idle, &in->idle);
}

void instance_on_idle(struct delayq_node *node, void *arg)
{
	struct instance *in = container_of(node, struct instance, idle);
	const struct log_scope scope = instance_scope(in);

	(void)arg;
	if (in->listing) { /* its answer comes first */
		delayq_add(in->s->idle, &in->idle);
		return;
	}
	log_info(&scope, "stopping an idle child");
	instance_stop(in, "the server was idle");
}

/* The child of this instance ended, and a session is subscribed to resources of the server: starts
 * a new child without waiting for a call. */
void instance_on_restart(struct delayq_node *node, void *arg)
{
	struct instance *in = container_of(node, struct instance, child_due);
	const struct holder *h = TAILQ_FIRST(&in->holders);
	struct err e;

	(void)arg;
	if (!h || !subs_any(in) || instance_start(in, h->link->caller, &e) == 0)
		return;
	if (!in->gone && !in->client)
		delayq_add(in->s->restart, &in->child_due); /* until the back-off is over */
}
