/* SPDX-License-Identifier: ISC */
/* fake_exchange.h: exchange.h without HTTP. A program that links fake_exchange.c gets these
 * exchanges instead of the real ones: tests see what was answered, let clients hang up or read
 * slowly, and every use of an exchange after its end fails the test. */
#ifndef MCPD_TESTS_FAKE_EXCHANGE_H
#define MCPD_TESTS_FAKE_EXCHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "http/exchange.h"

enum fake_outcome {
	FAKE_OPEN,    /* no end yet */
	FAKE_REPLIED, /* one body */
	FAKE_ENDED,   /* a stream came to its end */
	FAKE_ABORTED, /* the connection was cut */
	FAKE_LEFT,    /* the client hung up, and the owner knows */
};

/* A POST without a body from 127.0.0.1. It stays readable after its end until
 * fake_exchanges_free(). */
struct exchange *fake_exchange(void);
/* Any request. HEADERS are lines "Name: value", each with its LF; all is copied. */
struct exchange *fake_request(enum exchange_method method, const char *path, const char *headers,
			      const char *body, size_t len);
/* The client hangs up. */
void fake_leave(struct exchange *x);
/* What the client has not read, from now on. */
void fake_set_backlog(struct exchange *x, size_t bytes);
/* From now on beginning a stream, or writing into one, fails with RC (0: works again). */
void fake_fail_begin(struct exchange *x, int rc);
void fake_fail_write(struct exchange *x, int rc);

enum fake_outcome fake_outcome(const struct exchange *x);
bool fake_streaming(const struct exchange *x);
int fake_status(const struct exchange *x); /* 0: no answer yet */
const char *fake_text(struct exchange *x); /* body or stream so far */
const char *fake_answer_header(const struct exchange *x, const char *name); /* or NULL */
/* The events of the stream so far: [{"id":"1-1","data":{...},"retry":5000}, ...]; data is "" for an
 * event without. Fails the test when the stream breaks the format. A new reference. */
json_t *fake_events(struct exchange *x);
/* How many comments there are in the stream so far. */
size_t fake_comments(struct exchange *x);

/* Fails the test when one has not ended; frees them all. */
void fake_exchanges_free(void);

#endif
