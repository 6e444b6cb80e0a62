/* SPDX-License-Identifier: ISC */
/* jsonscan.h: reads a JSON text (RFC 8259) once, without building anything of it: checks the
 * grammar, and tells where the members of the outermost objects are.
 *
 * The text may come in pieces: a scan goes on where it stopped, so each byte is looked at once.
 * Only offsets are kept between two calls; the text may have moved meanwhile. Members are told of
 * objects in the two outermost levels: those of a message, and those of its params, result or
 * error; and, without a key, the elements of an array that is the outermost value (a batch).
 *
 * What others read is not refused: any number, any escape, duplicate members, NUL in a text. Bytes
 * that are no UTF-8 are counted in "bad", and the owner decides. */
#ifndef MCPD_JSONSCAN_H
#define MCPD_JSONSCAN_H

#include <stdbool.h>
#include <stddef.h>

enum jsonscan_status {
	JSONSCAN_MORE, /* the text is not complete */
	JSONSCAN_DONE, /* one whole value, maybe with white space around it */
	JSONSCAN_BAD,  /* no JSON: "why", at "pos" */
	JSONSCAN_DEEP, /* nested deeper than "max_depth" */
	JSONSCAN_NOMEM,
};

/* A member of an object. Offsets are those of the text; the key is without its quotes, with its
 * escapes. */
struct jsonscan_member {
	unsigned depth;	      /* 1: of the outermost object, 2: of an object that is its member */
	size_t in_at, in_len; /* the key of that object, where the depth is 2 */
	size_t key_at, key_len;
	size_t at, len; /* the value */
};

typedef void (*jsonscan_fn)(const struct jsonscan_member *m, void *arg);

struct jsonscan {
	size_t pos;		 /* how far the text was read */
	size_t bad;		 /* bytes that belong to no character, so far */
	const char *why;	 /* JSONSCAN_BAD: static text */
	size_t depth, max_depth; /* 0: no limit */
	/* For jsonscan.c alone. */
	jsonscan_fn fn;
	void *arg;
	unsigned char state, number; /* what may come next */
	unsigned char hex;	     /* digits that an escape still lacks */
	bool is_key;		     /* the string is one */
	const char *literal;	     /* what is left of true, false or null */
	unsigned char *kinds;	     /* one bit for each open level: it is an object */
	size_t room;		     /* levels that there is room for */
	unsigned char few[16];	     /* the kinds of the first levels */
	struct {
		size_t key_at, key_len, at;
	} open[2]; /* the members that are being read */
	size_t token_at;
};

/* FN is told of each member once its value was read; NULL: nobody is. */
void jsonscan_init(struct jsonscan *s, size_t max_depth, jsonscan_fn fn, void *arg);
void jsonscan_fini(struct jsonscan *s);
/* Goes on in TEXT, of which LEN bytes are there by now. COMPLETE: no more will come, so
 * JSONSCAN_MORE becomes JSONSCAN_BAD. */
enum jsonscan_status jsonscan_run(struct jsonscan *s, const char *text, size_t len, bool complete);

/* Whether a whole value was read, and what follows it is what was refused. */
bool jsonscan_ended(const struct jsonscan *s);

/* Whether the KEY_LEN bytes of a key, which may have escapes, are NAME. */
bool jsonscan_key_is(const char *key, size_t key_len, const char *name);

#endif
