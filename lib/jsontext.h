/* SPDX-License-Identifier: ISC */
/* jsontext.h: a JSON value that is carried: its text, shared by reference, and a tree of it only
 * where somebody has to understand it.
 *
 * A value comes from outside as a text that was read by jsonscan.h, or from here as a tree. It
 * never changes; an edit makes another value, which shares the bytes that stay. What is written are
 * the bytes that came, so numbers, escapes, order and duplicate members of what passes stay as they
 * are. */
#ifndef MCPD_JSONTEXT_H
#define MCPD_JSONTEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct evbuffer;
struct jsonmembers;
struct jsontext;

/* LEN bytes that are malloc'd (consumed, also on failure) or copied, and are one JSON value. NULL
 * on lack of memory, like all that makes a value. */
struct jsontext *jsontext_take(char *text_take, size_t len);
struct jsontext *jsontext_copy(const char *text, size_t len);
/* LEN bytes of OF from AT on, which are a value. Shares them. */
struct jsontext *jsontext_part(const struct jsontext *of, size_t at, size_t len);
/* jsontext_part() of an object whose members were FOUND when OF was scanned, so that nobody has to
 * look for them again. */
struct jsontext *jsontext_object_part(const struct jsontext *of, size_t at, size_t len,
				      const struct jsonmembers *found);
/* A tree (consumed; NULL gives NULL), which must not be changed any more. */
struct jsontext *jsontext_of(json_t *tree_take);
/* One more reference, and one less; T may be NULL. */
struct jsontext *jsontext_ref(struct jsontext *t);
void jsontext_unref(struct jsontext **t);

/* Bytes of a text over which jsontext_tree() makes no tree (limits.maxTree), for the whole process.
 */
void jsontext_limit(size_t max_tree);

/* About how many bytes of memory T holds, text and tree; what is shared counts in full. */
size_t jsontext_cost(const struct jsontext *t);

/* Whether LEN bytes may become a tree: 0, or ERR_LIMIT with the reason. */
int jsontext_may_tree(size_t len, struct err *e);
/* The value as a tree (borrowed, kept until T goes, not to be changed). Duplicate members: the last
 * one counts. NULL with E = ERR_LIMIT (over limits.maxTree), ERR_PARSE (what jansson cannot hold:
 * the text says what), or ERR_NOMEM. */
json_t *jsontext_tree(struct jsontext *t, struct err *e);
/* The tree of a value that has no text yet (borrowed); NULL: T has one. */
json_t *jsontext_own_tree(const struct jsontext *t);
/* As jsontext_tree(), however long the text is, for what there is no other way to understand: lists
 * that servers give to mcpd itself. */
json_t *jsontext_whole_tree(struct jsontext *t, struct err *e);
/* As jsontext_tree() of a text of a client, in which duplicate members and what no double holds are
 * ERR_PARSE: what decides by the tree must read what the next reader of the text will read. */
json_t *jsontext_strict_tree(struct jsontext *t, struct err *e);
/* The text as one block, borrowed; NULL on lack of memory. */
const char *jsontext_bytes(struct jsontext *t, size_t *len_r);
/* How long the text is; 0 for a tree that was not written yet. */
size_t jsontext_len(const struct jsontext *t);
/* Appends the text to OUT: large parts by reference. 0 or ERR_NOMEM, and then OUT has a part of it.
 */
int jsontext_write(struct evbuffer *out, struct jsontext *t);

/* BEFORE (LEN bytes, malloc'd, consumed), the text of VALUE (borrowed), and AFTER (static):
 * together a value. */
struct jsontext *jsontext_around(char *before_take, size_t len, struct jsontext *value,
				 const char *after);
/* N values (borrowed) as an array. */
struct jsontext *jsontext_array(struct jsontext *const *values, size_t n);
/* The members KEYS of OBJECT: each a new reference in FOUND_R, or NULL. Of several the last counts.
 * 0; ERR_INVALID: OBJECT is none; ERR_NOMEM. */
int jsontext_find(struct jsontext *object, const char *const *keys, size_t n,
		  struct jsontext **found_r);
/* Whether the text has no line break in it, which between values is white space. */
bool jsontext_is_line(const struct jsontext *t);
/* Whether T is an object. */
bool jsontext_is_object(struct jsontext *t);
/* Whether T is the string TEXT, written without escapes. T may be NULL. */
bool jsontext_is(struct jsontext *t, const char *text);

/* A change of member KEY of an object. */
struct jsonedit {
	const char *key;	/* static text without what has to be escaped */
	struct jsontext *value; /* the new value, borrowed; NULL: the member is taken out */
	bool add;		/* adds the member where there is none; needs a VALUE */
};
/* OBJECT after N edits, as a value of its own. A member that occurs more than once is edited in its
 * first place and taken out of the others. OBJECT itself, with one more reference, where nothing
 * changes. NULL on lack of memory, or where OBJECT is no object. */
struct jsontext *jsontext_edit(struct jsontext *object, const struct jsonedit *edits, size_t n);

#endif
