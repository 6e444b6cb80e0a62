/* SPDX-License-Identifier: ISC */
/* hash.h: uthash the way mcpd uses it. Include this, never <uthash.h>.
 *
 * An insertion that lacks memory leaves the element out, with a NULL hh.tbl: check that after each
 * HASH_ADD. The default hash function falls through between switch labels, which clang warns of. */
#ifndef MCPD_HASH_H
#define MCPD_HASH_H

#define HASH_NONFATAL_OOM	      1
#define HASH_FUNCTION(key, len, hash) HASH_FNV(key, len, hash)

#include <uthash.h>

#endif
