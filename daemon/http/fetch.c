/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "http/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/budget.h"
#include "base/defer.h"
#include "base/delayq.h"
#include "lib/wipe.h"

struct fetch {
	struct httpc *h;
	struct httpc_request *req;
	struct httpc_spec spec; /* with copies of all strings */
	char *method, *url, *body, *ca_file;
	char **headers;
	int64_t until; /* clock_ms(); 0: no limit */
	char *in;
	size_t len, max;
	struct budget_part held; /* what was collected */
	unsigned redirects;
	int status;
	fetch_fn fn; /* NULL: over */
	void *arg;
	struct err why; /* too long, or no memory */
	struct defer freeing;
};

static void free_strings(char **list)
{
	for (char **s = list; s != NULL && *s; s++)
		wipe_free(*s); /* headers have secrets in them */
	free(list);
}

static void release(void *arg)
{
	struct fetch *f = arg;

	free_strings(f->headers);
	if (f->body)
		explicit_bzero(f->body, f->spec.len);
	free(f->method);
	free(f->url);
	free(f->body);
	free(f->ca_file);
	free(f->in);
	budget_end(&f->held);
	free(f);
}

static void finish(struct fetch *f, const struct fetch_answer *a, const struct err *e)
{
	fetch_fn fn = f->fn;

	f->fn = NULL;
	defer_call(&f->freeing, release, f);
	if (fn)
		fn(f, a, e, f->arg);
}

static void on_head(struct httpc_request *r, int status, void *arg)
{
	struct fetch *f = arg;

	(void)r;
	f->status = status;
}

static void on_data(struct httpc_request *r, const char *bytes, size_t len, void *arg)
{
	struct fetch *f = arg;
	char *grown;

	(void)r;
	grown = NULL;
	if (f->len + len > f->max) {
		err_set(&f->why, ERR_LIMIT, "the answer is longer than %zu bytes", f->max);
	} else if (budget_take(&f->held, len, "an answer of a server", &f->why) < 0) {
		f->why.code = ERR_LIMIT;
	} else {
		grown = realloc(f->in, f->len + len + 1);
		if (!grown)
			err_set(&f->why, ERR_NOMEM, "out of memory");
	}
	if (!grown) {
		httpc_cancel(&f->req);
		finish(f, NULL, &f->why);
		return;
	}
	memcpy(grown + f->len, bytes, len);
	f->in = grown;
	f->len += len;
	f->in[f->len] = '\0';
}

static int begin(struct fetch *f, struct err *e);

/* Whether the answer R is a redirect, which is followed or ends F. */
static bool redirect(struct fetch *f, struct httpc_request *r)
{
	struct err e, why;
	char *url;
	int rc = httpc_redirect(r, &f->redirects, &url, &why);

	if (rc == 0 && !url)
		return false;
	if (rc == 0) {
		free(f->url);
		f->url = url;
		f->len = 0;
		budget_set(&f->held, 0);
		rc = begin(f, &e);
	} else {
		err_set(&e, rc, "the server %s", why.text);
	}
	if (rc < 0)
		finish(f, NULL, &e);
	return true;
}

static void on_done(struct httpc_request *r, const struct err *e, void *arg)
{
	struct fetch *f = arg;
	struct fetch_answer a = {.status = f->status, .len = f->len};

	f->req = NULL;
	if (e) {
		finish(f, NULL, e);
		return;
	}
	if (redirect(f, r))
		return;
	a.type = httpc_header(r, "Content-Type");
	a.type = a.type ? a.type : "";
	a.body = f->len > 0 ? f->in : "";
	a.retry_after = httpc_header(r, "Retry-After");
	a.www_authenticate = httpc_header(r, "WWW-Authenticate");
	finish(f, &a, NULL);
}

static int begin(struct fetch *f, struct err *e)
{
	static const struct httpc_events events = {
		.on_head = on_head, .on_data = on_data, .on_done = on_done};

	f->spec.url = f->url;
	if (f->until > 0) {
		f->spec.timeout_ms = f->until - clock_ms();
		if (f->spec.timeout_ms <= 0)
			return err_set(e, ERR_TIMEOUT, "it took too long");
	}
	return httpc_start(f->h, &f->spec, &events, f, &f->req, e);
}

/* Copies of all that is borrowed. */
static int keep(struct fetch *f, const struct httpc_spec *spec)
{
	size_t n = 0;

	while (spec->headers && spec->headers[n])
		n++;
	f->spec = *spec;
	f->headers = calloc(n + 1, sizeof *f->headers);
	f->method = strdup(spec->method);
	f->url = strdup(spec->url);
	if (!f->headers || !f->method || !f->url)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		if (!(f->headers[i] = strdup(spec->headers[i])))
			return ERR_NOMEM;
	if (spec->ca_file && !(f->ca_file = strdup(spec->ca_file)))
		return ERR_NOMEM;
	if (spec->body && !(f->body = malloc(spec->len + 1)))
		return ERR_NOMEM;
	if (f->body) {
		memcpy(f->body, spec->body, spec->len);
		f->body[spec->len] = '\0';
	}
	f->spec.method = f->method;
	f->spec.headers = (const char *const *)f->headers;
	f->spec.body = f->body;
	f->spec.ca_file = f->ca_file;
	return 0;
}

struct fetch *fetch_start(struct httpc *h, const struct httpc_spec *spec, size_t max, fetch_fn fn,
			  void *arg, struct err *e)
{
	struct fetch *f = calloc(1, sizeof *f);

	if (!f || keep(f, spec) < 0) {
		if (f)
			release(f);
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	f->h = h;
	f->max = max;
	budget_move(&f->held, spec->budget);
	f->fn = fn;
	f->arg = arg;
	f->until = spec->timeout_ms > 0 ? clock_ms() + spec->timeout_ms : 0;
	if (begin(f, e) == 0)
		return f;
	release(f);
	return NULL;
}

void fetch_cancel(struct fetch **fp)
{
	struct fetch *f = *fp;

	*fp = NULL;
	if (!f || !f->fn)
		return;
	f->fn = NULL;
	httpc_cancel(&f->req);
	defer_call(&f->freeing, release, f);
}
