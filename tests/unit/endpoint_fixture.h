/* SPDX-License-Identifier: ISC */
/* endpoint_fixture.h: the whole daemon but for HTTP and children: the real endpoint with both of
 * its fronts on top of session_fixture.h. */
#ifndef MCPD_TESTS_ENDPOINT_FIXTURE_H
#define MCPD_TESTS_ENDPOINT_FIXTURE_H

#include "base/stopping.h"
#include "endpoint.h"
#include "session_fixture.h"

/* In addition to fx. */
extern struct endpoint *fx_endpoint;
extern struct stopping fx_stopping; /* of fx_endpoint */

void endpoint_open(void);
/* Ends everything as a shutdown does. Fails the test when something is left. */
void endpoint_close(void);

/* The client sends a request to /mcp; HEADERS are lines with their LF, added to those that every
 * client sends. */
struct exchange *endpoint_ask(enum exchange_method method, const char *headers, const char *body,
			      size_t len);

#endif
