/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "leftovers.h"

#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/procinfo.h"
#include "lib/log.h"
#include "process/children_keeper.h"
#include "store/store.h"

#define MAX_TREE   4096 /* processes that one record leads to */
#define MAX_PASSES 8	/* of stopping what a tree has started meanwhile */
#define MAX_ABOVE  64	/* parents of this daemon that are looked at */

struct leftovers {
	struct store *store;
	struct children *children;
	struct store_waiter loaded;
	struct procid self;
	char boot[128]; /* of the machine, and the namespace that process ids belong to; "": not
			   known */
};

/* What one record says. */
struct record {
	const char *boot, *server, *session;
	struct procid daemon;
	struct proclist processes;
};

/* ---- what a record says ---- */

static json_t *write_id(const struct procid *id)
{
	return json_pack("[i, I]", (int)id->pid, (json_int_t)id->start);
}

static bool read_id(const json_t *v, struct procid *id_r)
{
	const json_t *pid = json_array_get(v, 0), *start = json_array_get(v, 1);

	/* kill(2) takes other numbers for several processes. */
	if (!json_is_integer(pid) || !json_is_integer(start) || json_integer_value(pid) < 1 ||
	    json_integer_value(pid) > INT_MAX || json_integer_value(start) < 0)
		return false;
	*id_r = (struct procid){.pid = (pid_t)json_integer_value(pid),
				.start = (unsigned long long)json_integer_value(start)};
	return true;
}

/* 0, ERR_PARSE or ERR_NOMEM; R->processes is to be freed in any case. */
static int read_record(const json_t *value, struct record *r)
{
	const json_t *list = json_object_get(value, "processes"), *item;
	struct procid id;
	size_t i;

	*r = (struct record){.boot = json_string_value(json_object_get(value, "boot")),
			     .server = json_string_value(json_object_get(value, "server")),
			     .session = json_string_value(json_object_get(value, "session"))};
	if (!r->boot || !r->server || !read_id(json_object_get(value, "daemon"), &r->daemon) ||
	    json_array_size(list) == 0 || json_array_size(list) > MAX_TREE)
		return ERR_PARSE;
	json_array_foreach (list, i, item) {
		if (!read_id(item, &id) || id.pid == 1)
			return ERR_PARSE;
		if (!proclist_add(&r->processes, &id) && !proclist_has(&r->processes, id.pid))
			return ERR_NOMEM;
	}
	return 0;
}

