/* SPDX-License-Identifier: ISC */
/* load.c: a load generator for MCP over HTTP, bounded in count and time, for loopback only.
 *
 *   load MODE ADDRESS:PORT [-c CONNECTIONS] [-n COUNT] [-t SECONDS] [-T TOOL]
 *        [-a BYTES] [-s BYTES] [-r RATE]
 *
 * -a: so long is the text that is the argument of the tool. -s: so long is at least the answer, of
 * which the bytes are counted and nothing else is looked at. -r: so many requests a second, whether
 * or not the earlier ones were answered; the time of each counts from when it was due.
 *
 * post   the same `ping`, without a session (for a server that is none); with -T `tools/call`
 * ping   a session for each connection, then `ping` in it
 * call   the same with `tools/call` of TOOL
 * modern the same in revision 2026-07-28, which has no sessions
 * open   COUNT sessions, left open
 * churn  COUNT sessions, opened and deleted; with -T the tool is called in each
 * stream COUNT sessions, then, after a line on stdin, a GET stream for each; held until stdin ends
 * listen COUNT streams of subscriptions/listen for changes of the tools; after a line on stdin
 * waits until each has told of one; held until stdin ends
 *
 * Each phase ends with one line of JSON on stdout. Every answer is checked; one that is not what it
 * should be counts as an error. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TEXT	    "The quick brown fox"
#define PATH	    "/mcp"
#define SAMPLES_MAX 4000000
#define BOTH	    "application/json, text/event-stream"
#define MODERN	    "2026-07-28"
#define META                                                                                       \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN                         \
	"\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"bench\",\"version\":\"1\"},"        \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"

enum step { INITIALIZE, INITIALIZED, WORK, DELETE, REST };

struct client {
	struct wire wire;
	enum step step;
	unsigned id;
	char session[128];
	double sent;
};

static struct {
	const char *mode;
	struct sockaddr_in to;
	const char *tool;
	unsigned connections;
	unsigned long count;
	double seconds;
	char *text;	 /* the argument of the tool */
	size_t text_len; /* at most, with -a */
	size_t answer;	 /* bytes of an answer that are counted; 0: it is looked at */
	double rate;	 /* requests a second; 0: each follows an answer */

	int epoll;
	struct client *clients;
	char (*sessions)[128]; /* for `stream` */
	unsigned long begun, done, errors;
	unsigned resting; /* clients with nothing to do */
	bool measuring;
	double start, end;
	uint32_t *samples; /* microseconds */
	unsigned long samples_n;
} load = {.text = (char[]){TEXT}, .connections = 1, .count = 1000000000, .seconds = 3600};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool mode_is(const char *mode)
{
	return strcmp(load.mode, mode) == 0;
}

/* Sessions come one after another on each connection. */
static bool many_sessions(void)
{
	return mode_is("open") || mode_is("churn") || mode_is("stream");
}

static void fail(const struct client *c, const char *what, const struct answer *a)
{
	if (load.errors++ < 3)
		fprintf(stderr, "load: step %d: %s: %d %s\n", (int)c->step, what,
			a != NULL ? a->status : 0, a != NULL && a->body ? a->body : "");
}

static void watch(struct client *c)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};

	if (wire_connect(&c->wire, &load.to) != 0 ||
	    epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->wire.fd, &ev) != 0) {
		fprintf(stderr, "load: connect: %s\n", strerror(errno));
		exit(1);
	}
}

/* Writes a request of the 2025 revisions, in the session if there is one. */
static void write_request(struct wire *w, const char *method, const char *session,
			  const char *accept, const char *body)
{
	char headers[256];

	snprintf(headers, sizeof headers, "MCP-Protocol-Version: 2025-06-18\r\n%s%s%s",
		 *session ? "Mcp-Session-Id: " : "", session, *session ? "\r\n" : "");
	wire_request(w, method, PATH, headers, accept, body);
}

static void post(struct client *c, const char *body)
{
	write_request(&c->wire, "POST", c->session, BOTH, body);
}

static void request_modern(struct client *c, char *body, size_t size)
{
	char headers[256];

	snprintf(headers, sizeof headers,
		 "MCP-Protocol-Version: " MODERN "\r\nMcp-Method: tools/call\r\nMcp-Name: %s\r\n",
		 load.tool);
	snprintf(body, size,
		 "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/"
		 "call\",\"params\":{\"name\":\"%s\","
		 "\"arguments\":{\"text\":\"%s\"}," META "}}",
		 c->id, load.tool, load.text);
	wire_request(&c->wire, "POST", PATH, headers, BOTH, body);
}

