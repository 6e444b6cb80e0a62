/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "mcp/message.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jsonmembers.h"
#include "lib/jsonscan.h"
#include "lib/jsontext.h"
#include "lib/utf8.h"
#include "mcp/clientparams.h"

/* The members of a message. */
enum member { ID, METHOD, PARAMS, RESULT, ERROR, JSONRPC, MEMBERS };

static const char *const names[] = {
	[ID] = "id",	     [METHOD] = "method", [PARAMS] = "params",
	[RESULT] = "result", [ERROR] = "error",	  [JSONRPC] = "jsonrpc",
};

struct place {
	size_t at, len; /* LEN 0: there is none */
};

struct reading {
	struct jsontext *whole;
	const char *text; /* its bytes */
	struct place places[MEMBERS];
	struct jsonmembers inner; /* of the parameters (BY_CLIENT), or of the result */
	unsigned seen;		  /* one bit for each of the members that were met */
	const char *twice;	  /* the last member that was met again; NULL: none */
	bool by_client;
};

/* Notes member WHICH of the message. Of duplicate members the last counts, as in
 * jsonrpc_parse_any(); null counts as absent. */
static void note(struct reading *r, enum member which, const struct jsonscan_member *m)
{
	if (r->seen & 1u << which)
		r->twice = names[which];
	r->seen |= 1u << which;
	r->places[which] = (struct place){m->at, r->text[m->at] == 'n' ? 0 : m->len};
}

static void on_member(const struct jsonscan_member *m, void *arg)
{
	struct reading *r = arg;

	if (m->depth == 2) {
		if (jsonscan_key_is(r->text + m->in_at, m->in_len,
				    names[r->by_client ? PARAMS : RESULT]))
			jsonmembers_note(&r->inner, m);
		return;
	}
	for (size_t i = 0; i < MEMBERS; i++) {
		if (jsonscan_key_is(r->text + m->key_at, m->key_len, names[i])) {
			note(r, i, m);
			return;
		}
	}
}

void message_clear(struct message *m)
{
	json_decref(m->id);
	json_decref(m->method);
	json_decref(m->params);
	json_decref(m->data);
	jsontext_unref(&m->result);
	jsontext_unref(&m->arguments);
	free(m->error);
	memset(m, 0, sizeof *m);
}

struct jsontext *message_unmarked(struct jsontext *text)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t n = sizeof mark - 1;
	size_t len;
	const char *bytes = jsontext_bytes(text, &len);

	if (!bytes)
		return NULL;
	if (len < n || memcmp(bytes, mark, n) != 0)
		return jsontext_ref(text);
	return jsontext_part(text, n, len - n);
}

/* PART (consumed, may be NULL) as a tree of its own; NULL with E. */
static json_t *tree_of_part(const struct reading *r, struct jsontext *part_take, struct err *e)
{
	json_t *tree = NULL;

	if (!part_take)
		err_set(e, ERR_NOMEM, "out of memory");
	else
		tree = json_incref(r->by_client ? jsontext_strict_tree(part_take, e)
						: jsontext_tree(part_take, e));
	jsontext_unref(&part_take);
	return tree;
}

static struct jsontext *part_of(const struct reading *r, const struct place *p)
{
	return jsontext_part(r->whole, p->at, p->len);
}

/* The member WHICH as a tree of its own: *TREE_R, NULL where there is none. */
static int tree_of(const struct reading *r, enum member which, json_t **tree_r, struct err *e)
{
	const struct place *p = &r->places[which];

	if (p->len == 0)
		return 0;
	*tree_r = jsonrpc_plain(r->text + p->at, p->len);
	if (!*tree_r)
		*tree_r = tree_of_part(r, part_of(r, p), e);
	return *tree_r ? 0 : e->code;
}

/* The code of an error, which may be a number or the text of a number. */
static int code_of(const json_t *value)
{
	const char *text = json_string_value(value);
	double n = json_is_number(value) ? json_number_value(value) : text ? strtod(text, NULL) : 0;

	return n >= -2147483648.0 && n <= 2147483647.0 && n != 0 ? (int)n : RPC_INTERNAL_ERROR;
}

/* An error of a server in any shape: an object, or a text that says what is wrong. */
static int take_error(struct message *m, const struct reading *r, const json_t *error,
		      struct err *e)
{
	const char *text = json_string_value(
		json_is_object(error) ? json_object_get(error, "message") : error);

