/* SPDX-License-Identifier: ISC */
/* legacy.h: the front for the revisions up to 2025-11-25: sessions over Streamable HTTP. */
#ifndef MCPD_LEGACY_H
#define MCPD_LEGACY_H

#include <jansson.h>
#include <stdbool.h>

struct config_limits;
struct exchange;
struct post;
struct sessions;
struct stopping;
struct view;

struct legacy {
	struct sessions *sessions;
	const struct config_limits *limits;
	const struct stopping *stopping; /* once the daemon is going down, nothing new is begun */
};

/* What the endpoint knows of a request. PATH is borrowed for the session's life. */
struct legacy_request {
	struct exchange *x; /* taken */
	struct view *view;
	const char *path;
};

/* A POST of this era; borrowed. */
void legacy_post(struct legacy *l, const struct legacy_request *rq, const struct post *post);
/* Opens or resumes a stream. */
void legacy_get(struct legacy *l, const struct legacy_request *rq);
/* DELETE: ends a session. */
void legacy_delete(struct legacy *l, const struct legacy_request *rq);

#endif
