/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "config/config.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/netaddr.h"
#include "config/config_impl.h"
#include "lib/paths.h"

#define MAX_FILE MIB(16)

#define SESSION(name, type, field, ...)                                                            \
	KEY(name, type, struct config_sessions, field, RANGE(__VA_ARGS__))
static const struct key session_keys[] = {
	SESSION("idleTimeout", type_seconds, idle_timeout_ms, 0, YEAR, SECONDS(1800)),
	SESSION("max", type_count, max, 1, 10000000, 10000),
	SESSION("maxPerUser", type_count, max_per_user, 1, 10000000, 100),
	SESSION("maxPerPeer", type_count, max_per_peer, 1, 10000000, 1000),
	KEY("persist", type_bool, struct config_sessions, persist, .def = true),
	SESSION("maxCallsPerUser", type_count, max_calls_per_user, 0, 10000000, 0),
	SESSION("callsPerMinute", type_count, max_calls_per_minute, 0, 10000000, 0),
};
static const struct key_table session_table = KEY_TABLE(session_keys);

#define DEF_MEMORY MIB(1024)

/* The default: a quarter of the machine's memory, and at most DEF_MEMORY. */
static size_t default_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	int64_t quarter = pages > 0 && size > 0 ? (int64_t)pages * size / 4 : DEF_MEMORY;

	return (size_t)(quarter < DEF_MEMORY ? quarter : DEF_MEMORY);
}

static int check_memory(struct reader *r, void *field)
{
	size_t *bytes = field;

	(void)r;
	if (*bytes == 0)
		*bytes = default_memory();
	return 0;
}

#define LIMIT(name, type, field, ...)                                                              \
	KEY(name, type, struct config_limits, field, RANGE(__VA_ARGS__))
static const struct key limit_keys[] = {
	LIMIT("maxBody", type_size, max_body, KIB(1), MIB(1024), MIB(4)),
	LIMIT("maxHeaders", type_size, max_headers, KIB(1), MIB(1), KIB(32)),
	LIMIT("maxDepth", type_count, max_depth, 8, 1000, 64),
	LIMIT("maxBatch", type_count, max_batch, 1, 10000, 50),
	LIMIT("maxCalls", type_count, max_calls, 1, 100000, 64),
	LIMIT("maxStreams", type_count, max_streams, 1, 10000, 8),
	LIMIT("maxSubscriptions", type_count, max_subscriptions, 0, 1000000, 256),
	LIMIT("maxLine", type_size, max_line, KIB(1), MIB(1024), MIB(16)),
	LIMIT("maxChildren", type_count, max_children, 1, 1000000, 1024),
	LIMIT("maxChildrenPerPeer", type_count, max_children_per_peer, 1, 1000000, 256),
	LIMIT("maxConnections", type_count, max_connections, 0, 10000000, 0),
	LIMIT("maxRequests", type_count, max_requests, 0, 10000000, 0),
	LIMIT("maxRequestServers", type_count, max_request_servers, 1, 1000000, 1024),
	LIMIT("maxParked", type_count, max_parked, 1, 1000000, 1024),
	LIMIT("maxStates", type_count, max_states, 1, 10000000, 200000),
	LIMIT("maxSessionBytes", type_size, max_session_bytes, KIB(1), MIB(1024), KIB(256)),
	LIMIT("maxConnectionsPerAddress", type_count, max_connections_per_address, 0, 10000000, 0),
	LIMIT("requestTimeout", type_seconds, request_timeout_ms, 0, YEAR, SECONDS(30)),
	LIMIT("share", type_count, share, 1, 100, 25),
	LIMIT("callTimeout", type_seconds, call_timeout_ms, 100, YEAR, SECONDS(3600)),
	LIMIT("questionTimeout", type_seconds, question_timeout_ms, 100, YEAR, SECONDS(600)),
	LIMIT("keepAlive", type_seconds, keepalive_ms, 0, YEAR, SECONDS(20)),
	LIMIT("upgradeAfter", type_seconds, upgrade_ms, 0, YEAR, SECONDS(1)),
	LIMIT("learnWait", type_seconds, learn_wait_ms, 0, SECONDS(600), SECONDS(20)),
	LIMIT("retry", type_seconds, retry_ms, 0, SECONDS(3600), SECONDS(5)),
	LIMIT("replayEvents", type_count, replay_events, 0, 1000000, 512),
	LIMIT("replayBytes", type_size, replay_bytes, 0, MIB(1024), MIB(1)),
	LIMIT("replayAge", type_seconds, replay_age_ms, 0, YEAR, SECONDS(300)),
	LIMIT("maxBacklog", type_size, max_backlog, KIB(1), MIB(1024), MIB(4)),
	LIMIT("maxTree", type_size, max_tree, KIB(16), MIB(1024), MIB(1)),
	KEY("maxMemory", type_size, struct config_limits, max_memory,
	    RANGE(MIB(1), MIB(1 << 20), 0), .check = check_memory),
	LIMIT("pageSize", type_size, page_size, 1, 1000000, 1000),
	LIMIT("connectionIdle", type_seconds, connection_idle_ms, SECONDS(1), YEAR, SECONDS(600)),
};
static const struct key_table limit_table = KEY_TABLE(limit_keys);