static json_t *write_record(const struct leftovers *l, const struct kept_child *kept)
{
	json_t *list = json_array(), *value;

	for (size_t i = 0; list && i < kept->tree->n; i++) {
		if (json_array_append_new(list, write_id(&kept->tree->v[i])) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	if (!list)
		return NULL;
	value = json_pack("{s:s, s:o, s:s, s:o}", "boot", l->boot, "daemon", write_id(&l->self),
			  "server", kept->name, "processes", list);
	if (value && kept->session &&
	    json_object_set_new(value, "session", json_string(kept->session)) < 0) {
		json_decref(value);
		return NULL;
	}
	return value;
}

/* ---- ending ---- */

/* Whether the number of ID is that of ID still, alive or not yet reaped. */
static bool has_number(const struct procid *id, struct procinfo *p_r)
{
	return procinfo_read(id->pid, p_r) == 0 && p_r->id.start == id->start;
}

static bool is_alive(const struct procid *id)
{
	struct procinfo p;

	return has_number(id, &p) && p.state != 'Z' && p.state != 'X';
}

/* Those that are never ended: this daemon, what is above and what is below it. A process that an
 * earlier daemon has left may have started this one. False for lack of memory. */
static bool find_spared(const struct leftovers *l, struct proclist *spared)
{
	struct procinfo p;
	pid_t pid = l->self.pid;

	for (int i = 0; i < MAX_ABOVE && pid > 0 && procinfo_read(pid, &p) == 0;
	     i++, pid = p.parent)
		if (!proclist_add(spared, &p.id) && !proclist_has(spared, p.id.pid))
			return false;
	procinfo_tree(l->self.pid, spared, spared->n + MAX_TREE);
	return spared->n > 0;
}

/* Adds the children of ID to TREE. */
static void add_children(struct proclist *tree, struct procid id, const struct proclist *spared)
{
	struct proclist below = {.n = 0};
	struct procinfo p;

	procinfo_children(id.pid, &below);
	/* If the number is that of ID now, the children that were read are its own. */
	for (size_t i = 0; has_number(&id, &p) && i < below.n && tree->n < MAX_TREE; i++)
		if (!proclist_has(spared, below.v[i].pid))
			proclist_add(tree, &below.v[i]);
	free(below.v);
}

/* Adds everything below the processes of TREE, and stops it all: what is stopped starts nothing.
 * The last pass has found nothing that a process has started before it was stopped. */
static void stop_tree(struct proclist *tree, const struct proclist *spared)
{
	size_t before = 0;

	for (int pass = 0; pass < MAX_PASSES && (pass < 2 || tree->n > before); pass++) {
		before = tree->n;
		for (size_t i = 0; i < tree->n; i++) {
			procinfo_signal(&tree->v[i], SIGSTOP);
			add_children(tree, tree->v[i], spared);
		}
	}
}

static void end_process(const struct procid *id, const struct record *r)
{
	const struct log_scope scope = {.backend = r->server, .session = r->session};

	if (!is_alive(id))
		return;
	if (procinfo_signal(id, SIGKILL))
		log_notice(&scope, "Ended process %d, left over from mcpd process %d", (int)id->pid,
			   (int)r->daemon.pid);
	else if (is_alive(id))
		log_error(&scope, "Process %d, left over from mcpd process %d, could not be ended",
			  (int)id->pid, (int)r->daemon.pid);
}

/* 0, or ERR_NOMEM: some may be left. */
static int end_processes(const struct record *r, const struct proclist *spared)
{
	struct proclist tree = {.n = 0};
	int rc = 0;

	for (size_t i = 0; i < r->processes.n; i++) {
		const struct procid *id = &r->processes.v[i];

		if (is_alive(id) && !proclist_has(spared, id->pid) && !proclist_add(&tree, id))
			rc = ERR_NOMEM;
	}
	stop_tree(&tree, spared);
	for (size_t i = 0; i < tree.n; i++)
		end_process(&tree.v[i], r);
	free(tree.v);
	return rc;
}

static bool is_same(const struct procid *a, const struct procid *b)
{
	return a->pid == b->pid && a->start == b->start;
}

/* One record, of an earlier life or of ours. */
static void take_up(const char *key, json_t *value, void *arg)
{
	struct leftovers *l = arg;
	struct proclist spared = {.n = 0};
	struct record r;
	int rc = read_record(value, &r);
	bool here = rc == 0 && strcmp(r.boot, l->boot) == 0;
	bool ours = here && is_same(&r.daemon, &l->self);

	if (rc == ERR_PARSE)
		log_warn(NULL,
			 "The store has a record of children that cannot be read; it is removed");
	/* Where the daemon of the record is alive (this store is a copy of its store), so may be
	 * its children. */
	if (here && !ours && !is_alive(&r.daemon))
		rc = find_spared(l, &spared) ? end_processes(&r, &spared) : ERR_NOMEM;
	/* Without memory the record stays for the next start. */
	if (!ours && rc != ERR_NOMEM)
		store_delete(l->store, STORE_CHILDREN, key);
	free(spared.v);
	free(r.processes.v);
}

static void on_loaded(void *arg)
{
	struct leftovers *l = arg;

	store_each(l->store, STORE_CHILDREN, take_up, l);
}

/* ---- keeping ---- */

/* The child's own name of this boot. */
static const char *key_of(const struct procid *child, char *buf, size_t size)
{
	snprintf(buf, size, "%d.%llu", (int)child->pid, child->start);
	return buf;
}

static int keep(const struct kept_child *kept, void *arg)
{
	struct leftovers *l = arg;
	const struct log_scope scope = {.backend = kept->name, .session = kept->session};
	const struct procid *child = &kept->tree->v[0];
	json_t *value = write_record(l, kept);
	char key[64];
	int rc = value ? store_put(l->store, STORE_CHILDREN, key_of(child, key, sizeof key), value)
		       : ERR_NOMEM;

	json_decref(value);
	if (rc == 0)
		log_debug(&scope, "child %d: its %zu processes are kept in the store",
			  (int)child->pid, kept->tree->n);
	return rc;
}

static void drop(const struct procid *child, void *arg)
{
	struct leftovers *l = arg;
	char key[64];

	store_delete(l->store, STORE_CHILDREN, key_of(child, key, sizeof key));
}

/* ---- life ---- */

/* Which boot and which PID namespace numbers of processes belong to. False where /proc does not
 * tell. */
static bool find_boot(struct leftovers *l)
{
	size_t len = 0;
	char *id = procinfo_slurp("/proc/sys/kernel/random/boot_id", 4096, &len);
	char ns[64];
	ssize_t n = readlink("/proc/self/ns/pid", ns, sizeof ns - 1);
	struct procinfo self;
	bool known = id && n > 0 && procinfo_read(getpid(), &self) == 0;

	if (known) {
		ns[n] = '\0';
		id[strcspn(id, "\n")] = '\0';
		snprintf(l->boot, sizeof l->boot, "%.40s %s", id, ns);
		l->self = self.id;
	}
	free(id);
	return known;
}

struct leftovers *leftovers_new(struct store *store, struct children *cs)
{
	static const struct children_keeper keeper = {.keep = keep, .drop = drop};
	struct leftovers *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->store = store;
	l->children = cs;
	l->loaded = (struct store_waiter){.fn = on_loaded, .arg = l};
	if (!store_persistent(store))
		return l;
	if (!find_boot(l)) {
		log_warn(NULL,
			 "/proc does not tell the boot id or the processes: "
			 "what children leave when mcpd is killed is not ended at the next start");
		return l;
	}
	on_loaded(l);
	store_when_loaded(store, &l->loaded);
	children_set_keeper(cs, &keeper, l);
	return l;
}

void leftovers_free(struct leftovers **lp)
{
	struct leftovers *l = *lp;

	*lp = NULL;
	if (!l)
		return;
	store_unwait(l->store, &l->loaded);
	children_set_keeper(l->children, NULL, NULL);
	free(l);
}
