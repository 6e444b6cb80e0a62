/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "mcpd.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/users.h"
#include "backend/backend.h"
#include "backend/confine.h"
#include "backend/view.h"
#include "base/budget.h"
#include "base/defer.h"
#include "base/delayq.h"
#include "base/descriptors.h"
#include "base/dumpable.h"
#include "base/heap.h"
#include "base/stopping.h"
#include "base/turns.h"
#include "config/config.h"
#include "control/control.h"
#include "credentials/credentials.h"
#include "detach.h"
#include "endpoint.h"
#include "http/exchange.h"
#include "http/gate.h"
#include "http/httpc.h"
#include "http/httpd.h"
#include "http/peer.h"
#include "leftovers.h"
#include "legacy/sessions.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "lib/stdfds.h"
#include "notify.h"
#include "options.h"
#include "process/cgroup.h"
#include "process/children.h"
#include "process/sandbox.h"
#include "store/store.h"

/* How long answers that are written but not sent may keep the daemon, once all children are gone.
 */
#define FLUSH_MS 100

struct mcpd {
	struct config *conf;
	const char *control_path;
	struct event_base *base;
	struct children *children;
	struct backend_confinement confinement;
	struct httpc *httpc;
	struct credentials *credentials;
	struct backend_env env;
	struct backend **backends;
	struct view *all, **singles; /* singles[i] shows backends[i] alone */
	struct store *store;
	struct leftovers *leftovers;
	struct users *users;
	struct sessions *sessions;
	struct auth *auth; /* NULL: auth.mode is none */
	struct endpoint *endpoint;
	struct peer_rules *peers;
	struct httpd *httpd;
	struct control *control;
	struct event *signals[3];
	bool on_terminal; /* stderr was a terminal at the start */
	struct defer stopping_soon;
	char **bound; /* where it listens, with real ports; NULL-terminated */
	int64_t started;
	struct stopping stopping;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

static void leave_loop(void *arg)
{
	struct mcpd *d = arg;
	struct timeval tv = {.tv_usec = FLUSH_MS * 1000};

	event_base_loopexit(d->base, &tv);
}

/* The orderly shutdown. Nothing in it waits: the loop goes on until the last child was reaped. */
static void begin_stop(void *arg)
{
	struct mcpd *d = arg;

	if (!stopping_begin(&d->stopping))
		return;
	notify_stopping();
	endpoint_drain(d->endpoint);
	auth_stop(d->auth);
	httpd_stop(d->httpd);
	sessions_close_all(d->sessions, CLOSE_SHUTDOWN);
	for (size_t i = 0; i < d->conf->n_backends; i++)
		backend_stop(d->backends[i]);
	children_stop_all(d->children);
	children_when_empty(d->children, leave_loop, d);
}

/* SIGTERM, SIGINT: stop in order; once more: at once. SIGHUP says that the terminal is gone; to a
 * daemon without one it means "read your configuration again", which takes a restart. */
static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct mcpd *d = arg;
	bool again = stopping_has_begun(&d->stopping);

	(void)what;
	if (sig == SIGHUP && !d->on_terminal) {
		log_notice(NULL, "SIGHUP: ignored; a changed configuration takes a restart");
		return;
	}
	log_info(NULL, "%s: stopping%s", strsignal((int)sig), again ? " at once" : "");
	if (!again) {
		begin_stop(d);
		return;
	}
	children_kill_all(d->children);
	event_base_loopbreak(d->base);
}

/* From mcpctl: its answer goes out first. */
static void stop_soon(void *arg)
{
	struct mcpd *d = arg;

	defer_call(&d->stopping_soon, begin_stop, d);
}

static json_t *status(void *arg)
{
	struct mcpd *d = arg;
	json_t *listen = json_array();

	for (char **b = d->bound; *b; b++)
		json_array_append_new(listen, json_sprintf("http://%s%s", *b, d->conf->path));
	return json_pack(
		"{s:s, s:I, s:I, s:o, s:s, s:I, s:I, s:I, s:o, s:o}", "version", PACKAGE_VERSION,
		"pid", (json_int_t)getpid(), "uptime_ms", (json_int_t)(clock_ms() - d->started),
		"listen", listen, "config", d->conf->file ? d->conf->file : "", "children",
		(json_int_t)children_count(d->children), "processes",
		(json_int_t)children_processes(d->children), "calls", (json_int_t)call_count(),
		"store", store_describe(d->store), "modern", endpoint_describe(d->endpoint), "held",
		(json_int_t)budget_held(NULL), "heldPeak", (json_int_t)budget_peak(), "maxMemory",
		(json_int_t)budget_max());
}

