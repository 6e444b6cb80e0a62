/* SPDX-License-Identifier: ISC */
/* catalog.h: merges several offers: lists in a deterministic order (that of the configuration, then
 * the server's own), names prefixed where there is more than one backend, and the search from a
 * name or URI to its source. A catalogue is a value and does not use backends. */
#ifndef MCPD_CATALOG_H
#define MCPD_CATALOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "mcp/offer.h"

struct catalog;

struct catalog_source {
	const char *name;	   /* the backend's; borrowed while the catalogue lives */
	const struct offer *offer; /* NULL: offers nothing (not learnt, failed) */
};

/* Merges N sources, translated to revision REV (translate.h). PREFIX: tools and prompts become
 * "NAME__original" (two underscores), made legal in both eras: at most 64 characters of
 * [A-Za-z0-9_.-]; what is not legal or too long is changed or cut and ends in "_" and eight hex
 * digits of a hash of the whole name (so does the later of two that come out the same). Resource
 * URIs stay; of equal URIs the first wins, likewise of equal names inside one source. An entry
 * without its key (or not an object) is left out. NULL on lack of memory. */
struct catalog *catalog_new(const struct catalog_source *sources, size_t n, bool prefix,
			    enum mcp_rev rev);
void catalog_free(struct catalog **c);

/* The merged list of KIND: a borrowed array. Its entries may be shared with the offers and must not
 * be changed. */
json_t *catalog_list(const struct catalog *c, enum offer_kind kind);

/* The entry of the list KIND with this name or URI: borrowed, NULL without one. */
const json_t *catalog_entry(const struct catalog *c, enum offer_kind kind, const char *key);

/* The entry of catalog_entry() as its source lists it: in the source's revision, under its own
 * name. */
const json_t *catalog_original(const struct catalog *c, enum offer_kind kind, const char *key);

/* Where the tool or prompt NAME comes from. 0: *source_r is the index of the source and *original_r
 * its own name (borrowed from the catalogue). ERR_NOTFOUND otherwise. */
int catalog_find(const struct catalog *c, enum offer_kind kind, const char *name, size_t *source_r,
		 const char **original_r);
/* The visible name that is most like NAME, or that NAME is without its prefix, for an error that
 * says so. Borrowed from the catalogue; NULL: no name is near. */
const char *catalog_nearest(const struct catalog *c, enum offer_kind kind, const char *name);
/* Where URI comes from: a listed resource, else a template that matches (RFC 6570: an expression
 * matches any run of characters without "/", "{+x}" and the like any run at all), else the only
 * source with a resources capability. ERR_NOTFOUND otherwise. */
int catalog_find_uri(const struct catalog *c, const char *uri, size_t *source_r);
/* catalog_find_uri() for a completion reference of the kind ref/resource, whose "uri" may be a
 * template itself. */
int catalog_find_template(const struct catalog *c, const char *uri_template, size_t *source_r);

/* What can be declared to a legacy client (a new reference): the union of the sources' capabilities
 * as far as mcpd delivers them: tools, prompts (listChanged), resources (listChanged, subscribe),
 * logging, completions,
 * tasks or the extension for them. listChanged is always there: mcpd itself sees a change when a
 * backend restarts. UNKNOWN: some source is not learnt yet, so declare tools, prompts and resources
 * all the same. */
json_t *catalog_capabilities(const struct catalog *c, bool unknown);
/* Whether some source runs tasks that a client of the catalogue's revision can use. */
bool catalog_runs_tasks(const struct catalog *c);
/* The sources' instructions, each under its name where there are several; malloc'd, NULL if none.
 */
char *catalog_instructions(const struct catalog *c);

/* One page: at most PAGE entries of LIST after the one that CURSOR names (NULL: from the start; ""
 * is a cursor that is never valid; PAGE 0: all). The cursor holds the key of the last entry, so a
 * page can be asked for again after the list changed. Returns a new result object {MEMBER: [...],
 * nextCursor?}, whose array is not to be changed, or NULL with E = ERR_INVALID (bad cursor) or
 * ERR_NOMEM. */
json_t *catalog_page(const struct catalog *c, enum offer_kind kind, const char *cursor, size_t page,
		     struct err *e);

#endif
