/* SPDX-License-Identifier: ISC */
/* An operator who says anything to the control socket: every line that comes back is JSON-RPC, and
 * nothing is left of the connection. The first byte is the level of the peer and the size of the
 * pieces. */
#include "session_fixture.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/control_impl.h"
#include "fuzz.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"

static char path[100];
static struct config conf;
static struct control *control;

static void on_shutdown(void *arg)
{
	(void)arg;
}

static json_t *on_status(void *arg)
{
	(void)arg;
	return json_pack("{s:i}", "pid", 7);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct control_deps deps = {
		.config = &conf, .n_backends = 1, .status = on_status, .shutdown = on_shutdown};
	static char dir[] = "/tmp/mcpd-fuzz-XXXXXX", file[] = "/nonexistent.json";
	struct err e;

	(void)argc;
	(void)argv;
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	fixture_open(NULL);
	capture_stop();
	MUST(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/control.sock", dir);
	conf = (struct config){.control = path, .control_mode = 0600, .file = file};
	deps.base = fx.base;
	deps.sessions = fx.ss;
	deps.backends = &fx.backend;
	deps.view = fx.view;
	control = control_new(&deps, &e);
	MUST(control);
	/* The connections come from socketpair(): nobody else is to find this one. */
	unlink(path);
	rmdir(dir);
	return 0;
}

static void turn(void)
{
	for (int i = 0; i < 3; i++)
		event_base_loop(fx.base, EVLOOP_NONBLOCK);
	while (fake_held() > 0)
		call_result_tree(fake_take(0), json_object());
}

/* Reads what came and looks at each whole line. */
static void receive(int fd, struct evbuffer *in)
{
	enum jsonrpc_kind kind;
	size_t len;
	char *line;

	while (evbuffer_read(in, fd, 65536) > 0)
		continue;
	while ((line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF))) {
		json_t *msg = jsonrpc_parse(line, len, 0, NULL);

		MUST(msg && jsonrpc_classify(msg, &kind, NULL) == 0);
		json_decref(msg);
		free(line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evbuffer *in = evbuffer_new();
	enum ctl_level level = size > 0 && data[0] & 1 ? CTL_ADMIN : CTL_READ;
	size_t step = size > 0 ? (size_t)data[0] + 1 : 1;
	int fds[2];

	log_set_level(LOGL_ERROR);
	open_session("alice", MCP_REV_2025_11_25);
	open_session(NULL, MCP_REV_2025_06_18);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	MUST(control_conn_new(control, fds[0], 1000, level) == 0);
	turn();
	for (size_t at = 1; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;

		if (send(fds[1], data + at, n, MSG_NOSIGNAL) < 0)
			break;
		turn();
		receive(fds[1], in);
	}
	turn();
	receive(fds[1], in);
	close(fds[1]);
	log_set_level(LOGL_ERROR); /* it may have asked for more */
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
	turn();
	MUST(control->n_conns == 0 && call_count() == 0 && count_sessions() == 0);
	evbuffer_free(in);
	return 0;
}
