/* SPDX-License-Identifier: ISC */
#include "cli/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "cli/complain.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "cli/history.h"
#include "cli/run.h"
#include "cli/words.h"

#define HISTORY_LINES 1000

/* readline has one terminal and gives its callbacks no argument. */
static struct shell {
	struct mcpctl *m;
	const char *history; /* NULL: none is kept */
	char *line;	     /* what was entered; NULL at the end of input */
	bool entered;
	int wake[2]; /* Ctrl-C writes a byte */
	volatile sig_atomic_t running, interrupted, resized, stopped, ended;
} sh;

/* What may come next is in the names of candidates. */
static struct {
	char **v;
	size_t n, next;
} candidates;

static void on_signal(int sig)
{
	int saved = errno;

	if (sig == SIGWINCH)
		sh.resized = 1;
	else if (sig == SIGTSTP)
		sh.stopped = 1;
	else if (sig != SIGINT)
		sh.ended = sig;
	else
		sh.interrupted = 1;
	/* What comes next begins on a line of its own, after the ^C of the terminal. */
	if (sig == SIGINT && sh.running && write(STDERR_FILENO, "\n", 1) < 0)
		errno = saved;
	/* Whoever polls must wake up even if the signal came just before; but a command goes on
	 * when only the window changes. */
	if ((sig != SIGWINCH || !sh.running) && write(sh.wake[1], "", 1) < 0)
		errno = saved;
	errno = saved;
}

static void catch_signal(int sig)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGWINCH, SIGTSTP, SIGTERM, SIGHUP, SIGQUIT};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		catch_signal(signals[i]);
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
}

/* Empties the pipe. A Ctrl-C until now is not about what comes next. */
static void drain_wake(void)
{
	char buf[64];

	sh.interrupted = 0;
	while (read(sh.wake[0], buf, sizeof buf) > 0)
		continue;
}

/* The words up to where the cursor is, the last one being the one it is in. */
static int words_before(int end, struct words *w)
{
	char *line = strndup(rl_line_buffer, (size_t)end);
	int rc = line ? words_split_open(line, w) : ERR_NOMEM;

	free(line);
	return rc;
}

static void add_candidate(const char *text, void *arg)
{
	char **v = realloc(candidates.v, (candidates.n + 1) * sizeof *v);

	(void)arg;
	if (!v)
		return;
	candidates.v = v;
	v[candidates.n] = strdup(text);
	candidates.n += v[candidates.n] != NULL;
}

/* readline takes the candidates one by one, and frees them. */
static char *next_candidate(const char *text, int state)
{
	(void)text;
	if (state == 0)
		candidates.next = 0;
	return candidates.next < candidates.n ? candidates.v[candidates.next++] : NULL;
}

static char **complete(const char *text, int start, int end)
{
	struct words w = {NULL, 0};
	bool files = false;
	char **matches;

	(void)start;
	candidates.n = 0;
	if (words_before(end, &w) == 0)
		complete_words(sh.m, w.v, w.n, add_candidate, NULL, &files);
	words_free(&w);
	rl_attempted_completion_over = !files;
	matches = candidates.n > 0 ? rl_completion_matches(text, next_candidate) : NULL;
	free(candidates.v);
	candidates.v = NULL;
	return matches;
}

/* Whether the cursor is where a question mark is just a character. */
static bool is_literal(const struct walk *w, const char *last)
{
	const struct ctl_param *p = w->wants ? w->wants : walk_next_param(w);

	return *last && p && (p->type == CTL_STRING || p->type == CTL_JSON || p->type == CTL_FILE);
}

static void show_help(const struct walk *w, const char *prefix)
{
	fputc('\n', rl_outstream);
	help_next(rl_outstream, w, prefix);
	rl_on_new_line();
	rl_forced_update_display();
}

/* "?" tells what may stand here. */
static int on_question_mark(int count, int key)
{
	struct words words = {NULL, 0};
	struct walk w = {.params = NULL};
	struct err e;
	int rc = words_before(rl_point, &words);

	if (rc == 0)
		rc = walk_init(&w, &e);
	for (size_t i = 0; rc == 0 && i + 1 < words.n; i++)
		rc = walk_word(&w, words.v[i], &e);
	if (rc < 0 || is_literal(&w, words.v[words.n - 1]))
		rl_insert(count, key);
	else
		show_help(&w, words.v[words.n - 1]);
	walk_fini(&w);
	words_free(&words);
	return 0;
}

/* readline has a whole line, or the end of input. */
static void on_line(char *line)
{
	rl_callback_handler_remove(); /* the terminal belongs to the command now */
	sh.line = line;
	sh.entered = true;
}