	if (r->by_client && (!text || !json_is_number(json_object_get(error, "code"))))
		return err_set(e, ERR_INVALID,
			       "\"error\" must have an integer \"code\" and a string \"message\"");
	m->code = code_of(json_object_get(error, "code"));
	m->data = json_incref(json_object_get(error, "data"));
	m->error = strdup(text ? text : "the server's error has no message");
	return m->error ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

/* What the response of a client lacks to be one; NULL: nothing. */
static const char *missing_in_response(const struct message *m, const struct reading *r)
{
	bool result = r->places[RESULT].len > 0, error = r->places[ERROR].len > 0;

	if (!result && !error)
		return "none of \"method\", \"result\" and \"error\"";
	if (result && error)
		return "both \"result\" and \"error\"";
	return m->id || error ? NULL : "\"id\" must be a string or an integer";
}

static int take_result(struct message *m, const struct reading *r, struct err *e)
{
	const struct place *result = &r->places[RESULT];

	m->kind = JSONRPC_RESULT;
	if (result->len == 0)
		return err_set(e, ERR_INVALID,
			       "the server's response has neither result nor error");
	if (!r->by_client && r->text[result->at] != '{')
		return err_set(e, ERR_INVALID, "the server's result is not an object");
	m->result = jsontext_object_part(r->whole, result->at, result->len, &r->inner);
	return m->result ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static int take_response(struct message *m, const struct reading *r, struct err *e)
{
	const char *missing = r->by_client ? missing_in_response(m, r) : NULL;
	json_t *error = NULL;
	int rc;

	if (missing)
		return err_set(e, ERR_INVALID, "%s", missing);
	if (r->places[ERROR].len == 0)
		return take_result(m, r, e);
	m->kind = JSONRPC_ERROR;
	rc = tree_of(r, ERROR, &error, e);
	if (rc == 0)
		rc = take_error(m, r, error, e);
	json_decref(error);
	return rc;
}

static int take_params(struct message *m, const struct reading *r, struct err *e)
{
	const struct place *p = &r->places[PARAMS];

	if (r->by_client && p->len > 0 && r->text[p->at] == '{')
		return clientparams_take(&r->inner, r->whole, &m->params, &m->arguments, e);
	return tree_of(r, PARAMS, &m->params, e);
}

static int take_method(struct message *m, const struct reading *r, struct err *e)
{
	int rc = tree_of(r, METHOD, &m->method, e);

	if (rc < 0)
		return rc;
	if (!json_is_string(m->method) ||
	    strlen(json_string_value(m->method)) != json_string_length(m->method))
		return err_set(e, ERR_INVALID, "\"method\" must be a string without a NUL");
	if (r->by_client && (r->places[RESULT].len > 0 || r->places[ERROR].len > 0))
		return err_set(e, ERR_INVALID, "\"method\" together with \"result\" or \"error\"");
	return 0;
}

static int take_call(struct message *m, const struct reading *r, struct err *e)
{
	int rc;

	m->kind = m->id ? JSONRPC_REQUEST : JSONRPC_NOTIFICATION;
	rc = take_method(m, r, e);
	if (rc == 0)
		rc = take_params(m, r, e);
	if (rc == 0 && m->params && !json_is_object(m->params) && !json_is_array(m->params))
		return err_set(e, ERR_INVALID, "\"params\" must be an object or an array");
	return rc;
}

/* An id that is a whole number is one, however it is written: an answer of mcpd has it as an
 * integer (JSON-RPC 2.0 section 4: numbers should have no fraction). */
static int take_id(struct message *m, const struct reading *r, struct err *e)
{
	json_int_t n;
	int rc = tree_of(r, ID, &m->id, e);

	if (rc < 0)
		return rc;
	if (json_is_real(m->id) && message_id_number(m->id, &n)) {
		json_decref(m->id);
		m->id = json_integer(n);
		if (!m->id)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
	if (m->id && !json_is_string(m->id) && !json_is_integer(m->id))
		return err_set(e, ERR_INVALID, "\"id\" must be a string or an integer");
	if (json_string_length(m->id) > JSONRPC_MAX_ID)
		return err_set(e, ERR_INVALID, "\"id\" has more than %zu bytes", JSONRPC_MAX_ID);
	return 0;
}

static bool says_version(const struct reading *r)
{
	static const char version[] = "\"2.0\"";
	const struct place *p = &r->places[JSONRPC];

	return p->len == sizeof version - 1 && memcmp(r->text + p->at, version, p->len) == 0;
}

/* What a client may not say, and a server may. */
static int check_client(const struct reading *r, size_t bad, struct err *e)
{
	if (bad > 0)
		return err_set(e, ERR_PARSE, "bytes that are no UTF-8");
	if (r->twice)
		return err_set(e, ERR_PARSE, "duplicate member \"%s\"", r->twice);
	if (!r->seen && r->text[0] != '{')
		return err_set(e, ERR_INVALID, "a message must be an object");
	return says_version(r) ? 0 : err_set(e, ERR_INVALID, "\"jsonrpc\" must be \"2.0\"");
}

static int take_members(struct message *m, const struct reading *r, struct err *e)
{
	bool is_call = r->places[METHOD].len > 0;
	int rc;

	m->kind = is_call ? JSONRPC_NOTIFICATION : JSONRPC_RESULT;
	rc = take_id(m, r, e);
	if (rc < 0)
		return rc;
	return is_call ? take_call(m, r, e) : take_response(m, r, e);
}

static void set_parse_error(struct err *e, const struct jsonscan *s, const char *text)
{
	size_t line = 1, begin = 0;

	for (size_t i = 0; i < s->pos; i++) {
		if (text[i] == '\n') {
			line++;
			begin = i + 1;
		}
	}
	err_set(e, ERR_PARSE, "line %zu, column %zu: %s", line, s->pos - begin + 1, s->why);
}

/* Finds where the members of R's text are. 0 with *BAD_R, or an error of M. */
static int scan(struct message *m, struct reading *r, unsigned max_depth, size_t *bad_r,
		struct err *e)
{
	enum jsonscan_status status;
	struct jsonscan s;
	size_t len;

	r->text = jsontext_bytes(r->whole, &len);
	if (!r->text)
		return err_set(e, ERR_NOMEM, "out of memory");
	jsonscan_init(&s, max_depth, on_member, r);
	status = jsonscan_run(&s, r->text, len, true);
	*bad_r = s.bad;
	m->nul = memmem(r->text, s.pos, "\\u0000", 6); /* not what follows: it may be long */
	m->broken = status == JSONSCAN_BAD;
	m->end = m->broken && jsonscan_ended(&s) ? s.pos : 0;
	if (status == JSONSCAN_BAD)
		set_parse_error(e, &s, r->text);
	else if (status == JSONSCAN_DEEP)
		err_set(e, ERR_LIMIT, "nested deeper than %u levels (limits.maxDepth)", max_depth);
	else if (status != JSONSCAN_DONE)
		err_set(e, ERR_NOMEM, "out of memory");
	jsonscan_fini(&s);
	return status == JSONSCAN_DONE ? 0 : e->code;
}

/* A copy of WHOLE with U+FFFD for each byte that belongs to no character. NULL on lack of memory.
 */
static struct jsontext *repaired(struct jsontext *whole)
{
	size_t len;
	const char *text = jsontext_bytes(whole, &len);
	char *clean = text ? utf8_clean(text, len, &len) : NULL;

	return clean ? jsontext_take(clean, len) : NULL;
}

struct jsontext *message_clean(struct jsontext *text)
{
	struct jsontext *bare = message_unmarked(text);
	struct jsontext *clean = bare ? repaired(bare) : NULL;

	jsontext_unref(&bare);
	return clean;
}

static int read_repaired(struct message *m, struct jsontext *whole, struct err *e)
{
	struct jsontext *clean = repaired(whole);
	struct reading r = {.whole = clean};
	size_t bad;
	int rc = clean ? scan(m, &r, 0, &bad, e) : err_set(e, ERR_NOMEM, "out of memory");

	if (rc == 0)
		rc = take_members(m, &r, e);
	jsonmembers_clear(&r.inner);
	jsontext_unref(&clean);
	return rc;
}

int message_read(struct message *m, struct jsontext *whole, struct err *e)
{
	struct reading r = {.whole = whole};
	size_t bad = 0;
	struct err unheard;
	int rc;

	if (!e)
		e = &unheard;
	memset(m, 0, sizeof *m);
	rc = scan(m, &r, 0, &bad, e);
	if (rc == 0)
		rc = bad > 0 ? read_repaired(m, whole, e) : take_members(m, &r, e);
	jsonmembers_clear(&r.inner);
	return rc;
}

/* Takes the members that were found in R, unless the message may not be read any further. */
static int take_client(struct message *m, const struct reading *r, size_t bad, struct err *e)
{
	int rc = check_client(r, bad, e), taken;
	struct err unheard = {0};

	if (rc == ERR_PARSE)
		return rc;
	/* Also of what is no message: the id, which the answer can name. */
	taken = take_members(m, r, rc < 0 ? &unheard : e);
	return rc < 0 ? rc : taken;
}

int message_read_client(struct message *m, struct jsontext *whole, unsigned max_depth,
			struct err *e)
{
	struct reading r = {.whole = whole, .by_client = true};
	size_t bad = 0;
	int rc;

	memset(m, 0, sizeof *m);
	rc = scan(m, &r, max_depth, &bad, e);
	if (rc == 0)
		rc = take_client(m, &r, bad, e);
	jsonmembers_clear(&r.inner);
	return rc;
}

json_t *message_reply_id(const struct message *m)
{
	return m->method ? m->id : NULL;
}

bool message_is(const struct message *m, const char *method)
{
	return m->method && strcmp(json_string_value(m->method), method) == 0;
}

/* ---- ids ---- */

bool message_id_number(const json_t *id, json_int_t *n_r)
{
	double real = json_real_value(id);
	const char *text = json_string_value(id);
	char *end;

	if (json_is_integer(id)) {
		*n_r = json_integer_value(id);
		return true;
	}
	if (json_is_real(id) && real == floor(real) && fabs(real) < 9e15) {
		*n_r = (json_int_t)real;
		return true;
	}
	if (!text || text[0] < '0' || text[0] > '9' || strlen(text) > 18)
		return false;
	*n_r = strtoll(text, &end, 10);
	return *end == '\0';
}

#define GUESS_BYTES ((size_t)4096) /* at the beginning, and at the end */

/* The value behind the key NAME in LEN bytes at TEXT; NULL: there is no such key. */
static const char *value_behind(const char *text, size_t len, const char *name)
{
	size_t n = strlen(name);
	const char *end = text + len, *p = memmem(text, len, name, n);

	for (; p; p = memmem(p + 1, (size_t)(end - p) - 1, name, n)) {
		const char *at = p + n;

		while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
			at++;
		if (at < end && *at == ':')
			return at + 1;
	}
	return NULL;
}

static json_t *guess_in(const char *text, size_t len)
{
	const char *p = value_behind(text, len, "\"id\""), *end = text + len;
	char digits[20];
	size_t n;

	if (!p || value_behind(text, len, "\"method\""))
		return NULL;
	while (p < end && (*p == ' ' || *p == '"'))
		p++;
	for (n = 0; p < end && n < sizeof digits - 1 && *p >= '0' && *p <= '9'; p++)
		digits[n++] = *p;
	digits[n] = '\0';
	return n > 0 ? json_integer(strtoll(digits, NULL, 10)) : NULL;
}

bool message_shows_method(const char *text, size_t len)
{
	return value_behind(text, len < GUESS_BYTES ? len : GUESS_BYTES, "\"method\"");
}

bool message_shows_response(const char *text, size_t len)
{
	return len > 0 && text[0] == '{' &&
	       value_behind(text, len < GUESS_BYTES ? len : GUESS_BYTES, "\"jsonrpc\"") &&
	       !message_shows_method(text, len);
}

json_t *message_guess_id(const char *text, size_t len)
{
	json_t *id = guess_in(text, len < GUESS_BYTES ? len : GUESS_BYTES);

	if (id || len <= GUESS_BYTES || value_behind(text, GUESS_BYTES, "\"method\""))
		return id;
	return guess_in(text + len - GUESS_BYTES, GUESS_BYTES);
}

/* ---- what goes out ---- */

struct jsontext *message_result(const json_t *id, struct jsontext *result)
{
	json_t *tree = jsontext_own_tree(result);
	char *text, *head;
	int len;

	if (tree)
		return jsontext_of(jsonrpc_result((json_t *)(uintptr_t)id, json_incref(tree)));
	text = jsonrpc_dump(id, NULL);
	len = text ? asprintf(&head, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":", text) : -1;
	free(text);
	return len < 0 ? NULL : jsontext_around(head, (size_t)len, result, "}");
}

struct jsontext *message_text(const json_t *msg, struct jsontext *arguments)
{
	static const char end[] = "}}"; /* of the parameters, which come last, and the message */
	const size_t n = sizeof end - 1;
	size_t len, size;
	char *text = msg ? jsonrpc_dump(msg, &len) : NULL, *head;

	if (!text || !arguments)
		return text ? jsontext_take(text, len) : NULL;
	size = len + sizeof ",\"arguments\":";
	head = realloc(text, size);
	if (!head) {
		free(text);
		return NULL;
	}
	len -= n;
	len += (size_t)snprintf(head + len, size - len,
				"%s\"arguments\":", head[len - 1] == '{' ? "" : ",");
	return jsontext_around(head, len, arguments, end);
}

/* The member NAME of OBJECT: a new reference; NULL: none. */
static struct jsontext *member_of(struct jsontext *object, const char *name)
{
	struct jsontext *found;

	return jsontext_find(object, &name, 1, &found) == 0 ? found : NULL;
}

struct jsontext *message_arguments(struct jsontext *text)
{
	struct jsontext *params = member_of(text, names[PARAMS]), *arguments;

	arguments = params ? member_of(params, "arguments") : NULL;
	jsontext_unref(&params);
	return arguments;
}
