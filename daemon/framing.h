/* framing.h: where a request ends (RFC 9112 section 6). evhttp is lenient here; a proxy in front of
 * us may read the same bytes differently, and what one takes for a body the other takes for a
 * request. What can be read in two ways is refused, and the connection ends. */
#ifndef MCPD_FRAMING_H
#define MCPD_FRAMING_H

#include <stdbool.h>

struct evkeyvalq;

struct framing {
	int status;	 /* 0: well framed; else the status to refuse it with */
	const char *why; /* static text, with a status */
	bool close;	 /* the connection must end with this answer */
};

/* HEADERS of a request of HTTP version 1.MINOR. BODY_READ: evhttp reads a body for this method. */
struct framing framing_check(const struct evkeyvalq *headers, int minor, bool body_read);

#endif
