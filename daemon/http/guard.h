/* SPDX-License-Identifier: ISC */
/* guard.h: the checks of Host and Origin against DNS rebinding, and the CORS headers for browsers.
 */
#ifndef MCPD_GUARD_H
#define MCPD_GUARD_H

#include <stdbool.h>

#include "lib/err.h"

struct config;
struct exchange;

/* Host must be a name of this machine's loopback interface or one of allowedHosts; when something
 * other than loopback is listened on and allowedHosts is empty, any Host passes. Origin may be
 * absent; if it is there it must be an http or https one of the loopback, or one of allowedOrigins.
 * Origins are compared whole: scheme, host and port; "null" and those of other schemes only if they
 * are listed literally. (Streamable HTTP, "Security Warning"; RFC 6454.) 0, or ERR_DENIED with the
 * text for the client. On success the CORS headers of the answer are set on X. */
int guard_check(const struct config *conf, struct exchange *x, struct err *e);

/* Host and Origin of a request whose body is not there yet: the first of N_HOST and N_ORIGIN
 * values, terminated; NULL where there is none. guard_judge() returns 0, or ERR_DENIED:
 * guard_check() will refuse the request for that reason. */
struct guard_head {
	const char *host, *origin;
	unsigned n_host, n_origin;
};
int guard_judge(const struct config *conf, const struct guard_head *h, struct err *e);

/* Whether pages of ORIGIN may read answers: the same rule, for an answer that is given without an
 * exchange. */
bool guard_origin_ok(const struct config *conf, const char *origin);

/* Answers an OPTIONS request (a CORS preflight, or just a question) and ends X. */
void guard_preflight(struct exchange *x);

/* The methods of the endpoint, for Allow. */
#define GUARD_METHODS "GET, POST, DELETE, OPTIONS"

#endif
