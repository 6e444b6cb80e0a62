/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "lib/ssereader.h"

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

struct text {
	char *at;
	size_t len, size;
};

struct ssereader {
	size_t max;
	ssereader_fn fn;
	void *arg;
	struct text line, data;
	char event[64];
	char *id;
	long retry;
	unsigned long useless; /* lines */
	char sample[80];       /* the beginning of the last of them */
	char lost[128];	       /* the beginning of the last event that was larger than MAX */
	size_t lost_len;
	bool has_data; /* "data:" alone is an event with empty data */
	bool has_id;   /* the event being read sets the id */
	bool after_cr; /* an LF that follows belongs to the CR */
	bool too_long; /* the line is being thrown away */
	bool spoilt;   /* the event lost a line, and is thrown away */
	bool started;  /* past the place of a byte order mark */
	bool *freed;   /* set when FN frees the reader */
};

struct ssereader *ssereader_new(size_t max, ssereader_fn fn, void *arg)
{
	struct ssereader *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->max = max;
	r->fn = fn;
	r->arg = arg;
	r->retry = -1;
	return r;
}

void ssereader_free(struct ssereader **rp)
{
	struct ssereader *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	if (r->freed != NULL)
		*r->freed = true;
	free(r->line.at);
	free(r->data.at);
	free(r->id);
	free(r);
}

long ssereader_retry(const struct ssereader *r)
{
	return r->retry;
}

unsigned long ssereader_useless(const struct ssereader *r)
{
	return r->useless;
}

const char *ssereader_useless_line(const struct ssereader *r)
{
	return r->sample;
}

static void count_useless(struct ssereader *r, const char *line, size_t len)
{
	r->useless++;
	if (len > sizeof r->sample - 1)
		len = sizeof r->sample - 1;
	memcpy(r->sample, line, len);
	r->sample[len] = '\0';
}

const char *ssereader_lost(const struct ssereader *r, size_t *len_r)
{
	*len_r = r->lost_len;
	return r->lost;
}

/* The event is too large. TEXT is its beginning, or comes after the data that is there already. */
static void keep_lost(struct ssereader *r, const char *text, size_t len)
{
	if (r->data.len > 0) {
		text = r->data.at;
		len = r->data.len;
	}
	r->lost_len = len < sizeof r->lost ? len : sizeof r->lost;
	memcpy(r->lost, text, r->lost_len);
}

const char *ssereader_last_id(const struct ssereader *r)
{
	return r->id;
}

/* Appends, always terminated. */
static int text_add(struct text *t, const char *bytes, size_t len)
{
	if (t->len + len + 1 > t->size) {
		size_t size = (t->len + len + 1) * 2;
		char *at = realloc(t->at, size);

		if (!at)
			return ERR_NOMEM;
		t->at = at;
		t->size = size;
	}
	memcpy(t->at + t->len, bytes, len);
	t->len += len;
	t->at[t->len] = '\0';
	return 0;
}

static int add_data(struct ssereader *r, const char *value, size_t len)
{
	if (r->data.len + len + 1 > r->max) {
		keep_lost(r, value, len);
		r->spoilt = true;
		count_useless(r, value, len);
		return ERR_LIMIT;
	}
	if (r->has_data && text_add(&r->data, "\n", 1) < 0)
		return ERR_NOMEM;
	r->has_data = true;
	return text_add(&r->data, value, len);
}

static int set_id(struct ssereader *r, const char *value, size_t len)
{
	char *id;

	if (memchr(value, '\0', len))
		return 0; /* ignored, as the standard wants */
	id = strndup(value, len);
	if (!id)
		return ERR_NOMEM;
	free(r->id);
	r->id = id;
	r->has_id = true;
	return 0;
}

static void set_retry(struct ssereader *r, const char *value, size_t len)
{
	if (len > 0 && len < 10 && strspn(value, "0123456789") >= len)
		r->retry = strtol(value, NULL, 10);
}