/* Ctrl-C: the line is given up, the shell is not. */
static void give_up_line(void)
{
	rl_callback_sigcleanup();
	rl_point = rl_end;
	rl_redisplay();
	fputs("^C\n", rl_outstream);
	rl_replace_line("", 0);
	rl_on_new_line();
	rl_redisplay();
}

/* Ctrl-Z at the prompt: whoever gets the terminal gets it as it was. */
static void stop_here(void)
{
	rl_deprep_terminal();
	signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	catch_signal(SIGTSTP);
	rl_prep_terminal(1);
	rl_forced_update_display();
}

static void after_signal(void)
{
	bool interrupted = sh.interrupted && !sh.ended;

	drain_wake();
	if (sh.resized)
		rl_resize_terminal();
	if (sh.stopped)
		stop_here();
	if (interrupted)
		give_up_line();
	sh.resized = sh.stopped = 0;
	if (sh.ended)
		on_line(NULL);
}

/* Reads one line into sh.line. */
static void read_line(void)
{
	struct pollfd fds[2] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = sh.wake[0], .events = POLLIN},
	};

	sh.entered = false;
	sh.line = NULL;
	drain_wake();
	if (sh.ended)
		return;
	if (sh.resized)
		rl_reset_screen_size();
	sh.resized = 0;
	rl_callback_handler_install("mcpctl> ", on_line);
	while (!sh.entered) {
		if (poll(fds, 2, -1) < 0)
			continue; /* a signal, of which the pipe tells */
		if (fds[1].revents)
			after_signal();
		else if (fds[0].revents)
			rl_callback_read_char();
	}
}

/* Puts what was entered into the history: not twice, not what begins with a blank. Only commands
 * that are known not to hold secrets go into the file. */
static void remember(const char *line, const struct words *words)
{
	const HIST_ENTRY *last =
		history_length > 0 ? history_get(history_base + history_length - 1) : NULL;

	if (*line == ' ' || (last && strcmp(last->line, line) == 0))
		return;
	add_history(line);
	if (sh.history && !history_is_secret(words->v, words->n) &&
	    append_history(1, sh.history) != 0)
		sh.history = NULL;
}

static bool is_end(const struct words *w)
{
	return w->n == 1 && (strcmp(w->v[0], "quit") == 0 || strcmp(w->v[0], "exit") == 0);
}

/* Runs what was entered. Returns false at the end. */
static bool run_line(const char *line, enum status *status_r)
{
	struct words w;
	struct err e;
	bool go_on = true;

	if (words_split(line, &w, &e) < 0) {
		*status_r = complain(STATUS_USAGE, "%s", e.text);
	} else if (is_end(&w)) {
		go_on = false;
	} else if (w.n > 0) {
		remember(line, &w);
		drain_wake();
		signal(SIGTSTP, SIG_DFL);
		sh.running = 1;
		*status_r = run_words(sh.m, w.v, w.n);
		sh.running = 0;
		catch_signal(SIGTSTP);
	}
	words_free(&w);
	return go_on;
}

static void greet(void)
{
	struct err e;

	if (remote_connect(sh.m->remote, NULL, &e) < 0) {
		complain(STATUS_OK, "%s; every command tries again", e.text);
		return;
	}
	printf("mcpd %s on %s, level %s. \"?\" tells what may come next, Ctrl-D leaves.\n",
	       remote_version(sh.m->remote), remote_path(sh.m->remote),
	       ctlspec_level_name(remote_level(sh.m->remote)));
}

static void open_history(char *path, size_t size)
{
	using_history();
	if (history_open(path, size) < 0)
		return;
	sh.history = path;
	read_history(path);
}

static void set_up_readline(void)
{
	rl_readline_name = "mcpctl";
	/* readline has to know its terminal before a change of the window's size (SIGWINCH) can
	 * reach it. */
	rl_initialize();
	rl_attempted_completion_function = complete;
	rl_basic_word_break_characters = " \t\n";
	rl_completer_quote_characters = "\"'";
	rl_bind_key('?', on_question_mark);
}

enum status shell_run(struct mcpctl *m)
{
	enum status status = STATUS_OK;
	char history[4096];
	bool go_on = true;

	sh = (struct shell){.m = m};
	if (pipe2(sh.wake, O_CLOEXEC | O_NONBLOCK) < 0)
		return complain(STATUS_INTERNAL, "pipe: %s", strerror(errno));
	m->shell = true;
	remote_set_wake_fd(m->remote, sh.wake[0]);
	catch_signals();
	set_up_readline();
	open_history(history, sizeof history);
	greet();
	while (go_on) {
		read_line();
		go_on = sh.line && run_line(sh.line, &status);
		if (!sh.line && !sh.ended)
			putchar('\n');
		free(sh.line);
	}
	if (sh.history)
		history_truncate_file(sh.history, HISTORY_LINES);
	return status;
}
