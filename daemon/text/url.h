/* SPDX-License-Identifier: ISC */
/* url.h: URLs of outgoing requests (RFC 3986): their origin, and the targets of redirects.
 *
 * libcurl's own parser reads the URLs, so that the host that is compared here is the host that
 * libcurl connects to. */
#ifndef MCPD_URL_H
#define MCPD_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct sockaddr;

/* Whether URL is absolute, http or https, with a host, without user information, fragment, spaces,
 * backslashes and control bytes. */
bool url_ok(const char *url);

/* Scheme, host and port as they are compared (RFC 6454, section 4): the host in lower case,
 * decoded, an IPv4 address with four decimal numbers; without the port that the scheme means
 * anyway. malloc'd; NULL on lack of memory, or where it is no URL. */
char *url_origin(const char *url);
/* Whether URL goes to this machine itself: localhost, 127.0.0.1 or [::1]. */
bool url_is_loopback(const char *url);
/* Whether no third party can read or change requests to URL: https, or http to this machine. */
bool url_is_safe(const char *url);
bool url_same_origin(const char *a, const char *b);
/* Whether WHOLE is the origin of URL, or a part of the origin that URL is in. */
bool url_covers(const char *whole, const char *url);

/* Whether the host of URL is, as it is written, an address of the local link or one where a cloud
 * host keeps its metadata: a number in any spelling that resolvers take, or a name that is known.
 * Also where URL cannot be read. */
bool url_is_link_local(const char *url);
/* url_is_link_local() for SA, an address to which a name was resolved. */
bool url_address_is_link_local(const struct sockaddr *sa);

/* The URL that TO, the Location header of an answer from URL, leads to (RFC 9110, section 10.2.2;
 * RFC 3986, section 5): absolute, without fragment, malloc'd in *TO_R. This is the one rule for
 * where outgoing requests may be sent on to: the same scheme, host and port, since they carry
 * secrets. 0; ERR_PROTOCOL with E naming both origins, or saying that TO is no such reference;
 * ERR_NOMEM. */
int url_redirect(const char *url, const char *to, char **to_r, struct err *e);

/* Appends PATH to BASE with one slash between; malloc'd, NULL on lack of memory. */
char *url_join(const char *base, const char *path);

/* TEXT with everything but unreserved characters as %XX (RFC 3986, section 2.3), which is good for
 * queries and for forms. malloc'd; NULL on lack of memory. */
char *url_escape(const char *text);

#endif