static void request_legacy(struct client *c, char *body, size_t size)
{
	if (load.tool)
		snprintf(body, size,
			 "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/"
			 "call\",\"params\":{\"name\":"
			 "\"%s\",\"arguments\":{\"text\":\"%s\"}}}",
			 c->id, load.tool, load.text);
	else
		snprintf(body, size, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"ping\"}", c->id);
	post(c, body);
}

static void request_work(struct client *c)
{
	static char *body;
	size_t size = load.text_len + 1000;

	if (!body)
		body = malloc(size);
	if (!body)
		exit(1);
	if (mode_is("modern"))
		request_modern(c, body, size);
	else
		request_legacy(c, body, size);
}

/* Writes and sends the request of the client's step. */
static void request(struct client *c)
{
	c->id++;
	switch (c->step) {
	case INITIALIZE:
		c->session[0] = '\0';
		post(c, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
			"\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{"
			"\"name\":\"bench\",\"version\":\"1\"}}}");
		break;
	case INITIALIZED:
		post(c, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
		break;
	case WORK:
		request_work(c);
		break;
	case DELETE:
		write_request(&c->wire, "DELETE", c->session, "*/*", "");
		break;
	case REST:
		return;
	}
	c->sent = now();
	wire_send(&c->wire);
}

static void rest(struct client *c)
{
	c->step = REST;
	load.resting++;
}

/* A new session, or nothing when there are enough. */
static void begin_session(struct client *c)
{
	if (load.begun >= load.count) {
		rest(c);
		return;
	}
	load.begun++;
	c->step = INITIALIZE;
	request(c);
}

static void session_done(struct client *c)
{
	if (load.sessions && load.done < load.count)
		memcpy(load.sessions[load.done], c->session, sizeof c->session);
	load.done++;
	begin_session(c);
}

/* Requests that are due at a rate. */
static struct {
	int timer;
	unsigned long due, sent;
	struct client **idle;
	unsigned idle_n;
} pace;

/* Sends what is due, as far as there are clients without a request in flight. */
static void pace_send(void)
{
	while (pace.sent < pace.due && pace.idle_n > 0) {
		struct client *c = pace.idle[--pace.idle_n];

		request(c);
		c->sent = load.start + (double)++pace.sent / load.rate;
	}
}

static void pace_tick(void)
{
	uint64_t n;

	if (read(pace.timer, &n, sizeof n) == sizeof n)
		pace.due += n;
	pace_send();
	while (now() >= load.end && pace.idle_n > 0)
		rest(pace.idle[--pace.idle_n]);
}

static void pace_begin(void)
{
	const struct timespec each = {.tv_sec = (time_t)(1 / load.rate),
				      .tv_nsec = (long)(1e9 / load.rate) % 1000000000};
	const struct itimerspec spec = {.it_interval = each, .it_value = each};
	struct epoll_event ev = {.events = EPOLLIN};

	pace.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	pace.idle = calloc(load.connections, sizeof *pace.idle);
	if (pace.timer < 0 || !pace.idle || timerfd_settime(pace.timer, 0, &spec, NULL) != 0 ||
	    epoll_ctl(load.epoll, EPOLL_CTL_ADD, pace.timer, &ev) != 0) {
		perror("load: timer");
		exit(1);
	}
}

/* The next request of C, now or when it is due. */
static void work(struct client *c)
{
	if (load.rate <= 0) {
		request(c);
		return;
	}
	pace.idle[pace.idle_n++] = c;
	pace_send();
}

static void work_done(struct client *c)
{
	double t = now();

	if (load.samples_n < SAMPLES_MAX)
		load.samples[load.samples_n++] = (uint32_t)((t - c->sent) * 1e6);
	load.done++;
	if (t >= load.end || load.done + load.connections > load.count)
		rest(c);
	else
		work(c);
}

static void after_initialized(struct client *c)
{
	if (!many_sessions()) {
		rest(c); /* all begin together */
	} else if (mode_is("churn")) {
		c->step = load.tool ? WORK : DELETE;
		request(c);
	} else {
		session_done(c);
	}
}

static void check_result(struct client *c, const struct answer *a)
{
	char id[24];

	if (load.answer > 0) {
		if (a->status != 200 || a->body_len < load.answer)
			fail(c, "not the whole answer", a);
		return;
	}
	snprintf(id, sizeof id, "\"id\":%u", mode_is("post") ? 1 : c->id);
	if (a->status != 200 || !strstr(a->body, "\"result\"") || !strstr(a->body, id))
		fail(c, "wrong answer", a);
}

static void answered(struct client *c, const struct answer *a)
{
	switch (c->step) {
	case INITIALIZE:
		if (a->status != 200 || !strstr(a->body, "\"protocolVersion\""))
			fail(c, "wrong answer to initialize", a);
		memcpy(c->session, a->session, sizeof c->session);
		c->step = INITIALIZED;
		request(c);
		break;
	case INITIALIZED:
		if (a->status != 202 && a->status != 200)
			fail(c, "wrong answer to initialized", a);
		after_initialized(c);
		break;
	case WORK:
		check_result(c, a);
		if (load.measuring) {
			work_done(c);
		} else {
			c->step = DELETE;
			request(c);
		}
		break;
	case DELETE:
		if (a->status != 200 && a->status != 204)
			fail(c, "wrong answer to DELETE", a);
		session_done(c);
		break;
	case REST:
		break;
	}
}

static void closed(struct client *c)
{
	if (c->step != REST && !c->wire.closing)
		fail(c, "connection closed", NULL);
	if (load.errors > 1000) {
		fprintf(stderr, "load: too many errors\n");
		exit(1);
	}
	wire_close(&c->wire);
	watch(c);
	if (c->step != REST) {
		c->id--;
		request(c);
	}
}

static void on_event(struct client *c, uint32_t events)
{
	struct answer a;

	if (events & EPOLLOUT)
		wire_send(&c->wire);
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	for (;;) {
		bool large = load.answer > 0 && c->step == WORK;

		switch (large ? wire_count(&c->wire, &a) : wire_read(&c->wire, &a, false)) {
		case WIRE_MORE:
		case WIRE_HEAD:
			return;
		case WIRE_CLOSED:
			closed(c);
			return;
		case WIRE_ANSWER:
			if (c->wire.closing) {
				wire_close(&c->wire);
				watch(c);
			}
			answered(c, &a);
			break;
		}
	}
}

static void run(void)
{
	struct epoll_event ev[256];

	while (load.resting < load.connections) {
		int n = epoll_wait(load.epoll, ev, 256, 60000);

		if (n == 0) {
			fprintf(stderr, "load: no answer for a minute\n");
			exit(1);
		}
		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr)
				on_event(ev[i].data.ptr, ev[i].events);
			else
				pace_tick();
		}
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report(void)
{
	double seconds = now() - load.start;
	unsigned long n = load.samples_n;

	printf("{\"done\": %lu, \"errors\": %lu, \"seconds\": %.3f, \"rate\": %.3f", load.done,
	       load.errors, seconds, (double)load.done / seconds);
	if (n > 0) {
		qsort(load.samples, n, sizeof *load.samples, by_value);
		printf(", \"p50_us\": %u, \"p99_us\": %u, \"p999_us\": %u, \"max_us\": %u",
		       load.samples[n / 2], load.samples[n * 99 / 100],
		       load.samples[n - 1 - n / 1000], load.samples[n - 1]);
	}
	printf("}\n");
	fflush(stdout);
}

/* Everybody has a session; now the clock starts. */
static void measure(void)
{
	load.measuring = true;
	load.resting = 0;
	load.start = now();
	load.end = load.start + load.seconds;
	if (load.rate > 0)
		pace_begin();
	for (unsigned i = 0; i < load.connections; i++) {
		load.clients[i].step = WORK;
		load.clients[i].id = 0;
		work(&load.clients[i]);
	}
	run();
	report();
}

static void ask_for_stream(struct client *c, unsigned long i)
{
	char body[500];

	watch(c);
	if (mode_is("stream")) {
		write_request(&c->wire, "GET", load.sessions[i], "text/event-stream", "");
		return;
	}
	snprintf(body, sizeof body,
		 "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"method\":\"subscriptions/listen\",\"params\":{"
		 "\"notifications\":{\"toolsListChanged\":true}," META "}}",
		 i + 1);
	wire_request(&c->wire, "POST", PATH,
		     "MCP-Protocol-Version: " MODERN "\r\nMcp-Method: subscriptions/listen\r\n",
		     BOTH, body);
}

/* Whether the head of C's stream is there; an answer that is none counts as an error. */
static bool stream_begun(struct client *c)
{
	struct answer a;
	enum wire_state state;

	wire_send(&c->wire);
	state = wire_read(&c->wire, &a, true);
	if (state == WIRE_MORE)
		return false;
	if (state != WIRE_HEAD || a.status != 200)
		fail(c, "no stream", state == WIRE_ANSWER ? &a : NULL);
	/* What follows is left to the kernel. */
	epoll_ctl(load.epoll, EPOLL_CTL_DEL, c->wire.fd, NULL);
	return true;
}

/* Whether C's stream has told of a change by now. */
static bool change_told(struct client *c)
{
	static const char change[] = "notifications/tools/list_changed";
	struct wire *w = &c->wire;
	ssize_t n = recv(w->fd, w->in + w->in_len, w->in_size - w->in_len, 0);

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			fail(c, "the stream ended", NULL);
		return n == 0 || errno != EAGAIN;
	}
	w->in_len += (size_t)n;
	if (!memmem(w->in, w->in_len, change, sizeof change - 1))
		return false;
	epoll_ctl(load.epoll, EPOLL_CTL_DEL, w->fd, NULL);
	return true;
}

