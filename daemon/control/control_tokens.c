/* SPDX-License-Identifier: ISC */
/* control_tokens.c: the commands about the tokens of users in the mode "tokens". mcpctl makes
 * the tokens and sends their digests alone. */
#include <string.h>

#include "auth/auth.h"
#include "auth/tokens.h"
#include "control/control_impl.h"
#include "lib/digest.h"

#define ID_DIGITS 12

/* The file of tokens; NULL: R was answered. */
static struct tokens *tokens_for(struct control_request *r)
{
	struct tokens *t = r->control->deps.tokens;

	if (!t)
		control_fail(r, CTL_UNAVAILABLE,
			     "auth.mode is not \"tokens\": tokens are issued by your authorization "
			     "server, or not needed (mode \"none\")");
	return t;
}

static void failed(struct control_request *r, const struct err *e)
{
	switch (e->code) {
	case ERR_NOTFOUND:
		control_fail(r, CTL_NOTFOUND, "%s", e->text);
		return;
	case ERR_EXISTS:
		control_fail(r, CTL_AMBIGUOUS, "%s", e->text);
		return;
	case ERR_INVALID:
		control_fail(r, CTL_INVALID, "%s", e->text);
		return;
	case ERR_NOMEM:
		control_fail_nomem(r);
		return;
	}
	control_fail(r, CTL_INTERNAL, "%s", e->text);
}

void control_token_add(struct control_request *r)
{
	const char *user = control_string(r, "user"), *digest = control_string(r, "digest");
	struct tokens *t = tokens_for(r);
	unsigned char bytes[DIGEST_SIZE];
	struct err e = {.code = ERR_NOMEM};

	if (!t)
		return;
	if (!digest_parse(digest, bytes))
		control_fail(r, CTL_INVALID, "digest: expected a SHA-256 in hexadecimal");
	else if (tokens_add(t, user, digest, control_string(r, "scope"), &e) < 0)
		failed(r, &e);
	else
		control_done(r, json_pack("{s:o, s:s, s:s%}", "text",
					  json_sprintf("%s has one more token", user), "user", user,
					  "id", digest, (size_t)ID_DIGITS));
}

void control_token_revoke(struct control_request *r)
{
	const char *id = control_string(r, "id");
	struct tokens *t = tokens_for(r);
	struct err e = {.code = ERR_NOMEM};

	if (!t)
		return;
	if (tokens_revoke(t, id, &e) < 0)
		failed(r, &e);
	else
		control_done(r, json_pack("{s:o, s:s}", "text",
					  json_sprintf("The token %s is worthless now", id), "id",
					  id));
}

static int make_row(struct control_request *r, json_t *item, json_t **row_r)
{
	(void)r;
	*row_r = json_incref(item);
	return 0;
}

void control_tokens_list(struct control_request *r)
{
	struct tokens *t = tokens_for(r);

	if (t)
		control_rows(r, tokens_describe(t), make_row);
}
