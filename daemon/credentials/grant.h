/* SPDX-License-Identifier: ISC */
/* grant.h: the form of a request for a token, and the answer: RFC 6749 (client credentials,
 * refresh), RFC 8693 (token exchange). Values only; nothing is sent here. */
#ifndef MCPD_GRANT_H
#define MCPD_GRANT_H

#include <jansson.h>
#include <stdint.h>

#include "lib/err.h"

struct config_credential;
struct mask;
struct fetch_answer;

enum grant_kind {
	GRANT_CLIENT,	/* RFC 6749, section 4.4.2 */
	GRANT_EXCHANGE, /* RFC 8693, section 2.1 */
	GRANT_REFRESH,	/* RFC 6749, section 6 */
};

/* The form that asks for a token. TOKEN: the user's for an exchange, the refresh token for a
 * refresh, else NULL. malloc'd; NULL on lack of memory. It holds secrets. */
char *grant_form(const struct config_credential *conf, enum grant_kind kind, const char *token);
/* "Authorization: Basic ..." (section 2.3.1), malloc'd. NULL where the client authenticates in
 * the form instead, or on lack of memory, which E tells. */
char *grant_authorization(const struct config_credential *conf, struct err *e);

struct grant {
	char *access;	 /* malloc'd */
	char *refresh;	 /* malloc'd; NULL: none, or the one that was used stays valid */
	int64_t expires; /* seconds since the epoch; 0: not said */
};

/* Reads the answer A, which came at NOW (seconds since the epoch). 0, or
 *   ERR_DENIED    the grant itself was refused: invalid_grant (section 5.2)
 *   ERR_INVALID   the issuer refused the request: another error of section 5.2
 *   ERR_IO        the issuer could not answer (5xx, 429, unreadable): may work later
 *   ERR_NOMEM
 * with a text without any token in it, and without what SENT has (what the issuer was sent, and may
 * repeat). */
int grant_read(const struct fetch_answer *a, int64_t now, const struct mask *sent,
	       struct grant *g_r, struct err *e);
/* Wipes and frees what is in G. */
void grant_clear(struct grant *g);

#endif