static const char *const target_words[] = {
	[LOG_TARGET_STDERR] = "stderr",
	[LOG_TARGET_SYSLOG] = "syslog",
	[LOG_TARGET_JSON] = "json",
	NULL,
};
static const char *const level_words[] = {
	[LOGL_ERROR] = "error", [LOGL_WARN] = "warning", [LOGL_NOTICE] = "notice",
	[LOGL_INFO] = "info",	[LOGL_DEBUG] = "debug",	 NULL,
};
static const struct key log_keys[] = {
	KEY("target", type_word, struct config_log, target, .words = target_words,
	    .def = LOG_TARGET_STDERR),
	KEY("level", type_word, struct config_log, level, .words = level_words, .def = LOGL_NOTICE),
};
static const struct key_table log_table = KEY_TABLE(log_keys);

/* "ADDRESS:PORT", "[V6]:PORT", "NAME:PORT". Whether the name resolves is seen when it is bound. */
static bool is_address(const char *text)
{
	const char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : "";
	size_t digits = strspn(port, "0123456789");
	size_t host = colon ? (size_t)(colon - text) : 0;

	if (digits == 0 || digits > 5 || port[digits] != '\0' || atoi(port) > 65535 || host == 0)
		return false;
	if (text[0] == '[')
		return host > 2 && text[host - 1] == ']';
	return strcspn(text, ": []/") == host;
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strncmp(address, "localhost:", 10) == 0 ||
	       strncmp(address, "[::1]:", 6) == 0;
}

static int check_listen(struct reader *r, void *field)
{
	for (char **address = *(char ***)field; *address != NULL; address++) {
		if (!is_address(*address))
			return reader_fail(r,
					   "expected \"ADDRESS:PORT\" or \"[ADDRESS]:PORT\", found "
					   "\"%s\"",
					   *address);
	}
	return 0;
}

static int check_path(struct reader *r, void *field)
{
	static const char legal[] = "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.~-";
	const char *path = *(char **)field;
	size_t len = strlen(path);

	if (path[0] != '/' || (len > 1 && path[len - 1] == '/') || strstr(path, "//") ||
	    strspn(path, legal) != len)
		return reader_fail(r,
				   "expected a path like \"/mcp\": it begins with \"/\", does not "
				   "end with it, and has letters, digits and _ . ~ - only");
	if (strcmp(path, "/logout") == 0)
		return reader_fail(r, "\"/logout\" is where users log out");
	if (strcmp(path, "/health") == 0)
		return reader_fail(r, "\"/health\" is taken by the health check");
	return 0;
}

static int check_networks(struct reader *r, void *field)
{
	struct netaddr_net net;

	for (char **text = *(char ***)field; *text != NULL; text++) {
		if (!netaddr_net_parse(&net, *text))
			return reader_fail(r,
					   "expected an address or a network like \"10.0.0.0/8\" "
					   "or \"fd00::/8\", found \"%s\"",
					   *text);
	}
	return 0;
}

static int check_control(struct reader *r, void *field)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char **control = field;

	if (!*control) {
		if (paths_control_default(path, sizeof path) < 0)
			return reader_fail(r, "the default is too long for a socket: name a path");
		*control = strdup(path);
		return *control != NULL ? 0 : reader_nomem(r);
	}
	if ((*control)[0] != '/' || strlen(*control) >= sizeof path)
		return reader_fail(r, "expected an absolute path of less than %zu bytes",
				   sizeof path);
	return 0;
}

static int check_group(struct reader *r, void *field)
{
	const char *name = *(char **)field;

	if (name && !getgrnam(name))
		return reader_fail(r, "there is no group \"%s\"", name);
	return 0;
}

static int check_cgroup(struct reader *r, void *field)
{
	const char *path = *(char *const *)field;

	return !path || path[0] == '/' ? 0 : reader_fail(r, "expected an absolute path");
}

static int read_mode(struct reader *r, const struct key *k, json_t *value, void *field)
{
	const char *text = value ? json_string_value(value) : k->text;
	size_t len = text ? strlen(text) : 0;

	if (len < 3 || len > 4 || strspn(text, "01234567") != len || (len == 4 && text[0] != '0'))
		return reader_fail(r, "expected %s", k->type->expected);
	*(mode_t *)field = (mode_t)strtoul(text, NULL, 8);
	return 0;
}

static int dump_mode(const struct key *k, const void *field, json_t *into)
{
	return json_object_set_new(into, k->name,
				   json_sprintf("%04o", (unsigned)*(const mode_t *)field));
}

