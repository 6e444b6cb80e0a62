/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "mcp/post.h"

#include <stdlib.h>
#include <string.h>

#include "lib/jsonscan.h"
#include "lib/jsontext.h"

/* Where the messages of a batch are. */
struct places {
	struct {
		size_t at, len;
	} * v;
	size_t n, room;
};

static void on_element(const struct jsonscan_member *m, void *arg)
{
	struct places *ps = arg;

	if (m->depth != 1)
		return;
	if (ps->n < ps->room) {
		ps->v[ps->n].at = m->at;
		ps->v[ps->n].len = m->len;
	}
	ps->n++;
}

static void count(struct post *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->requests += p->messages[i].kind == JSONRPC_REQUEST;
}

/* Reads the message at the place AT of BODY as the next one of P. */
static int read_next(struct post *p, struct jsontext *body, size_t at, size_t len,
		     unsigned max_depth, struct err *e)
{
	struct jsontext *part = jsontext_part(body, at, len);
	int rc = part ? message_read_client(&p->messages[p->n++], part, max_depth, e)
		      : err_set(e, ERR_NOMEM, "out of memory");

	jsontext_unref(&part);
	if (rc == 0 && message_is(&p->messages[p->n - 1], "initialize"))
		rc = err_set(e, ERR_INVALID, "initialize must not be part of a batch");
	return rc;
}

static int read_all(struct post *p, struct jsontext *body, const struct places *ps,
		    unsigned max_depth, struct err *e)
{
	int rc = 0;

	if (ps->n == 0)
		return err_set(e, ERR_INVALID, "empty batch");
	if (ps->n > ps->room)
		return err_set(e, ERR_INVALID, "more than %zu messages in a batch", ps->room);
	p->messages = calloc(ps->n, sizeof *p->messages);
	if (!p->messages)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < ps->n && rc == 0; i++)
		rc = read_next(p, body, ps->v[i].at, ps->v[i].len, max_depth, e);
	return rc;
}

/* An array: the messages of a batch are found first, and each is read as if it were alone. */
static int read_batch(struct post *p, struct jsontext *body, unsigned max_batch, unsigned max_depth,
		      struct err *e)
{
	struct places ps = {.v = calloc(max_batch, sizeof *ps.v), .room = max_batch};
	enum jsonscan_status status;
	struct jsonscan s;
	size_t len;
	const char *text = ps.v ? jsontext_bytes(body, &len) : NULL;
	int rc;

	p->batch = true;
	if (!text) {
		free(ps.v);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	jsonscan_init(&s, max_depth, on_element, &ps);
	status = jsonscan_run(&s, text, len, true);
	if (status == JSONSCAN_DONE)
		rc = read_all(p, body, &ps, max_depth, e);
	else if (status == JSONSCAN_NOMEM)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	else
		rc = err_set(e, ERR_PARSE, "byte %zu: %s", s.pos + 1, s.why);
	jsonscan_fini(&s);
	free(ps.v);
	return rc;
}

/* BODY without what comes before its value: a byte order mark, and white space. NULL on lack of
 * memory. */
static struct jsontext *value_of(struct jsontext *body)
{
	struct jsontext *bare = message_unmarked(body), *value = NULL;
	size_t len, n = 0;
	const char *text = bare ? jsontext_bytes(bare, &len) : NULL;

	while (text && n < len && memchr(" \t\r\n", text[n], 4))
		n++;
	if (text)
		value = n > 0 ? jsontext_part(bare, n, len - n) : jsontext_ref(bare);
	jsontext_unref(&bare);
	return value;
}

int post_read(struct post *p, struct jsontext *body, unsigned max_batch, unsigned max_depth,
	      struct err *e)
{
	struct jsontext *value = value_of(body);
	size_t len = 0;
	const char *text = value ? jsontext_bytes(value, &len) : NULL;
	int rc;

	*p = (struct post){.messages = &p->one};
	if (!text)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	else if (len > 0 && text[0] == '[')
		rc = read_batch(p, value, max_batch, max_depth, e);
	else
		rc = message_read_client(&p->messages[p->n++], value, max_depth, e);
	if (rc == 0)
		count(p);
	jsontext_unref(&value);
	return rc;
}

void post_clear(struct post *p)
{
	for (size_t i = 0; i < p->n; i++)
		message_clear(&p->messages[i]);
	if (p->messages != &p->one)
		free(p->messages);
	*p = (struct post){0};
}

json_t *post_reply_id(const struct post *p)
{
	return p->n == 1 && !p->batch ? message_reply_id(&p->messages[0]) : NULL;
}
