/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "lib/log.h"

#define WATCHDOG_S 60

struct event_base *loop_open(void)
{
	struct event_base *base = event_base_new();

	assert_non_null(base);
	assert_int_equal(defer_init(base), 0);
	return base;
}

void loop_close(struct event_base *base)
{
	defer_fini();
	event_base_free(base);
}

void loop_turn(struct event_base *base)
{
	assert_true(event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0);
}

void loop_settle(struct event_base *base)
{
	assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static bool flag_set(const void *arg, int unused)
{
	(void)unused;
	return *(const bool *)arg;
}

static bool count_reached(const void *arg, int at_least)
{
	return *(const int *)arg >= at_least;
}

static void until(struct event_base *base, bool (*done)(const void *, int), const void *arg, int n)
{
	struct timeval tv = {.tv_sec = WATCHDOG_S};
	bool late = false;
	struct event *watchdog = evtimer_new(base, on_watchdog, &late);

	assert_non_null(watchdog);
	evtimer_add(watchdog, &tv);
	while (!done(arg, n) && !late)
		assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
	event_free(watchdog);
	if (late)
		fail_msg("nothing happened within %d s", WATCHDOG_S);
}

void loop_until(struct event_base *base, const bool *done)
{
	until(base, flag_set, done, 0);
}

void loop_until_count(struct event_base *base, const int *n, int at_least)
{
	until(base, count_reached, n, at_least);
}

static char **captured;
static size_t n_captured;

static void on_line(const struct log_line *line, void *arg)
{
	char **more = realloc(captured, (n_captured + 1) * sizeof *captured);

	(void)arg;
	assert_non_null(more);
	captured = more;
	captured[n_captured] = strdup(line->text);
	assert_non_null(captured[n_captured]);
	n_captured++;
}

void capture_start(void)
{
	assert_int_equal(log_subscribe(on_line, NULL), 0);
}

void capture_stop(void)
{
	log_unsubscribe(on_line, NULL);
	capture_clear();
}

void capture_clear(void)
{
	while (n_captured > 0)
		free(captured[--n_captured]);
	free(captured);
	captured = NULL;
}

size_t capture_count(void)
{
	return n_captured;
}

const char *capture_line(size_t i)
{
	assert_true(i < n_captured);
	return captured[i];
}

size_t capture_matches(const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < n_captured; i++)
		if (strstr(captured[i], part))
			n++;
	return n;
}

json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *value;

	assert_non_null(copy);
	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	value = json_loads(copy, JSON_DECODE_ANY, &error);
	if (!value)
		fail_msg("%s: %s", copy, error.text);
	free(copy);
	return value;
}

bool json_is(const json_t *value, const char *text)
{
	json_t *want = json_of(text);
	bool same = value && json_equal(value, want);

	if (!same) {
		char *found = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		print_error("expected %s\nfound    %s\n", text, found != NULL ? found : "nothing");
		free(found);
	}
	json_decref(want);
	return same;
}
