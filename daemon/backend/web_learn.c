/* SPDX-License-Identifier: ISC */
/* web_learn.c: reads the tools of a web endpoint, page by page, once in learnInterval. */
#include "autoconf.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/web_impl.h"
#include "base/delayq.h"
#include "base/turns.h"
#include "config/config.h"
#include "credentials/grant.h"
#include "http/backoff.h"
#include "lib/log.h"
#include "lib/wipe.h"

#define SOON_MS 10000 /* between two requests that failing calls cause */

struct fetch *web_fetch(struct web *w, const struct httpc_spec *spec, const char *line, size_t max,
			fetch_fn fn, void *arg, struct err *e)
{
	const struct config_backend *conf = w->backend->conf;
	struct httpc_spec full = *spec;
	const char *headers[4 + CONFIG_MAX_HEADERS] = {"Accept: application/json, text/*;q=0.5"};
	size_t n = 1;

	if (spec->body)
		headers[n++] = "Content-Type: application/json";
	for (char **h = conf->headers.lines; h != NULL && *h; h++)
		headers[n++] = *h;
	headers[n] = line;
	full.headers = headers;
	full.ca_file = conf->ca_file;
	full.allow_link_local = conf->allow_link_local;
	return fetch_start(w->backend->env->httpc, &full, max, fn, arg, e);
}

static void learn_in(struct web *w, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (evtimer_add(&w->timer, &tv) < 0)
		log_error(NULL, "out of memory: backend %s will not be asked again",
			  w->backend->conf->name);
}

static void failed(struct web *w, const struct err *e)
{
	struct err why = *e;

	web_tools_free(&w->learning);
	learn_in(w, backoff_next(&w->backoff, w->retry_after_ms));
	mask_here(&w->mask, why.text, true);
	backend_failed(w->backend, &why);
}

static void complain(struct web *w)
{
	const struct log_scope scope = {.backend = w->backend->conf->name};
	char why[sizeof w->complained.text];

	snprintf(why, sizeof why, "%s", web_tools_complaint(w->learning));
	mask_here(&w->mask, why, true);
	if (strcmp(why, w->complained.text) == 0)
		return;
	if (web_tools_left_out(w->learning) > 1)
		log_warn(&scope, "%s (and %zu more entries)", why,
			 web_tools_left_out(w->learning) - 1);
	else if (why[0] != '\0')
		log_warn(&scope, "%s", why);
	err_set(&w->complained, 0, "%s", why);
}

static void learnt(struct web *w)
{
	static const struct err no_memory = {.code = ERR_NOMEM, .text = "out of memory"};
	struct offer *o = web_tools_offer(w->learning, w->backend->conf->name);

	if (!o) {
		failed(w, &no_memory);
		return;
	}
	complain(w);
	web_tools_free(&w->tools);
	w->tools = w->learning;
	w->learning = NULL;
	backoff_reset(&w->backoff);
	if (w->backend->conf->learn_interval_ms > 0)
		learn_in(w, w->backend->conf->learn_interval_ms);
	backend_learned(w->backend, o);
}

static void ask_page(struct web *w);

static int take_page(struct web *w, const struct fetch_answer *a, char **cursor_r, struct err *e)
{
	if (a->status >= 300 && a->status < 400)
		return err_set(e, ERR_PROTOCOL,
			       "the list of tools is somewhere else (HTTP %d), which is not "
			       "followed",
			       a->status);
	if (a->status != 200)
		return err_set(e, ERR_PROTOCOL, "the list of tools was answered with HTTP %d",
			       a->status);
	if (web_tools_add(w->learning, a->body, a->len, w->backend->env->limits->max_depth,
			  cursor_r, e) < 0)
		return err_wrap(e, "the list of tools");
	return 0;
}

/* The credential is not good any more: once more, with another one, if there may be one. */
static bool try_again(struct web *w, const struct fetch_answer *a)
{
	const struct config_backend *conf = w->backend->conf;

	if (a->status != 401 || w->retried)
		return false;
	w->retried = credentials_refused_own(w->backend->env->credentials, conf, w->line);
	return w->retried;
}

static void on_page(struct fetch *f, const struct fetch_answer *a, const struct err *e, void *arg)
{
	struct web *w = arg;
	char *cursor = NULL;
	struct err why;

	(void)f;
	turns_doing("list of tools of", w->backend->conf->name);
	w->fetch = NULL;
	w->retry_after_ms = a && (a->status == 429 || a->status == 503)
				    ? backoff_retry_after(a->retry_after)
				    : 0;
	if (!a) {
		failed(w, e);
		return;
	}
	if (!try_again(w, a)) {
		if (take_page(w, a, &cursor, &why) < 0) {
			failed(w, &why);
			return;
		}
		free(w->cursor);
		w->cursor = cursor;
		if (!cursor) {
			learnt(w);
			return;
		}
	}
	ask_page(w);
}

/* The URL of the page that CURSOR (NULL: the first) names. */
static char *page_url(const struct web *w, const char *cursor)
{
	char *escaped, *url;

	if (!cursor)
		return strdup(w->list_url);
	escaped = url_escape(cursor);
	if (!escaped || asprintf(&url, "%s%ccursor=%s", w->list_url,
				 strchr(w->list_url, '?') != NULL ? '&' : '?', escaped) < 0)
		url = NULL;
	free(escaped);
	return url;
}

static void on_credential(const char *line, const struct err *e, void *arg)
{
	struct web *w = arg;
	char *url = page_url(w, w->cursor);
	struct httpc_spec spec = {
		.method = "GET",
		.url = url,
		.timeout_ms = w->backend->conf->start_timeout_ms,
	};
	struct err why = {.code = ERR_NOMEM, .text = "out of memory"};

	wipe_free(w->line);
	w->line = line ? strdup(line) : NULL;
	if (e)
		why = *e;
	else if (mask_add_passing(&w->mask, credentials_in(w->backend->conf, line)) == 0 && url &&
		 (!line || w->line))
		w->fetch = web_fetch(w, &spec, line, w->backend->env->limits->max_line, on_page, w,
				     &why);
	free(url);
	if (!w->fetch)
		failed(w, &why);
}

/* Asks for the page that the cursor names. */
static void ask_page(struct web *w)
{
	credentials_get_own(w->backend->env->credentials, w->backend->conf, on_credential, w,
			    &w->wait);
}

void web_learn(struct web *w)
{
	static const struct err no_memory = {.code = ERR_NOMEM, .text = "out of memory"};

	if (w->learning)
		return;
	event_del(&w->timer);
	w->learnt_at = clock_ms();
	w->retried = false;
	free(w->cursor);
	w->cursor = NULL;
	w->learning = web_tools_new();
	if (w->learning)
		ask_page(w);
	else
		failed(w, &no_memory);
}

void web_learn_soon(struct web *w)
{
	int64_t since = clock_ms() - w->learnt_at;

	if (!w->learning && w->backoff.waits == 0)
		learn_in(w, since < SOON_MS ? SOON_MS - since : 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	web_learn(arg);
}

void web_learn_init(struct web *w)
{
	evtimer_assign(&w->timer, w->backend->env->base, on_timer, w);
}

void web_learn_stop(struct web *w)
{
	event_del(&w->timer);
	fetch_cancel(&w->fetch);
	credentials_cancel(&w->wait);
	wipe_free(w->line);
	w->line = NULL;
	free(w->cursor);
	w->cursor = NULL;
	web_tools_free(&w->learning);
	backoff_reset(&w->backoff);
}