static const struct key_type type_mode = {
	.read = read_mode, .dump = dump_mode, .expected = "an octal mode like \"0660\""};

static const char *const forwarded_words[] = {
	[CONFIG_X_FORWARDED_FOR] = "X-Forwarded-For",
	[CONFIG_FORWARDED] = "Forwarded",
	[CONFIG_FORWARDED_NONE] = "none",
	NULL,
};

static const struct key top_keys[] = {
	KEY("listen", type_list, struct config, listen, .text = "127.0.0.1:6200",
	    .check = check_listen),
	KEY("path", type_string, struct config, path, .text = "/mcp", .check = check_path),
	KEY("control", type_string, struct config, control, .check = check_control),
	KEY("controlMode", type_mode, struct config, control_mode, .text = "0660"),
	KEY("controlGroup", type_string, struct config, control_group, .check = check_group),
	KEY("cgroup", type_string, struct config, cgroup, .check = check_cgroup),
	KEY("allowedOrigins", type_strings, struct config, allowed_origins),
	KEY("allowedHosts", type_strings, struct config, allowed_hosts),
	KEY("trustedProxies", type_strings, struct config, trusted_proxies,
	    .check = check_networks),
	KEY("forwardedHeader", type_word, struct config, forwarded_header, .words = forwarded_words,
	    .def = CONFIG_X_FORWARDED_FOR),
	KEY("sessions", type_object, struct config, sessions, .table = &session_table),
	KEY("limits", type_object, struct config, limits, .table = &limit_table),
	KEY("log", type_object, struct config, log, .table = &log_table),
	KEY("store", type_object, struct config, store, .table = &config_store_keys,
	    .check = config_check_store),
	KEY("auth", type_object, struct config, auth, .table = &config_auth_keys,
	    .check = config_check_auth),
	{.name = "mcpServers", .type = &type_backends},
};
const struct key_table config_keys = KEY_TABLE(top_keys);

/* What is right, but may not be what was meant. */
static void warn(const struct config *c)
{
	for (char **address = c->listen; c->auth.mode == CONFIG_AUTH_NONE && *address; address++) {
		if (!is_loopback(*address))
			log_warn(NULL,
				 "%s: listen: %s is not a loopback address: whoever reaches it can "
				 "call every tool",
				 c->file, *address);
	}
}

/* The file's bytes, malloc'd; NULL with E. */
static char *read_file(const char *file, size_t *len_r, struct err *e)
{
	FILE *f = fopen(file, "re");
	char *text = NULL, *grown;
	size_t size = 0, len = 0;

	if (!f) {
		err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: %s", file,
			strerror(errno));
		return NULL;
	}
	do {
		if (len == size) {
			size = size > 0 ? 2 * size : 8192;
			grown = size <= MAX_FILE ? realloc(text, size) : NULL;
			if (!grown) {
				err_set(e, size <= MAX_FILE ? ERR_NOMEM : ERR_LIMIT, "%s: %s", file,
					size <= MAX_FILE ? "out of memory" : "too large");
				goto fail;
			}
			text = grown;
		}
		len += fread(text + len, 1, size - len, f);
	} while (!feof(f) && !ferror(f));
	if (ferror(f)) {
		err_errno(e, "%s", file);
		goto fail;
	}
	fclose(f);
	*len_r = len;
	return text;
fail:
	fclose(f);
	free(text);
	return NULL;
}

struct config *config_load(const char *file, struct err *e)
{
	size_t len;
	char *text = read_file(file, &len, e);
	struct config *c = text ? config_parse(text, len, file, e) : NULL;

	free(text);
	return c;
}

struct config *config_parse(const char *text, size_t len, const char *name, struct err *e)
{
	struct reader r = {.file = name, .e = e, .strict = true};
	struct config *c = calloc(1, sizeof *c);
	json_error_t where;
	json_t *value;

	if (!c || !(c->file = strdup(name))) {
		config_free(&c);
		reader_nomem(&r);
		return NULL;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* may be ignored: RFC 8259, 8.1 */
		text += 3;
		len -= 3;
	}
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!value) {
		/* Where jansson lacks memory it does not always say so, but then it says nothing.
		 */
		if (json_error_code(&where) == json_error_out_of_memory || where.text[0] == '\0')
			reader_nomem(&r);
		else
			err_set(e, ERR_PARSE, "%s: line %d, column %d: %s", name, where.line,
				where.column, where.text);
		config_free(&c);
	} else if (config_read_table(&r, &config_keys, value, c) < 0) {
		config_free(&c);
	} else {
		warn(c);
	}
	json_decref(value);
	return c;
}

void config_free(struct config **c)
{
	struct config *gone = *c;

	*c = NULL;
	if (!gone)
		return;
	config_clear_table(&config_keys, gone);
	free(gone->file);
	free(gone);
}

json_t *config_dump(const struct config *c)
{
	return config_dump_table(&config_keys, c);
}
