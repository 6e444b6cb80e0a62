/* SPDX-License-Identifier: ISC */
/* translate.h: translates values from one revision of the protocol to another.
 *
 * Neither the front nor the back knows the revision of the other side. FROM is the revision of the
 * sender, TO that of the receiver. No value is changed in place. Where nothing has to differ, and
 * always where FROM is TO, a function returns a new reference to its argument, without a copy.
 *
 * All return a new reference; NULL on lack of memory. */
#ifndef MCPD_TRANSLATE_H
#define MCPD_TRANSLATE_H

#include <jansson.h>

#include "lib/err.h"
#include "lib/protocol.h"
#include "mcp/offer.h"

struct jsontext;

/* The call that a translation depends on. */
struct translate {
	enum mcp_rev from, to;
	const char *method;
	const json_t *params; /* of the call; NULL: none */
	const json_t
		*tool; /* the entry that tools/call is about, as the backend lists it; or NULL */
};

/* An entry of a list: without members that TO does not know. An output schema that does not
 * describe an object is wrapped for the legacy revisions: {"result": ...} (2026-07-28, changes 10).
 */
json_t *translate_entry(enum offer_kind kind, enum mcp_rev from, enum mcp_rev to, json_t *entry);

/* A result: content that TO does not know becomes text; structured content is wrapped like its
 * schema, and repeated as text where nothing else says it. */
json_t *translate_result(const struct translate *t, json_t *result);

/* translate_result() for a result that is carried as text: RESULT itself (a new reference) where
 * nothing has to differ, which is found out without a tree. NULL with E: ERR_LIMIT or ERR_PARSE
 * where RESULT has to be changed and has no tree (jsontext_tree()), or ERR_NOMEM. */
struct jsontext *translate_carried(const struct translate *t, struct jsontext *result,
				   struct err *e);

/* The parameters of a request, from the client to the backend. */
json_t *translate_params(const struct translate *t, json_t *params);

/* An error, translated to TO. */
struct translated_error {
	int code;
	json_t *data;	/* a new reference, or NULL */
	json_t *result; /* not NULL: it is no error in TO but this result of a tool; a new reference
			 */
};
void translate_error(const struct translate *t, int code, const char *message, json_t *data,
		     struct translated_error *out);

/* The parameters of a question. NULL with E = ERR_UNSUPPORTED (TO cannot express the question) or
 * ERR_NOMEM. */
json_t *translate_question(const char *method, enum mcp_rev from, enum mcp_rev to, json_t *params,
			   struct err *e);
/* The client's answer to a question; FROM is the revision of the client, TO that of the backend. */
json_t *translate_reply(const char *method, enum mcp_rev from, enum mcp_rev to, json_t *result);

/* CAPABILITIES of a client without those that revision REV does not have. */
json_t *translate_capabilities(enum mcp_rev rev, json_t *capabilities);

#endif
