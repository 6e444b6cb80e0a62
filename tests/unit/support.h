/* SPDX-License-Identifier: ISC */
/* support.h: what several unit tests share: turning the loop without sleeping, and reading the log.
 */
#ifndef MCPD_TESTS_SUPPORT_H
#define MCPD_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

struct event_base;

/* One loop for a test, with defer.h on it. */
struct event_base *loop_open(void);
/* Runs what is deferred and frees the loop. */
void loop_close(struct event_base *base);
/* One turn: runs what is ready now, without waiting. */
void loop_turn(struct event_base *base);
/* Turns until nothing is ready any more. */
void loop_settle(struct event_base *base);
/* Turns the loop until *DONE; fails the test when that takes longer than a generous watchdog. */
void loop_until(struct event_base *base, const bool *done);
/* The same until *N reaches AT_LEAST. */
void loop_until_count(struct event_base *base, const int *n, int at_least);

/* Keeps every log line from now on. */
void capture_start(void);
void capture_stop(void);
void capture_clear(void);
size_t capture_count(void);
/* The text of line I; fails the test when there is none. */
const char *capture_line(size_t i);
/* How many lines contain PART. */
size_t capture_matches(const char *part);

/* json_loads() that fails the test; single quotes stand for double quotes. */
json_t *json_of(const char *text);
/* Whether VALUE equals TEXT (as above). Prints both when it does not. */
bool json_is(const json_t *value, const char *text);

#endif