/* Until STEP was true of N clients. */
static void until_all(unsigned long n, bool (*step)(struct client *c))
{
	struct epoll_event ev[256];
	unsigned long done = 0;

	load.start = now();
	while (done < n) {
		int got = epoll_wait(load.epoll, ev, 256, 60000);

		if (got == 0)
			break;
		for (int i = 0; i < got; i++)
			done += step(ev[i].data.ptr);
	}
	load.done = done;
	report();
}

/* N streams, held until stdin ends. */
static void hold_streams(unsigned long n)
{
	struct client *streams = calloc(n, sizeof *streams);

	if (!streams)
		exit(1);
	for (unsigned long i = 0; i < n; i++)
		ask_for_stream(&streams[i], i);
	until_all(n, stream_begun);
	if (mode_is("listen") && getchar() != EOF) {
		for (unsigned long i = 0; i < n; i++) {
			struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &streams[i]};

			epoll_ctl(load.epoll, EPOLL_CTL_ADD, streams[i].wire.fd, &ev);
		}
		until_all(n, change_told);
	}
	while (getchar() != EOF)
		;
	for (unsigned long i = 0; i < n; i++)
		wire_free(&streams[i].wire);
	free(streams);
}

static void disconnect(void)
{
	for (unsigned i = 0; i < load.connections; i++)
		wire_free(&load.clients[i].wire);
}

