/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text/pattern_ecma.h"

#define OPTIONS                                                                                    \
	(PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_UNSET_BACKREF | PCRE2_DOLLAR_ENDONLY |  \
	 PCRE2_ALLOW_EMPTY_CLASS | PCRE2_AUTO_CALLOUT)

/* The cost of one item of a pattern that is tried, in characters that are passed. */
#define STEP 16
/* Bytes of a compiled pattern from which on each character costs more: one class may list very many
 * ranges, which are looked through for each character. */
#define LARGE 512

/* Second lines of defence: work is what should end a match. */
#define MAX_HEAP_KIB   32768
#define MAX_BACKTRACKS 10000000
#define MAX_DEPTH      1000000

struct pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
	size_t size;
	size_t weight;	 /* the cost of a character */
	bool refers;	 /* it has backreferences */
	char shown[120]; /* its beginning, for messages */
};

/* One match on its way. */
struct run {
	const struct pattern *p;
	uint64_t *work;
	size_t at;
};

static int describe(int why, struct err *e)
{
	PCRE2_UCHAR text[160];

	if (why == PCRE2_ERROR_HEAP_FAILED)
		return err_set(e, ERR_NOMEM, "out of memory");
	pcre2_get_error_message(why, text, sizeof text);
	switch (why) {
	case PCRE2_ERROR_PATTERN_TOO_LARGE:
	case PCRE2_ERROR_PATTERN_TOO_COMPLICATED:
	case PCRE2_ERROR_PATTERN_STRING_TOO_LONG:
	case PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP:
	case PCRE2_ERROR_LOOKBEHIND_TOO_COMPLICATED:
		return err_set(e, ERR_LIMIT, "%s", (const char *)text);
	}
	return err_set(e, ERR_INVALID, "%s", (const char *)text);
}

static int compile(struct pattern *p, const struct ecma_pattern *in, struct err *e)
{
	pcre2_compile_context *limits = pcre2_compile_context_create(NULL);
	uint32_t options = OPTIONS | (in->refers ? 0 : PCRE2_NO_AUTO_CAPTURE);
	PCRE2_SIZE at;
	int why = PCRE2_ERROR_HEAP_FAILED;

	if (limits) {
		pcre2_set_parens_nest_limit(limits, PATTERN_MAX_NESTED);
		p->code = pcre2_compile((PCRE2_SPTR)in->text, in->len, options, &why, &at, limits);
		pcre2_compile_context_free(limits);
	}
	return p->code ? 0 : describe(why, e);
}

/* What only the compiled pattern tells. */
static int measure(struct pattern *p, bool refers, struct err *e)
{
	uint32_t groups = 0;

	pcre2_pattern_info(p->code, PCRE2_INFO_SIZE, &p->size);
	pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	p->weight = 1 + p->size / LARGE;
	p->refers = refers;
	if (p->size > PATTERN_MAX_SIZE)
		return err_set(e, ERR_LIMIT,
			       "it takes more than %d bytes once its repetitions are written out",
			       PATTERN_MAX_SIZE);
	if (groups > PATTERN_MAX_GROUPS)
		return err_set(e, ERR_LIMIT,
			       "more than %d groups that are remembered: write \"(?:\"",
			       PATTERN_MAX_GROUPS);
	return 0;
}

static int limit_matches(struct pattern *p)
{
	p->limits = pcre2_match_context_create(NULL);
	if (!p->limits)
		return ERR_NOMEM;
	pcre2_set_heap_limit(p->limits, MAX_HEAP_KIB);
	pcre2_set_match_limit(p->limits, MAX_BACKTRACKS);
	pcre2_set_depth_limit(p->limits, MAX_DEPTH);
	return 0;
}

static int build(struct pattern *p, const struct ecma_pattern *in, struct err *e)
{
	int rc = compile(p, in, e);

	if (rc == 0)
		rc = measure(p, in->refers, e);
	if (rc == 0 && limit_matches(p) < 0)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	return rc;
}

int pattern_new(const char *text, size_t len, struct pattern **p_r, struct err *e)
{
	struct ecma_pattern in;
	struct pattern *p;
	int rc;

	*p_r = NULL;
	if (len > PATTERN_MAX_LENGTH)
		return err_set(e, ERR_LIMIT, "longer than %d bytes", PATTERN_MAX_LENGTH);
	rc = ecma_translate(text, len, &in, e);
	if (rc != 0)
		return rc;
	p = calloc(1, sizeof *p);
	rc = p ? build(p, &in, e) : err_set(e, ERR_NOMEM, "out of memory");
	free(in.text);
	if (rc != 0) {
		pattern_free(&p);
		return rc;
	}
	if (len < sizeof p->shown)
		memcpy(p->shown, text, len);
	else
		strcpy(p->shown, "of the schema");
	*p_r = p;
	return 0;
}

void pattern_free(struct pattern **pp)
{
	struct pattern *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	pcre2_code_free(p->code);
	pcre2_match_context_free(p->limits);
	free(p);
}

size_t pattern_size(const struct pattern *p)
{
	return p->size;
}

/* The longest of what the groups have matched: a backreference that is tried next may compare that
 * much. */
static size_t longest_group(const pcre2_callout_block *b)
{
	size_t longest = 0;

	for (uint32_t i = 1; i < b->capture_top; i++) {
		size_t from = b->offset_vector[2 * i], to = b->offset_vector[2 * i + 1];

		if (from != PCRE2_UNSET && to > from && to - from > longest)
			longest = to - from;
	}
	return longest;
}

/* PCRE2 reports each item of the pattern before the item is tried, but neither what repetitions of
 * a single character pass, which the way between two reports tells, nor the length of what a
 * backreference compares. */
static int on_step(pcre2_callout_block *b, void *arg)
{
	struct run *r = arg;
	size_t at = b->current_position, moved = at > r->at ? at - r->at : r->at - at;
	uint64_t cost = STEP + moved * r->p->weight;

	if (r->p->refers)
		cost += longest_group(b);
	r->at = at;
	if (cost > *r->work) {
		*r->work = 0;
		return PCRE2_ERROR_CALLOUT;
	}
	*r->work -= cost;
	return 0;
}

static int verdict(int rc, const struct pattern *p, struct err *e)
{
	if (rc >= 0)
		return 0;
	switch (rc) {
	case PCRE2_ERROR_NOMATCH:
		return err_set(e, ERR_INVALID, "does not match the pattern %s", p->shown);
	case PCRE2_ERROR_CALLOUT:
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
		return err_set(e, ERR_LIMIT, "takes too long to hold against the pattern %s",
			       p->shown);
	case PCRE2_ERROR_NOMEMORY:
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	return err_set(e, ERR_INVALID, "is not UTF-8");
}

int pattern_match(const struct pattern *p, const char *text, size_t len, uint64_t *work,
		  struct err *e)
{
	struct run r = {.p = p, .work = work};
	pcre2_match_data *data;
	int rc;

	/* The text is looked through for whether it is UTF-8, and for where the match may begin. */
	if (STEP + len > *work) {
		*work = 0;
		return verdict(PCRE2_ERROR_CALLOUT, p, e);
	}
	*work -= STEP + len;
	data = pcre2_match_data_create_from_pattern(p->code, NULL);
	if (!data || pcre2_set_callout(p->limits, on_step, &r) != 0) {
		pcre2_match_data_free(data);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	rc = pcre2_match(p->code, (PCRE2_SPTR)text, len, 0, 0, data, p->limits);
	pcre2_match_data_free(data);
	return verdict(rc, p, e);
}
