/* SPDX-License-Identifier: ISC */
/* credentials.h: the credentials of requests to web and http backends.
 *
 * A credential is the token of the client's request (forwardToken, where the backend is one of its
 * audiences; never another one of the same user), a token that the issuer gives for it (RFC 8693;
 * one for all that allow the same), one of the daemon's own (RFC 6749, section 4.4), or a secret
 * that the operator stored. Tokens that were granted are kept in the store, with absolute times;
 * they are refreshed at 80 % of their life if they were used, and on need: one request at a time
 * per user and issuer, and a new token is on disk before anybody uses it, because the old refresh
 * token may be dead by then. */
#ifndef MCPD_CREDENTIALS_H
#define MCPD_CREDENTIALS_H

#include <stdbool.h>

#include "lib/err.h"

struct bearer;
struct config_backend;
struct credential_wait;
struct credentials;
struct event_base;
struct httpc;
struct store;
struct users;

/* All arguments are borrowed and outlive the result. NULL on lack of memory. */
struct credentials *credentials_new(struct event_base *base, struct httpc *httpc,
				    struct store *store, struct users *users);
/* No request for a credential may wait any more. */
void credentials_free(struct credentials **cs);

/* LINE is "Name: value", valid until the function returns. LINE and E are NULL where no credential
 * is needed. E is a text for the user: ERR_DENIED (the user or operator has to act) or ERR_IO (may
 * work later). */
typedef void (*credential_fn)(const char *line, const struct err *e, void *arg);

/* Whether requests to a backend with CONF are authorised by the token of the client's request, or
 * by one that is given for it: then nothing may be shared by tokens that allow different things. */
bool credentials_per_token(const struct config_backend *conf);

/* The credential of USER (NULL: unauthenticated) for a request to B on behalf of a request that
 * came with BEARER (NULL: none; referenced): that token, one that was exchanged for it, or a
 * credential that does not depend on it. FN may be called before this returns; if not, *WAIT_R is
 * set and FN comes later, once. CS may be NULL: then there is no credential. */
void credentials_get(struct credentials *cs, const struct config_backend *b, const char *user,
		     struct bearer *bearer, credential_fn fn, void *arg,
		     struct credential_wait **wait_r);
/* The credential of the daemon itself, which lists what B offers: that of the user "learnAs", else
 * a token of the daemon's own where the issuer gives one, else none. Otherwise as
 * credentials_get(). */
void credentials_get_own(struct credentials *cs, const struct config_backend *b, credential_fn fn,
			 void *arg, struct credential_wait **wait_r);
/* FN does not come any more. *WAIT becomes NULL. */
void credentials_cancel(struct credential_wait **wait);

/* The secret in LINE, a header line that was told for CONF; borrowed from LINE. NULL without a
 * line. */
const char *credentials_in(const struct config_backend *conf, const char *line);

/* The secret that the operator stored for USER towards B: malloc'd, to be wiped; NULL: there is
 * none. */
char *credentials_secret(const struct credentials *cs, const struct config_backend *b,
			 const char *user);

/* B answered 401 to LINE (as FN got it; may be NULL). True: there may be another credential by now
 * for USER and BEARER, so that credentials_get() should be asked again, once. */
bool credentials_refused(struct credentials *cs, const struct config_backend *b, const char *user,
			 struct bearer *bearer, const char *line);
/* credentials_refused() for a LINE of credentials_get_own(). */
bool credentials_refused_own(struct credentials *cs, const struct config_backend *b,
			     const char *line);

/* Forgets the tokens that were granted for tokens of USER. */
void credentials_forget(struct credentials *cs, const char *user);

#endif
