/* SPDX-License-Identifier: ISC */
/* offer.h: the lists and capabilities that one MCP server offers. Immutable, and counted by
 * reference: a backend has one, and so has a session whose child offers other lists. */
#ifndef MCPD_OFFER_H
#define MCPD_OFFER_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/protocol.h"

enum offer_kind { OFFER_TOOLS, OFFER_PROMPTS, OFFER_RESOURCES, OFFER_TEMPLATES, OFFER_KINDS };

struct offer {
	unsigned refs;
	enum mcp_rev rev;	    /* spoken with this server */
	json_t *lists[OFFER_KINDS]; /* arrays, in the server's order; never NULL */
	json_t *capabilities;	    /* object; never NULL */
	json_t *server_info;	    /* object or NULL */
	char *instructions;	    /* or NULL */
};

/* An offer of nothing, with one reference. NULL on lack of memory. */
struct offer *offer_new(enum mcp_rev rev);
struct offer *offer_ref(struct offer *o);
void offer_unref(struct offer **o);
/* A copy of O in which list KIND is LIST. */
struct offer *offer_with(const struct offer *o, enum offer_kind kind, json_t *list_take);

/* The extension of 2026-07-28 for tasks. */
#define EXTENSION_TASKS "io.modelcontextprotocol/tasks"
/* Whether tools of O may be called as tasks (2025-11-25), or answer with tasks (the extension). */
bool offer_runs_tasks(const struct offer *o);
/* Whether CAPABILITIES, declared by a server of revision REV, have tasks of either kind. */
bool offer_has_tasks(enum mcp_rev rev, const json_t *capabilities);

/* The method that lists KIND ("tools/list"), the member of its result ("tools"), the member that
 * names an entry ("name", "uri", "uriTemplate"), and the capability ("tools", "resources"). */
const char *offer_list_method(enum offer_kind kind);
const char *offer_list_member(enum offer_kind kind);
const char *offer_key(enum offer_kind kind);
const char *offer_capability(enum offer_kind kind);
/* The kinds of lists that a notification of this method is about, as bits of 1u << enum offer_kind;
 * 0: the method is no list_changed. */
unsigned offer_changed_kinds(const char *notification_method);

#endif
