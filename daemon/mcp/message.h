/* SPDX-License-Identifier: ISC */
/* message.h: a JSON-RPC 2.0 message as it came from a server or a client, and as it goes out.
 *
 * A message is read once (jsonscan.h). Its result, and the arguments of a client's request, are
 * carried as the bytes that came (jsontext.h); the id, the other parameters and errors, which have
 * to be understood, are trees.
 *
 * Servers are heard with tolerance, as the SDKs of the protocol hear them: bytes that are no UTF-8
 * become U+FFFD, null counts as absent, "jsonrpc" may lack or name another version, an id may come
 * back as a text or a real, and an error may have any shape.
 *
 * Clients are heard strictly where something is decided by what they say: duplicate members in the
 * message, its parameters or its error, and bytes that are no UTF-8, are refused, because the next
 * reader might see another message in them. */
#ifndef MCPD_MESSAGE_H
#define MCPD_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "lib/jsonrpc.h"

struct jsontext;

struct message {
	enum jsonrpc_kind kind;
	json_t *id;		    /* NULL: none */
	json_t *method;		    /* a string; NULL: a response */
	json_t *params;		    /* NULL: none. Of a client: without the arguments */
	struct jsontext *arguments; /* of a client's request, an object; NULL: none */
	struct jsontext *result;    /* JSONRPC_RESULT */
	int code;		    /* JSONRPC_ERROR */
	char *error;		    /* the message of the error; never NULL for one */
	json_t *data;		    /* of the error; NULL: none */
	bool nul;    /* a string in the message may have a NUL inside (see names.h) */
	bool broken; /* the text is no JSON as a whole */
	size_t end;  /* where it is, and a whole value comes before: the end of that; 0: not so */
};

/* TEXT without the byte order mark that it begins with, or TEXT itself where there is none: a new
 * reference. The mark is no part of JSON, and may be ignored (RFC 8259 section 8.1). NULL on lack
 * of memory. */
struct jsontext *message_unmarked(struct jsontext *text);

/* TEXT without a byte order mark, and with U+FFFD for each byte that belongs to no character: a new
 * value. NULL on lack of memory. */
struct jsontext *message_clean(struct jsontext *text);

/* Reads the object WHOLE (borrowed; its bytes are shared) into M. 0; ERR_PARSE (no JSON),
 * ERR_INVALID (no message), ERR_LIMIT (a part that has to be understood is over limits.maxTree) or
 * ERR_NOMEM with E filled. M is to be cleared in any case: after ERR_INVALID, ERR_LIMIT and
 * ERR_PARSE M has id and kind as far as they could be read. */
int message_read(struct message *m, struct jsontext *whole, struct err *e);
/* As message_read() for a message of a client, which may nest MAX_DEPTH levels (0: any number).
 * ERR_LIMIT also where it nests deeper. */
int message_read_client(struct message *m, struct jsontext *whole, unsigned max_depth,
			struct err *e);
void message_clear(struct message *m);
/* The id that an answer to M can name: that of a request; NULL for all else. Borrowed. */
json_t *message_reply_id(const struct message *m);
/* Whether M is a request or a notification for METHOD. */
bool message_is(const struct message *m, const char *method);

/* ID as the number that mcpd gave to a request: 5, 5.0 or "5". False: ID is no such number. */
bool message_id_number(const json_t *id, json_int_t *n_r);
/* The id of a response in TEXT, which need not be JSON: the first member "id" that can be made out,
 * a new reference. NULL: TEXT shows no id, or shows a member "method", which responses do not have.
 * Looks at the first and the last few thousand bytes. */
json_t *message_guess_id(const char *text, size_t len);

/* Whether the beginning of TEXT shows the member "method", which no response has. */
bool message_shows_method(const char *text, size_t len);
/* Whether TEXT begins an object and shows "jsonrpc" without "method", as responses do. */
bool message_shows_response(const char *text, size_t len);

/* MSG, a request made by jsonrpc_request(), as a text, with ARGUMENTS (NULL: none; shared) as a
 * member of its parameters. NULL on lack of memory, or where MSG is NULL. */
struct jsontext *message_text(const json_t *msg, struct jsontext *arguments);

/* The arguments in TEXT, a request: a new reference; NULL: there are none, or there was no memory.
 */
struct jsontext *message_arguments(struct jsontext *text);

/* The response to ID (borrowed) with RESULT (borrowed): its bytes are shared. NULL on lack of
 * memory.
 */
struct jsontext *message_result(const json_t *id, struct jsontext *result);

#endif
