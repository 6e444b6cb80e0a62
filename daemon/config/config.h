/* SPDX-License-Identifier: ISC */
/* config.h: the configuration file as a value. See mcpd.conf(5).
 *
 * Unknown keys, wrong types and impossible values are errors that name the file and the path of the
 * key ("mcpd.json: mcpServers.files.args[2]: expected a string, found a number"). */
#ifndef MCPD_CONFIG_H
#define MCPD_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/config_auth.h"
#include "config/config_backend.h"
#include "lib/err.h"
#include "lib/log.h"

struct config_sessions {
	int64_t idle_timeout_ms;       /* default 30 min; 0: never */
	unsigned max;		       /* 10000 */
	unsigned max_per_user;	       /* 100 */
	unsigned max_per_peer;	       /* 1000 */
	bool persist;		       /* true: sessions outlive the daemon, where the store does */
	unsigned max_calls_per_user;   /* 0: no limit: in flight */
	unsigned max_calls_per_minute; /* 0: no limit: of one user */
};

enum config_store_kind { CONFIG_STORE_AUTO, CONFIG_STORE_MEMORY, CONFIG_STORE_SQLITE };
struct config_store {
	enum config_store_kind kind; /* never AUTO once it was read: see config_store.c */
	char *path;		     /* directory; NULL for memory */
	char *key;		     /* file of the key; NULL for memory */
};

struct config_limits {
	size_t max_body;		/* 4 MiB */
	size_t max_headers;		/* 32 KiB */
	unsigned max_depth;		/* 64: nesting of JSON */
	unsigned max_batch;		/* 50 messages in a batch */
	unsigned max_calls;		/* 64 in flight in one session */
	unsigned max_streams;		/* 8 GET streams of one session */
	unsigned max_subscriptions;	/* 256 of one session */
	size_t max_line;		/* 16 MiB: one message from a child */
	unsigned max_children;		/* 1024 in all */
	unsigned max_children_per_peer; /* 256 */
	unsigned max_connections;	/* 0: as many as descriptors allow */
	unsigned max_requests;		/* 0: as many as connections; open streams among them */
	unsigned max_request_servers;	/* 1024 in all: for requests without a session */
	unsigned max_parked;	  /* 1024 in all: requests that wait for their client's answer */
	unsigned max_states;	  /* 200000 in all: states of requests of several rounds */
	size_t max_session_bytes; /* 256 KiB: what one session keeps of what its client said */
	unsigned max_connections_per_address; /* 0: no limit but the share */
	int64_t request_timeout_ms;	      /* 30 s: for a head; a body has more. 0: no limit */
	unsigned share;		     /* 25 percent: of each limit in all, for one user or address */
	int64_t call_timeout_ms;     /* 1 h */
	int64_t question_timeout_ms; /* 10 min: the client's answer to sampling, elicitation, roots
				      */
	int64_t keepalive_ms;	     /* 20 s: SSE comments */
	int64_t upgrade_ms;	     /* 1 s: a pending answer becomes an SSE stream */
	int64_t learn_wait_ms;	/* 20 s: how long initialize and lists wait for backends at start */
	int64_t retry_ms;	/* 5 s: the retry: field of a priming event */
	unsigned replay_events; /* 512 of one session */
	size_t replay_bytes;	/* 1 MiB of one session */
	int64_t replay_age_ms;	/* 5 min */
	size_t max_memory; /* a quarter of the machine's, at most 1 GiB: what others make us hold */
	size_t max_tree;   /* 1 MiB of a message that is looked into, and not only carried */
	size_t max_backlog; /* 4 MiB unread by a client on one stream, then the stream is cut */
	size_t page_size;   /* 1000 entries of a list */
	int64_t connection_idle_ms; /* 10 min between two requests of a connection */
};

struct config_log {
	enum log_target target;
	enum log_level level; /* default notice */
};

/* Which header tells the addresses of the clients of trustedProxies. */
enum config_forwarded {
	CONFIG_X_FORWARDED_FOR, /* the default */
	CONFIG_FORWARDED,	/* RFC 7239 */
	CONFIG_FORWARDED_NONE,
};

struct config {
	char *file;		/* the path that was read */
	char **listen;		/* NULL-terminated; default 127.0.0.1:6200 */
	char *path;		/* "/mcp" */
	char *control;		/* socket path; default RUNSTATEDIR/mcpd/control.sock */
	mode_t control_mode;	/* 0660 */
	char *control_group;	/* NULL: the daemon's */
	char *cgroup;		/* the folder for cgroups of children; NULL: the daemon's own */
	char **allowed_origins; /* NULL-terminated host names or origins; "*" allows all */
	char **trusted_proxies; /* networks whose forwarded addresses count; NULL-terminated */
	enum config_forwarded forwarded_header; /* which header has them */
	char **allowed_hosts; /* NULL-terminated; localhost, 127.0.0.1 and [::1] always count on
				 loopback */
	struct config_sessions sessions;
	struct config_store store;
	struct config_auth auth;
	struct config_limits limits;
	struct config_log log;
	struct config_backend *backends; /* in the file's order, without the disabled ones */
	size_t n_backends;
};

/* Reads and checks FILE. NULL with E filled. A command that cannot be found in PATH is an error. */
struct config *config_load(const char *file, struct err *e);
/* config_load() from TEXT; NAME stands for the file in messages. */
struct config *config_parse(const char *text, size_t len, const char *name, struct err *e);
void config_free(struct config **c);

/* The effective configuration with every default filled in, as a new JSON object that
 * config_parse() reads back to the same. */
json_t *config_dump(const struct config *c);

#endif
