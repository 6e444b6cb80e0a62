/* SPDX-License-Identifier: ISC */
/* secret.h: what may stand neither in a command line, where every user of the machine can read it,
 * nor in a history. */
#ifndef MCPCTL_SECRET_H
#define MCPCTL_SECRET_H

#include "cli/status.h"
#include "lib/digest.h"

struct mcpctl;

/* Reads one line: from the terminal after PROMPT, without echo, or from standard input where that
 * is no terminal. *SECRET_R is for secret_free(). Complains by itself. */
enum status secret_read(const struct mcpctl *m, const char *prompt, char **secret_r);
/* A fresh token, and its SHA-256 in hexadecimal. *TOKEN_R is for secret_free(). Complains by
 * itself. */
enum status secret_make(char **token_r, char digest_r[DIGEST_HEX_SIZE]);
/* The SHA-256 of TOKEN in hexadecimal, if it can be sent as a bearer token (RFC 6750 section 2.1)
 * and is not short. Complains by itself. */
enum status secret_digest(const char *token, char digest_r[DIGEST_HEX_SIZE]);
/* Wipes and frees it; *SECRET becomes NULL. */
void secret_free(char **secret);

#endif
