/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "process/children_log.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define MAX_LINE   4096
#define PER_SECOND 20
#define BURST	   100

int children_log_init(struct children_log *l, const char *name, const struct mask *mask)
{
	l->name = name;
	l->pid = 0;
	l->last[0] = '\0';
	lines_init(&l->lines, MAX_LINE);
	ratelimit_init(&l->limit, PER_SECOND, BURST);
	l->mask = (struct mask){.n = 0};
	return mask_add_all(&l->mask, mask);
}

void children_log_fini(struct children_log *l)
{
	mask_fini(&l->mask);
}

static void tell_dropped(struct children_log *l)
{
	const struct log_scope scope = {.backend = l->name};
	unsigned long n = ratelimit_dropped(&l->limit);

	if (n > 0)
		log_info(&scope, "stderr of child %d: %lu lines dropped", l->pid, n);
}

static void one_line(struct children_log *l, char *text, size_t len)
{
	const struct log_scope scope = {.backend = l->name};
	char *masked;

	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0')
			text[i] = '?'; /* it would end the line */
	if (len == 0)
		return;
	masked = mask_text(&l->mask, text, len, &len);
	if (masked)
		snprintf(l->last, sizeof l->last, "%s", masked);
	if (ratelimit_pass(&l->limit)) {
		tell_dropped(l);
		log_info(&scope, "stderr of child %d: %s", l->pid,
			 masked != NULL ? masked : "(out of memory)");
	}
	free(masked);
}

void children_log_feed(struct children_log *l, struct evbuffer *in)
{
	enum lines_result r;
	size_t len;
	char *text;

	while ((r = lines_next(&l->lines, in, &text, &len)) == LINES_GOT || r == LINES_TOO_LONG) {
		if (r == LINES_TOO_LONG) {
			l->limit.dropped++;
			continue;
		}
		one_line(l, text, len);
		free(text);
	}
	if (r == LINES_NOMEM)
		evbuffer_drain(in, evbuffer_get_length(in));
}

void children_log_finish(struct children_log *l, struct evbuffer *in)
{
	children_log_feed(l, in);
	if (evbuffer_get_length(in) > 0 && evbuffer_add(in, "\n", 1) == 0)
		children_log_feed(l, in);
	tell_dropped(l);
}
