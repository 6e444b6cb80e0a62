/* SPDX-License-Identifier: ISC */
#include "cli/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/help.h"
#include "cli/local.h"
#include "cli/parse.h"
#include "cli/secret.h"
#include "lib/stdfds.h"

/* What was printed must have arrived. A reader that had enough (head) needs no complaint. */
static enum status check_stdout(enum status status)
{
	int why = stdfds_flush();

	if (why == 0)
		return status;
	if (why != EPIPE)
		complain(STATUS_IO, "standard output: %s", strerror(why));
	return STATUS_IO;
}

/* Reads the JSON object that the arguments of a tool are. */
static enum status read_stdin(const struct mcpctl *m, const struct walk *w)
{
	json_error_t why;
	json_t *value;

	if (m->keep_stdin)
		return complain(STATUS_USAGE,
				"standard input holds the commands: no \"-\" for %s here",
				w->from_stdin->label);
	value = json_loadf(stdin, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(value)) {
		json_decref(value);
		return complain(STATUS_DATA, "standard input: %s",
				value ? "expected a JSON object" : why.text);
	}
	if (json_object_set_new(w->params, w->from_stdin->name, value) < 0)
		return complain(STATUS_INTERNAL, "out of memory");
	return STATUS_OK;
}

static enum status ask_secret(const struct mcpctl *m, const struct walk *w)
{
	char *secret;
	enum status status = secret_read(m, "Secret", &secret);
	int rc;

	if (status != STATUS_OK)
		return status;
	rc = json_object_set_new(w->params, w->secret->name, json_string(secret));
	secret_free(&secret);
	return rc == 0 ? STATUS_OK : complain(STATUS_DATA, "the secret is no UTF-8");
}

/* The digest of a token that somebody has, who needs not be shown it. */
static enum status read_token(const struct mcpctl *m, char digest_r[DIGEST_HEX_SIZE])
{
	char *token;
	enum status status = secret_read(m, "Token", &token);

	if (status == STATUS_OK)
		status = secret_digest(token, digest_r);
	secret_free(&token);
	return status;
}

/* The daemon gets the digest of a token alone, which nobody can do anything with. *TOKEN_R is one
 * that was made, to be shown; NULL: none. */
static enum status take_token(const struct mcpctl *m, const struct walk *w, char **token_r)
{
	char digest[DIGEST_HEX_SIZE];
	enum status status = json_is_true(json_object_get(w->params, "read"))
				     ? read_token(m, digest)
				     : secret_make(token_r, digest);

	json_object_del(w->params, "read"); /* the daemon has nothing to do with that */
	if (status == STATUS_OK &&
	    json_object_set_new(w->params, w->secret->name, json_string(digest)) < 0)
		status = complain(STATUS_INTERNAL, "out of memory");
	return status;
}

/* Takes the rows of one command. */
struct taking {
	const struct ctl_command *command;
	const struct output_format *format;
	json_t *rows;
	const char *token; /* that was made for it; NULL: none */
	bool failed;
};

static bool take_row(json_t *row, void *arg)
{
	struct taking *t = arg;
	struct output_to to = output_stdout();

	if (t->command->shape == CTL_FOLLOW) {
		t->format->follow(&to, t->command->columns, row);
		return stdfds_try_flush();
	}
	t->failed = t->failed || json_array_append(t->rows, row) < 0;
	return !t->failed;
}

/* A row that says something failed makes the whole command fail. */
static enum status status_of_rows(json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		if (json_integer_value(json_object_get(row, "failed")) > 0)
			return STATUS_REFUSED;
	}
	return STATUS_OK;
}

static enum status print_result(const struct taking *t, json_t *result)
{
	const struct ctl_column *columns = t->command->columns;
	struct output_to to = output_stdout();

	switch (t->command->shape) {
	case CTL_ROWS:
		t->format->rows(&to, columns, t->rows);
		return status_of_rows(t->rows);
	case CTL_RECORD:
		t->format->record(&to, columns, result);
		return STATUS_OK;
	case CTL_TEXT:
		t->format->text(&to, columns, result);
		return STATUS_OK;
	case CTL_CONTENT:
		t->format->content(&to, result);
		return json_is_true(json_object_get(result, "isError")) ? STATUS_REFUSED
									: STATUS_OK;
	case CTL_FOLLOW:
		return STATUS_OK;
	}
	return STATUS_INTERNAL;
}

/* The only time that it is seen; alone on a line, so that a script can take it. */
static void add_token(json_t *result, const char *token)
{
	if (isatty(STDOUT_FILENO))
		fputs("The token, which nothing shows again:\n", stderr);
	json_object_set_new(result, "text", json_string(token));
	json_object_set_new(result, "token", json_string(token));
}

static enum status take_answer(struct mcpctl *m, const struct taking *t, json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	enum status status;
	struct err e;

	if (error)
		return complain(status_of_refusal(error), "%s",
				json_string_value(json_object_get(error, "message")));
	if (t->token)
		add_token(json_object_get(answer, "result"), t->token);
	status = print_result(t, json_object_get(answer, "result"));
	if (t->command->flags & CTL_LAST && remote_wait_end(m->remote, &e) < 0)
		return complain(status_of_code(e.code), "%s", e.text);
	return status;
}

static enum status connect_daemon(struct mcpctl *m)
{
	bool again;
	struct err e;

	if (remote_connect(m->remote, &again, &e) < 0)
		return complain(status_of_code(e.code), "%s", e.text);
	if (again && m->shell)
		fprintf(stderr, "(the connection was lost; connected again to mcpd %s)\n",
			remote_version(m->remote));
	return STATUS_OK;
}

static enum status run_remote(struct mcpctl *m, const struct walk *w,
			      const struct output_format *format, const char *token)
{
	struct taking t = {
		.command = w->command, .format = format, .rows = json_array(), .token = token};
	enum status status = t.rows ? connect_daemon(m) : STATUS_INTERNAL;
	json_t *answer = NULL;
	struct err e;

	if (status == STATUS_OK &&
	    remote_call(m->remote, w->command, w->params, take_row, &t, &answer, &e) < 0)
		status = complain(status_of_code(e.code), "%s", e.text);
	else if (status == STATUS_OK && t.failed)
		status = complain(STATUS_INTERNAL, "out of memory");
	else if (status == STATUS_OK)
		status = take_answer(m, &t, answer);
	json_decref(answer);
	json_decref(t.rows);
	return status;
}

static enum status run_walk(struct mcpctl *m, const struct walk *w)
{
	const struct output_format *format = w->format ? w->format : m->format;
	enum status status = STATUS_OK;
	char *token = NULL;

	if (w->help)
		return help_about(w, format);
	if (w->from_stdin)
		status = read_stdin(m, w);
	else if (w->secret && w->secret->type == CTL_DIGEST)
		status = take_token(m, w, &token);
	else if (w->secret)
		status = ask_secret(m, w);
	if (status == STATUS_OK)
		status = w->command->flags & CTL_LOCAL ? local_run(m, w, format)
						       : run_remote(m, w, format, token);
	secret_free(&token);
	return status;
}

enum status run_words(struct mcpctl *m, char *const *words, size_t n)
{
	struct walk w;
	struct err e;
	enum status status;
	int rc = walk_init(&w, &e);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = walk_word(&w, words[i], &e);
	if (rc == 0)
		rc = walk_end(&w, &e);
	if (rc < 0)
		status = complain(status_of_code(rc), "%s", e.text);
	else
		status = check_stdout(run_walk(m, &w));
	walk_fini(&w);
	return status;
}
