/* SPDX-License-Identifier: ISC */
/* What is typed into mcpctl: any line becomes words, and words a command or a complaint. */
#include <locale.h>
#include <string.h>

#include "cli/history.h"
#include "cli/parse.h"
#include "cli/words.h"
#include "fuzz.h"

/* A command that was understood is one that the daemon would take. */
static void check_walk(const struct words *words)
{
	struct walk w;
	struct err e;
	int rc = walk_init(&w, &e);

	for (size_t i = 0; rc == 0 && i < words->n; i++)
		rc = walk_word(&w, words->v[i], &e);
	MUST(rc == 0 || rc == ERR_INVALID || rc == ERR_PARSE);
	MUST(rc == 0 || strlen(e.text) > 0);
	if (rc == 0)
		rc = walk_end(&w, &e);
	if (rc == 0 && !w.help) {
		MUST(w.command);
		MUST(ctlspec_check(w.command, w.params, &e) == 0);
	}
	/* What may hold secrets is known whatever follows. */
	if (w.command && w.command->flags & CTL_SENSITIVE)
		MUST(history_is_secret(words->v, words->n));
	walk_fini(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	struct words w;
	struct err e;
	int rc;

	setlocale(LC_CTYPE, "C.UTF-8");
	memcpy(line, data, size);
	line[size] = '\0';
	rc = words_split(line, &w, &e);
	MUST(rc == 0 || rc == ERR_PARSE);
	check_walk(&w);
	words_free(&w);
	rc = words_split_open(line, &w);
	MUST(rc == 0 || rc == ERR_PARSE);
	MUST(rc != 0 || w.n > 0);
	check_walk(&w);
	words_free(&w);
	free(line);
	return 0;
}
