/* SPDX-License-Identifier: ISC */
/* stdio_state.c: questions about the state of an instance, for all stdio_*.c. */
#include "autoconf.h"

#include <stdlib.h>

#include "backend/stdio_impl.h"

bool instance_ready(const struct instance *in)
{
	return in->client && mcpclient_ready(in->client);
}

struct link **instance_links(const struct instance *in, size_t *n_r)
{
	struct link **links;
	struct holder *h;
	size_t n = 0;

	TAILQ_FOREACH (h, &in->holders, entry)
		n++;
	*n_r = 0;
	links = n > 0 ? calloc(n, sizeof(struct link *)) : NULL;
	if (!links)
		return NULL;
	TAILQ_FOREACH (h, &in->holders, entry)
		links[(*n_r)++] = h->link;
	return links;
}