static int parse_address(const char *text)
{
	char host[64];
	unsigned port;

	load.to.sin_family = AF_INET;
	if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &load.to.sin_addr) != 1 ||
	    (ntohl(load.to.sin_addr.s_addr) >> 24) != 127)
		return -1;
	load.to.sin_port = htons((uint16_t)port);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: load post|ping|call|modern|open|churn|stream|listen 127.0.0.1:PORT "
			"[-c CONNECTIONS] [-n COUNT] [-t SECONDS] [-T TOOL] [-a BYTES] [-s BYTES] "
			"[-r RATE]\n");
	return 64;
}

static void make_text(size_t len)
{
	load.text = malloc(len + 1);
	if (!load.text)
		exit(1);
	memset(load.text, 'x', len);
	load.text[len] = '\0';
	load.text_len = len;
}

static int parse(int argc, char **argv)
{
	int opt;

	if (argc < 3 || parse_address(argv[2]) != 0)
		return -1;
	load.mode = argv[1];
	optind = 3;
	while ((opt = getopt(argc, argv, "c:n:t:T:a:s:r:")) != -1) {
		switch (opt) {
		case 'c':
			load.connections = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			load.count = strtoul(optarg, NULL, 10);
			break;
		case 't':
			load.seconds = strtod(optarg, NULL);
			break;
		case 'T':
			load.tool = optarg;
			break;
		case 'a':
			make_text(strtoul(optarg, NULL, 10));
			break;
		case 's':
			load.answer = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			load.rate = strtod(optarg, NULL);
			break;
		default:
			return -1;
		}
	}
	if (mode_is("modern") && !load.tool)
		return -1;
	return load.connections > 0 && optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	if (parse(argc, argv) != 0)
		return usage();
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.clients = calloc(load.connections, sizeof *load.clients);
	load.samples = calloc(SAMPLES_MAX, sizeof *load.samples);
	if (mode_is("stream"))
		load.sessions = calloc(load.count, sizeof *load.sessions);
	if (load.epoll < 0 || !load.clients || !load.samples)
		return 1;
	load.start = now();
	if (mode_is("listen")) {
		hold_streams(load.count);
		free(load.clients);
		free(load.samples);
		return load.errors > 0;
	}
	for (unsigned i = 0; i < load.connections; i++) {
		watch(&load.clients[i]);
		if (mode_is("post") || mode_is("modern"))
			rest(&load.clients[i]);
		else if (many_sessions())
			begin_session(&load.clients[i]);
		else
			request(&load.clients[i]);
	}
	run();
	if (many_sessions())
		report();
	else
		measure();
	disconnect();
	if (mode_is("stream") && getchar() != EOF)
		hold_streams(load.done);
	free(load.clients);
	free(load.samples);
	free(load.sessions);
	return load.errors > 0;
}
