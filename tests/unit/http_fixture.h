/* SPDX-License-Identifier: ISC */
/* http_fixture.h: an httpd on a port of loopback and clients of it, all in one event loop. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "http/exchange.h"
#include "http/httpd.h"

#define MAX_HELD 8

/* What the server did so far. The handler answers by path: /now at once with what it saw; /later
 * and /stream are held for the test to go on with; /big answers at once with FIX.big bytes. */
struct fixture {
	struct event_base *base;
	struct httpd *httpd;
	char *address; /* 127.0.0.1:PORT */
	struct exchange *held[MAX_HELD];
	unsigned held_n;
	unsigned gone; /* how many on_gone came */
	struct exchange *last_gone;
	unsigned requests;
	size_t big;
	void (*handler)(struct exchange *x); /* instead of the above */
	const struct gate_hooks *hooks;	     /* of the next server; NULL: none */
	bool (*hold)(void *arg);	     /* of the next server; NULL: none */
	void *hold_arg;
};
extern struct fixture fix;

/* Test and its set-up with the usual limits (body 1000, headers 4000, idle 600 s). */
#define http_test(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Replaces the server by one with these limits (NULL: the usual ones), and with fix.hooks and
 * fix.hold. */
void fixture_restart(const struct httpd_limits *limits);

struct client {
	struct bufferevent *bev;
	bool eof;   /* the server closed */
	bool error; /* or reset */
};
void client_open(struct client *c);
void client_connect(struct client *c, const char *address);
void client_send(struct client *c, const char *text);
/* Waits until what came begins with everything up to TEXT, and takes it: a malloc'd string. */
char *client_take_until(struct client *c, const char *text);
/* A whole answer with Content-Length: head and body. */
char *client_take_answer(struct client *c);
size_t client_available(const struct client *c);
void client_wait_end(struct client *c);
void client_close(struct client *c);

/* Runs the loop until COND. The test's watchdog bounds it. */
#define pump_until(cond)                                                                           \
	do {                                                                                       \
		while (!(cond))                                                                    \
			event_base_loop(fix.base, EVLOOP_ONCE);                                    \
	} while (0)
/* Runs the loop for as long as something happens without waiting. */
void pump_idle(void);

#endif