/* The loop. What is switched off and on again in one turn, as evhttp does with each request, costs
 * no system call; the flag forbids watching duplicates of a descriptor, which we never do. */
static struct event_base *loop_new(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (cfg && event_config_set_flag(cfg, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		base = event_base_new_with_config(cfg);
	if (cfg)
		event_config_free(cfg);
	return base;
}

/* Tokens and secrets are in memory, so memory is not to be written to disk. 1 is a limit that even
 * a program that takes cores through a pipe respects; see core(5). */
static void keep_out_of_cores(const struct config *conf)
{
	struct rlimit limit;

	if (conf->auth.mode == CONFIG_AUTH_NONE || getrlimit(RLIMIT_CORE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max < 1 ? limit.rlim_max : 1;
	if (setrlimit(RLIMIT_CORE, &limit) < 0)
		log_warn(NULL, "Core files cannot be switched off: %s", strerror(errno));
}

static int start_loop(struct mcpd *d, struct err *e)
{
	struct children_limits limits = {
		.max = d->conf->limits.max_children,
		.max_per_peer = d->conf->limits.max_children_per_peer,
		.share = d->conf->limits.share,
	};

	descriptors_raise();
	keep_out_of_cores(d->conf);
	d->started = clock_ms();
	jsontext_limit(d->conf->limits.max_tree);
	budget_setup(d->conf->limits.max_memory, d->conf->limits.share);
	d->base = loop_new();
	if (!d->base || defer_init(d->base) < 0 || heap_setup(d->base) < 0)
		return no_memory(e);
	log_attach(d->base);
	d->children = children_new(d->base, &limits, e);
	d->httpc = d->children ? httpc_new(d->base, e) : NULL;
	return d->httpc ? 0 : e->code;
}

/* NULL where tokens have no issuer. */
static const char *issuer_of_users(const struct config *conf)
{
	return conf->auth.mode == CONFIG_AUTH_JWT || conf->auth.mode == CONFIG_AUTH_INTROSPECT
		       ? conf->auth.issuer
		       : NULL;
}

/* USER logs out: closes the sessions, and returns their number. */
static size_t log_out(const char *user, void *arg)
{
	struct mcpd *d = arg;
	size_t closed;

	credentials_forget(d->credentials, user);
	closed = sessions_logout(d->sessions, user);
	/* The rest of what the user's tokens opened is in no session. */
	auth_logout(d->auth, user);
	return closed;
}

static int start_store(struct mcpd *d, struct err *e)
{
	d->store = store_open(d->base, &d->conf->store, e);
	if (!d->store)
		return e->code;
	d->users = users_new(&(const struct users_deps){.base = d->base,
							.store = d->store,
							.conf = &d->conf->sessions,
							.issuer = issuer_of_users(d->conf),
							.logout = log_out,
							.arg = d});
	d->leftovers = d->users ? leftovers_new(d->store, d->children) : NULL;
	return d->leftovers ? 0 : no_memory(e);
}

static int start_backends(struct mcpd *d, struct err *e)
{
	const struct config *c = d->conf;

	d->credentials = credentials_new(d->base, d->httpc, d->store, d->users);
	if (!d->credentials)
		return no_memory(e);
	d->env = (struct backend_env){.base = d->base,
				      .children = d->children,
				      .httpc = d->httpc,
				      .credentials = d->credentials,
				      .limits = &c->limits};
	d->backends = calloc(c->n_backends + 1, sizeof(struct backend *));
	d->singles = calloc(c->n_backends + 1, sizeof(struct view *));
	if (!d->backends || !d->singles)
		return no_memory(e);
	for (size_t i = 0; i < c->n_backends; i++) {
		d->backends[i] = backend_new(&d->env, &c->backends[i], e);
		if (!d->backends[i])
			return e->code;
		d->singles[i] =
			view_new(d->base, &d->backends[i], 1, false, c->limits.learn_wait_ms);
		if (!d->singles[i])
			return no_memory(e);
	}
	d->all = view_new(d->base, d->backends, c->n_backends, c->n_backends > 1,
			  c->limits.learn_wait_ms);
	return d->all ? 0 : no_memory(e);
}

static bool is_unwritten(void *store)
{
	return store_unwritten(store);
}

static const enum peer_header forwarded_headers[] = {
	[CONFIG_X_FORWARDED_FOR] = PEER_X_FORWARDED_FOR,
	[CONFIG_FORWARDED] = PEER_FORWARDED,
	[CONFIG_FORWARDED_NONE] = PEER_NO_HEADER,
};

static unsigned max_connections(const struct config *c)
{
	return c->limits.max_connections > 0 ? c->limits.max_connections
					     : descriptors_for_connections();
}

/* Without a limit of their own, requests have that of the connections. */
static unsigned max_requests(const struct config *c)
{
	return c->limits.max_requests > 0 ? c->limits.max_requests : max_connections(c);
}

static struct httpd_limits limits_of(const struct config *c)
{
	return (struct httpd_limits){
		.max_body = c->limits.max_body,
		.max_headers = c->limits.max_headers,
		.idle_seconds = (int)((c->limits.connection_idle_ms + 999) / 1000),
		.max_connections = max_connections(c),
		.max_per_address = c->limits.max_connections_per_address,
		.share = c->limits.share,
		.request_ms = c->limits.request_timeout_ms,
	};
}

static int start_sessions(struct mcpd *d, struct err *e)
{
	d->sessions =
		sessions_new(&(const struct sessions_deps){.base = d->base,
							   .conf = &d->conf->sessions,
							   .limits = &d->conf->limits,
							   .users = d->users,
							   .store = d->store,
							   .issuer = issuer_of_users(d->conf)});
	return d->sessions ? 0 : no_memory(e);
}

static int start_endpoint(struct mcpd *d, struct err *e)
{
	const struct config *c = d->conf;
	struct endpoint_deps deps = {
		.base = d->base,
		.conf = c,
		.sessions = d->sessions,
		.store = d->store,
		.users = d->users,
		.all = d->all,
		.singles = d->singles,
		.n_singles = c->n_backends,
		.max_requests = max_requests(c),
		.stopping = &d->stopping,
	};

	d->auth = auth_new(d->base, d->httpc, c, &d->stopping, e);
	if (!d->auth && e->code)
		return e->code;
	deps.auth = d->auth;
	d->endpoint = endpoint_new(&deps, e);
	return d->endpoint ? 0 : e->code;
}

static int start_httpd(struct mcpd *d, struct err *e)
{
	const struct config *c = d->conf;
	const struct httpd_limits limits = limits_of(c);
	struct gate_hooks hooks;

	endpoint_hooks(d->endpoint, &hooks);
	d->peers = peer_rules_new(c->trusted_proxies, forwarded_headers[c->forwarded_header], e);
	if (!d->peers)
		return e->code;
	d->httpd = httpd_new(&(const struct httpd_deps){.base = d->base,
							.limits = &limits,
							.handler = endpoint_handle,
							.arg = d->endpoint,
							.hooks = &hooks,
							.peers = d->peers,
							.hold = is_unwritten,
							.hold_arg = d->store});
	return d->httpd ? 0 : no_memory(e);
}

static int start_listening(struct mcpd *d, struct err *e)
{
	char *const *listen = d->conf->listen;
	size_t n = 0;

	while (listen[n])
		n++;
	d->bound = calloc(n + 1, sizeof(char *));
	if (!d->bound)
		return no_memory(e);
	for (size_t i = 0; i < n; i++) {
		if (httpd_listen(d->httpd, listen[i], &d->bound[i], e) < 0)
			return e->code;
	}
	return 0;
}

static int start_control(struct mcpd *d, struct err *e)
{
	struct control_deps deps = {
		.base = d->base,
		.config = d->conf,
		.sessions = d->sessions,
		.users = d->users,
		.tokens = auth_tokens(d->auth),
		.backends = d->backends,
		.n_backends = d->conf->n_backends,
		.view = d->all,
		.status = status,
		.shutdown = stop_soon,
		.arg = d,
		.family = getpid(),
	};

	d->control = control_new(&deps, e);
	return d->control ? 0 : e->code;
}

/* Once the files that are hidden are there, and before the first child. */
static int start_sandbox(struct mcpd *d, struct err *e)
{
	d->confinement.sandbox = confine_new(d->conf, e);
	return d->confinement.sandbox ? 0 : e->code;
}

/* Once no other daemon can be serving here, since cgroups that a daemon has left are ended, and
 * before the first child. */
static int start_cgroups(struct mcpd *d, struct err *e)
{
	return confine_cgroups(d->conf, d->base, &d->confinement.cgroups, e);
}

static int start_signals(struct mcpd *d, struct err *e)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	d->on_terminal = isatty(STDERR_FILENO);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		d->signals[i] = evsignal_new(d->base, numbers[i], on_signal, d);
		if (!d->signals[i] || event_add(d->signals[i], NULL) < 0)
			return no_memory(e);
	}
	return 0;
}

/* Everything that can fail comes before anything is served or started. */
static int start(struct mcpd *d, struct err *e)
{
	static int (*const steps[])(struct mcpd *, struct err *) = {
		start_loop,	start_store,   start_backends,	start_sessions,
		start_endpoint, start_httpd,   start_listening, start_control,
		start_sandbox,	start_cgroups, start_signals,
	};

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int rc = steps[i](d, e);

		if (rc)
			return rc;
	}
	for (size_t i = 0; i < d->conf->n_backends; i++)
		backend_start(d->backends[i], &d->confinement);
	for (char **b = d->bound; *b; b++)
		log_notice(NULL, "Listening on http://%s%s", *b, d->conf->path);
	return 0;
}

/* Lets go of everything, in the opposite order; what was never made is skipped. */
static void tear_down(struct mcpd *d)
{
	(void)stopping_begin(&d->stopping); /* where the loop has failed, or never ran */
	control_free(&d->control);
	httpd_free(&d->httpd);
	peer_rules_free(&d->peers);
	endpoint_free(&d->endpoint);
	auth_free(&d->auth);
	defer_fini(); /* sessions that were closed in the last turn still use what goes next */
	sessions_free(&d->sessions);
	view_free(&d->all);
	for (size_t i = 0; d->singles && i < d->conf->n_backends; i++)
		view_free(&d->singles[i]);
	for (size_t i = 0; d->backends && i < d->conf->n_backends; i++)
		backend_free(&d->backends[i]);
	credentials_free(&d->credentials);
	users_free(&d->users);
	leftovers_free(&d->leftovers);
	store_close(&d->store);
	children_free(&d->children);
	cgroups_free(&d->confinement.cgroups);
	sandbox_free(&d->confinement.sandbox);
	httpc_free(&d->httpc);
	defer_fini();
	for (size_t i = 0; i < sizeof d->signals / sizeof *d->signals; i++) {
		if (d->signals[i])
			event_free(d->signals[i]);
	}
	heap_fini();
	log_detach();
	if (d->base)
		event_base_free(d->base);
	for (char **b = d->bound; b && *b; b++)
		free(*b);
	free(d->bound);
	free(d->singles);
	free(d->backends);
}

static int serve(struct mcpd *d)
{
	struct err e = {0};
	int rc = start(d, &e);

	if (rc)
		log_error(NULL, "mcpd could not start: %s", e.text);
	detach_done(rc ? EXIT_FAILURE : 0);
	if (rc == 0)
		notify_ready(d->bound[0]);
	if (rc == 0 && turns_run(d->base, &d->stopping) < 0)
		rc = ERR_INTERNAL;
	tear_down(d);
	return rc ? EXIT_FAILURE : 0;
}

/* -n: says whether the configuration is good, and what it amounts to. */
static int print_config(const struct config *conf)
{
	json_t *dump = config_dump(conf);
	int rc = dump ? json_dumpf(dump, stdout, JSON_INDENT(2)) : -1, why;

	json_decref(dump);
	putchar('\n');
	why = stdfds_flush();
	if (rc == 0 && why == 0)
		return 0;
	fprintf(stderr, "mcpd: the configuration could not be printed: %s\n",
		strerror(why ? why : ENOMEM));
	return EX_IOERR;
}

static enum log_level level_for(const struct config *conf, int verbose)
{
	int level = (int)conf->log.level + verbose;

	return level > LOGL_DEBUG ? LOGL_DEBUG : (enum log_level)level;
}

static int run_arguments(int argc, char **argv)
{
	struct mcpd d = {0};
	struct options o;
	struct err e;
	int status_code = options_parse(&o, argc, argv);

	if (status_code >= 0)
		return status_code;
	d.conf = config_load(o.file, &e);
	if (!d.conf) {
		fprintf(stderr, "mcpd: %s\n", e.text);
		return EX_CONFIG;
	}
	if (confine_check(d.conf, &e) < 0) {
		fprintf(stderr, "mcpd: %s\n", e.text);
		config_free(&d.conf);
		return EX_CONFIG;
	}
	if (o.check) {
		status_code = print_config(d.conf);
		config_free(&d.conf);
		return status_code;
	}
	if (o.control) {
		free(d.conf->control);
		d.conf->control = strdup(o.control);
	}
	if (o.detach && detach_begin(&e) < 0) {
		fprintf(stderr, "mcpd: %s\n", e.text);
		return EXIT_FAILURE;
	}
	log_open(o.detach && d.conf->log.target == LOG_TARGET_STDERR ? LOG_TARGET_SYSLOG
								     : d.conf->log.target,
		 "mcpd");
	log_set_level(level_for(d.conf, o.verbose));
	dumpable_off();
	status_code = serve(&d);
	config_free(&d.conf);
	log_close();
	dumpable_at_end();
	return status_code;
}

int mcpd_main(int argc, char **argv)
{
	if (stdfds_open() < 0)
		return EX_OSERR;
	/* A client, a child or a reader of the output that goes away while we write is an error of
	 * that write, not a signal; so is a file that must not grow. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return stdfds_finish(run_arguments(argc, argv));
}
