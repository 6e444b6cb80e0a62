/* url.h: as much of RFC 3986 as outgoing requests need: who is behind a URL, and where a redirect
 * leads. */
#ifndef MCPD_URL_H
#define MCPD_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether URL is absolute, http or https, with a host, without user information, fragment, spaces
 * and control bytes. */
bool url_ok(const char *url);

/* Scheme, host and port as they are compared (RFC 6454, section 4): in lower case, and without the
 * port that the scheme means anyway. malloc'd; NULL on lack of memory, or where it is no URL. */
char *url_origin(const char *url);
/* Whether nobody on the way can read or change what is sent: https, or http to this machine itself.
 */
bool url_is_safe(const char *url);
bool url_same_origin(const char *a, const char *b);
/* Whether WHOLE is who is behind URL: its origin, or the part of it that URL is in. */
bool url_covers(const char *whole, const char *url);

/* The URL that Location header TO of an answer from URL leads to, if that is inside the same
 * origin: malloc'd. NULL if it is not, or on lack of memory. */
char *url_redirect(const char *url, const char *to);

/* Appends PATH to BASE with one slash between; malloc'd, NULL on lack of memory. */
char *url_join(const char *base, const char *path);

/* TEXT with everything but unreserved characters as %XX (RFC 3986, section 2.3), which is good for
 * queries and for forms. malloc'd; NULL on lack of memory. */
char *url_escape(const char *text);

#endif
