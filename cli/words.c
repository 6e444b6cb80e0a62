/* SPDX-License-Identifier: ISC */
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>

struct splitter {
	const char *at;
	char *out; /* of the word that is being read */
	bool open; /* it is not closed */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Up to the closing QUOTE. A backslash protects the next character in double quotes. */
static void take_quoted(struct splitter *s, char quote)
{
	while (*s->at && *s->at != quote) {
		if (quote == '"' && *s->at == '\\' && s->at[1])
			s->at++;
		*s->out++ = *s->at++;
	}
	s->open = *s->at == '\0';
	s->at += !s->open;
}

/* A JSON string inside a value, with its quotes. */
static void copy_json_string(struct splitter *s)
{
	*s->out++ = *s->at++;
	while (*s->at && *s->at != '"') {
		if (*s->at == '\\' && s->at[1])
			*s->out++ = *s->at++;
		*s->out++ = *s->at++;
	}
	if (*s->at)
		*s->out++ = *s->at++;
}

/* A JSON object or array as it stands. */
static void take_json(struct splitter *s)
{
	size_t depth = 0;

	do {
		if (*s->at == '"') {
			copy_json_string(s);
			continue;
		}
		depth += *s->at == '{' || *s->at == '[';
		depth -= *s->at == '}' || *s->at == ']';
		*s->out++ = *s->at++;
	} while (*s->at && depth > 0);
	s->open = depth > 0;
}

static void take_word(struct splitter *s)
{
	if (*s->at == '{' || *s->at == '[')
		take_json(s);
	while (*s->at && !is_blank(*s->at)) {
		char c = *s->at++;

		if (c == '\'' || c == '"')
			take_quoted(s, c);
		else if (c == '\\' && *s->at)
			*s->out++ = *s->at++;
		else
			*s->out++ = c;
	}
	*s->out = '\0';
}

static int append(struct words *w, const char *text)
{
	char **v = realloc(w->v, (w->n + 2) * sizeof *v);

	if (!v)
		return ERR_NOMEM;
	w->v = v;
	v[w->n] = strdup(text);
	if (!v[w->n])
		return ERR_NOMEM;
	v[++w->n] = NULL;
	return 0;
}

static int split(const char *line, struct words *w, struct splitter *s)
{
	char *word = malloc(strlen(line) + 1);
	int rc = word ? 0 : ERR_NOMEM;

	*w = (struct words){NULL, 0};
	*s = (struct splitter){.at = line};
	while (rc == 0) {
		while (is_blank(*s->at))
			s->at++;
		if (*s->at == '\0' || *s->at == '#')
			break;
		s->out = word;
		take_word(s);
		rc = append(w, word);
	}
	free(word);
	if (rc < 0)
		words_free(w);
	return rc;
}

int words_split(const char *line, struct words *w, struct err *e)
{
	struct splitter s;
	int rc = split(line, w, &s);

	if (rc < 0)
		return err_set(e, rc, "out of memory");
	return s.open ? err_set(e, ERR_PARSE, "a quote or bracket is not closed") : 0;
}

int words_split_open(const char *line, struct words *w)
{
	struct splitter s;
	size_t len = strlen(line);
	int rc = split(line, w, &s);

	if (rc < 0)
		return rc;
	if (s.open || *s.at == '#')
		return ERR_PARSE;
	if (len > 0 && !is_blank(line[len - 1]))
		return 0;
	rc = append(w, "");
	if (rc < 0)
		words_free(w);
	return rc;
}

void words_free(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	*w = (struct words){NULL, 0};
}
