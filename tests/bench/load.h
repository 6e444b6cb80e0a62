/* SPDX-License-Identifier: ISC */
/* load.h: the parts of the load generator: an HTTP client connection (wire) and what is said over
 * it (load). */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* How far an answer was counted (wire_count()). */
struct count {
	enum {
		COUNT_HEAD,
		COUNT_BODY, /* with a Content-Length */
		COUNT_SIZE, /* the line with the size of a chunk */
		COUNT_CHUNK,
		COUNT_CHUNK_END,
		COUNT_LAST, /* the empty line after the last chunk */
	} state;
	size_t left;
	size_t body_len; /* so far */
	int status;
};

/* One answer. */
struct answer {
	int status;
	bool stream;	   /* an SSE answer; BODY has its events */
	char session[128]; /* Mcp-Session-Id, or "" */
	const char *body;  /* terminated, without chunk lengths */
	size_t body_len;
};

/* A connection: one request is sent, one answer read, and so on. */
struct wire {
	int fd; /* -1: not connected */
	char *out;
	size_t out_len, out_at, out_size;
	char *in;
	size_t in_len, in_size;
	char *body; /* put together from chunks */
	size_t body_size;
	bool closing; /* the server ends the connection with this answer */
	struct count count;
};

/* What wire_read() found. */
enum wire_state { WIRE_MORE, WIRE_HEAD, WIRE_ANSWER, WIRE_CLOSED };

/* 0 or -1 with errno. Non-blocking from the start. */
int wire_connect(struct wire *w, const struct sockaddr_in *to);
void wire_close(struct wire *w);
void wire_free(struct wire *w);
/* Replaces what is to be sent. HEADERS: more of them, each with its line end. */
void wire_request(struct wire *w, const char *method, const char *path, const char *headers,
		  const char *accept, const char *body);
/* Sends what the kernel takes. True when all of it is sent. */
bool wire_send(struct wire *w);
/* Reads, and fills A when an answer is complete: it is good until the next call. WIRE_HEAD: the
 * head of a stream is there (only with HEAD_ENOUGH). */
enum wire_state wire_read(struct wire *w, struct answer *a, bool head_enough);
/* The same for a large answer, of which nothing is kept: A has its status and its length alone. */
enum wire_state wire_count(struct wire *w, struct answer *a);

#endif
