/* SPDX-License-Identifier: ISC */
/* config_store.c: the keys of "store". */
#include "autoconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config_impl.h"

#define CREDENTIAL "mcpd-store-key"

static const char *const kind_words[] = {
	[CONFIG_STORE_AUTO] = "auto",
	[CONFIG_STORE_MEMORY] = "memory",
	[CONFIG_STORE_SQLITE] = "sqlite",
	NULL,
};

static int check_absolute(struct reader *r, void *field)
{
	const char *path = *(char *const *)field;

	return !path || path[0] == '/' ? 0 : reader_fail(r, "expected an absolute path");
}

static const struct key keys[] = {
	KEY("kind", type_word, struct config_store, kind, .words = kind_words,
	    .def = CONFIG_STORE_AUTO),
	KEY("path", type_string, struct config_store, path, .check = check_absolute),
	KEY("keyFile", type_string, struct config_store, key, .check = check_absolute),
};
const struct key_table config_store_keys = KEY_TABLE(keys);

/* "DIR/NAME", malloc'd; NULL on lack of memory. */
static char *join(const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%s/%s", dir, name);
	return path;
}

/* The folder that the service manager made for the state of the service: the first one, where it
 * made several (systemd.exec(5), StateDirectory=). NULL without one. */
static char *state_directory(void)
{
	const char *dirs = getenv("STATE_DIRECTORY");

	if (!dirs || dirs[0] != '/')
		return NULL;
	return strndup(dirs, strcspn(dirs, ":"));
}

/* A credential of the service manager comes before a file next to what it protects. */
static char *default_key(const char *dir)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char *path;

	if (credentials && credentials[0] == '/') {
		path = join(credentials, CREDENTIAL);
		if (!path || access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return join(dir, "key");
}

int config_check_store(struct reader *r, void *field)
{
	struct config_store *store = field;

	/* Nobody who starts mcpd by hand, as root on a host that has the service too, should find
	 * himself in the service's database: without a word of his, only a service manager's folder
	 * counts. */
	if (!store->path && store->kind != CONFIG_STORE_MEMORY)
		store->path = state_directory();
	if (store->kind == CONFIG_STORE_AUTO)
		store->kind = store->path ? CONFIG_STORE_SQLITE : CONFIG_STORE_MEMORY;
	if (store->kind == CONFIG_STORE_MEMORY)
		return 0;
	if (!store->path)
		store->path = strdup(LOCALSTATEDIR "/lib/mcpd");
	if (store->path && !store->key)
		store->key = default_key(store->path);
	return store->path && store->key ? 0 : reader_nomem(r);
}