static int take_field(struct ssereader *r, const char *name, size_t name_len, const char *value,
		      size_t len)
{
	if (name_len == 4 && memcmp(name, "data", 4) == 0)
		return add_data(r, value, len);
	if (name_len == 2 && memcmp(name, "id", 2) == 0)
		return set_id(r, value, len);
	if (name_len == 5 && memcmp(name, "retry", 5) == 0)
		set_retry(r, value, len);
	if (name_len == 5 && memcmp(name, "event", 5) == 0 && len < sizeof r->event) {
		memcpy(r->event, value, len);
		r->event[len] = '\0';
		return 0;
	}
	count_useless(r, name, name_len); /* "retry:" too: once is enough */
	return 0;
}

/* A blank line: the event is whole. False: the callback has freed the reader. */
static bool dispatch(struct ssereader *r)
{
	struct sse_received ev = {
		.event = r->event[0] != '\0' ? r->event : "message",
		.id = r->id,
		.data = r->data.at ? r->data.at : "",
		.len = r->data.len,
	};
	bool whole = (r->has_data || r->has_id) && !r->spoilt, freed = false;

	r->has_data = r->has_id = r->spoilt = false;
	if (!whole)
		count_useless(r, "", 0);
	if (whole) {
		r->freed = &freed;
		r->fn(&ev, r->arg);
		if (freed)
			return false;
		r->freed = NULL;
	}
	r->event[0] = '\0';
	r->data.len = 0;
	if (r->data.at)
		r->data.at[0] = '\0';
	return true;
}

/* False: the callback has freed the reader. */
static bool take_line(struct ssereader *r, int *rc)
{
	const char *line = r->line.at ? r->line.at : "", *colon;
	size_t len = r->line.len, name_len;
	int problem = 0;

	r->line.len = 0;
	if (r->too_long) {
		r->too_long = false;
		r->spoilt = true;
		return true;
	}
	if (!r->started && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		len -= 3;
	}
	r->started = true;
	if (len == 0)
		return dispatch(r);
	colon = memchr(line, ':', len);
	if (colon == line) { /* a comment */
		count_useless(r, line, len);
		return true;
	}
	name_len = colon ? (size_t)(colon - line) : len;
	if (!colon) {
		problem = take_field(r, line, name_len, "", 0);
	} else {
		const char *value = colon + 1;

		if (value < line + len && *value == ' ')
			value++;
		problem = take_field(r, line, name_len, value, (size_t)(line + len - value));
	}
	if (problem)
		*rc = problem;
	return true;
}

static int add_to_line(struct ssereader *r, const char *bytes, size_t len)
{
	if (r->too_long) {
		count_useless(r, bytes, len);
		return 0;
	}
	/* A line holds a field name more than its data. */
	if (r->line.len + len > r->max + 16) {
		if (text_add(&r->line, bytes, len < sizeof r->lost ? len : sizeof r->lost) == 0)
			keep_lost(r, r->line.at, r->line.len);
		r->too_long = true;
		r->line.len = 0;
		return ERR_LIMIT;
	}
	return text_add(&r->line, bytes, len);
}

int ssereader_feed(struct ssereader *r, const char *bytes, size_t len)
{
	int rc = 0, problem;

	while (len > 0) {
		size_t n = 0;

		if (r->after_cr && *bytes == '\n') {
			bytes++;
			len--;
		}
		r->after_cr = false;
		while (n < len && bytes[n] != '\n' && bytes[n] != '\r')
			n++;
		problem = n > 0 ? add_to_line(r, bytes, n) : 0;
		if (problem)
			rc = problem;
		if (n == len)
			break;
		r->after_cr = bytes[n] == '\r';
		bytes += n + 1;
		len -= n + 1;
		if (!take_line(r, &rc))
			return rc;
	}
	return rc;
}

void ssereader_end(struct ssereader *r)
{
	if (r->has_data || r->line.len > 0)
		(void)ssereader_feed(r, "\n\n", 2);
}

size_t ssereader_held(const struct ssereader *r)
{
	return r->line.size + r->data.size;
}
