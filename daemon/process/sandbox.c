/* SPDX-License-Identifier: ISC */
/* sandbox.c: chooses the folders to hide, and hands the layers to a child between fork and exec. */
#include "autoconf.h"

#include "process/sandbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "process/sandbox_impl.h"

int sandbox_make(struct sandbox *s, const struct sandbox_rules *rules, const char *program,
		 struct sandbox_pass *pass_r, struct err *e)
{
	int abi = sandbox_abi(NULL), rc = 0;

	*pass_r = SANDBOX_NO_PASS;
	if (s && abi >= SANDBOX_ABI_HIDE) {
		rc = sandbox_first_layer(s, e);
		pass_r->layers[0] = s->layer;
	}
	if (rc == 0 && rules && abi > 0) {
		rc = sandbox_second_layer(rules, program, &pass_r->layers[1], e);
		pass_r->own_last = rc == 0;
	}
	pass_r->no_new_privs =
		(pass_r->layers[0] >= 0 || pass_r->layers[1] >= 0) && !sandbox_may_admin();
	return rc;
}

void sandbox_pass_close(struct sandbox_pass *pass)
{
	if (pass->own_last)
		close(pass->layers[1]);
	*pass = SANDBOX_NO_PASS;
}

/* The start. */

/* A folder that is not hidden, and what is in it. */
struct note {
	char *folder;
	char whats[200], reason[200];
};

static bool same_folder(const struct hidden *a, const struct hidden *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* Takes H in, unless the same folder is there. */
static void hide(struct sandbox *s, struct hidden *h_take)
{
	for (size_t i = 0; i < s->n_hidden; i++) {
		if (same_folder(&s->hidden[i], h_take)) {
			close(h_take->fd);
			free(h_take->path);
			return;
		}
	}
	s->paths[s->n_hidden] = h_take->path;
	s->hidden[s->n_hidden++] = *h_take;
}

/* Puts WHAT into the note for FOLDER, which is the first one without a folder if there is none yet.
 */
static void note(struct note *notes, char *folder_take, const char *what, const char *reason)
{
	struct note *n = notes;

	while (n->folder && strcmp(n->folder, folder_take) != 0)
		n++;
	if (n->folder) {
		size_t len = strlen(n->whats);

		snprintf(n->whats + len, sizeof n->whats - len, ", %s", what);
		free(folder_take);
		return;
	}
	n->folder = folder_take;
	snprintf(n->whats, sizeof n->whats, "%s", what);
	snprintf(n->reason, sizeof n->reason, "%s", reason);
}

static void choose(struct sandbox *s, const struct sandbox_setting *setting, struct note *notes)
{
	for (size_t i = 0; i < setting->n_places; i++) {
		const struct sandbox_place *place = &setting->places[i];
		struct hidden h;
		char buf[200];
		const char *why = sandbox_judge(setting, place, &h, buf, sizeof buf);
		char *folder = why && why[0] != '\0' ? sandbox_folder(place) : NULL;

		if (!why)
			hide(s, &h);
		else if (folder)
			note(notes, folder, place->what, why);
	}
}

/* One line for all that is not hidden. */
static void tell(const struct sandbox *s, struct note *notes)
{
	char text[1000] = "";

	for (size_t i = 0; i < s->n_hidden; i++)
		log_info(NULL, "Hidden from servers: %s", s->hidden[i].path);
	for (struct note *n = notes; n->folder != NULL; n++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof text - len, "%s%s in %s (%s)", len > 0 ? ", " : "",
			 n->whats, n->folder, n->reason);
		free(n->folder);
	}
	if (text[0] != '\0')
		log_notice(
			NULL,
			"Not hidden from servers: %s; remedy: move them to folders of mcpd's own "
			"outside of homes, working folders and /tmp (mcpd(8), Children)",
			text);
}

/* Whether the paths that were found hold: the first layer is made once, so that what is wrong with
 * it shows at the start. */
static void try_out(struct sandbox *s)
{
	struct err why;

	if (sandbox_first_layer(s, &why) == 0)
		return;
	log_warn(NULL, "Nothing is hidden from servers: %s", why.text);
	sandbox_forget_ancestors(s);
	while (s->n_hidden > 0) {
		struct hidden *h = &s->hidden[--s->n_hidden];

		close(h->fd);
		free(h->path);
		s->paths[s->n_hidden] = NULL;
	}
}

struct sandbox *sandbox_new(const struct sandbox_setting *setting, struct err *e)
{
	struct sandbox *s = calloc(1, sizeof *s);
	struct note *notes = calloc(setting->n_places + 1, sizeof *notes);
	const char *why;

	if (!s || !notes || !(s->hidden = calloc(setting->n_places + 1, sizeof *s->hidden)) ||
	    !(s->paths = calloc(setting->n_places + 1, sizeof *s->paths))) {
		err_set(e, ERR_NOMEM, "out of memory");
		free(notes);
		sandbox_free(&s);
		return NULL;
	}
	s->layer = s->mounts = -1;
	if (sandbox_abi(&why) >= SANDBOX_ABI_HIDE) {
		s->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
		choose(s, setting, notes);
		tell(s, notes);
		try_out(s);
	} else {
		log_notice(NULL,
			   "Nothing is hidden from servers: there is no Landlock of Linux 5.19 or "
			   "later: %s (mcpd(8), Children)",
			   sandbox_abi(NULL) > 0 ? "the kernel is older" : why);
	}
	free(notes);
	return s;
}

void sandbox_free(struct sandbox **sp)
{
	struct sandbox *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	sandbox_forget_ancestors(s);
	for (size_t i = 0; i < s->n_hidden; i++) {
		close(s->hidden[i].fd);
		free(s->hidden[i].path);
	}
	if (s->layer >= 0)
		close(s->layer);
	if (s->mounts >= 0)
		close(s->mounts);
	free(s->hidden);
	free(s->paths);
	free(s);
}

const char *const *sandbox_hidden(const struct sandbox *s)
{
	return s->paths;
}

unsigned sandbox_builds(const struct sandbox *s)
{
	return s->builds;
}
