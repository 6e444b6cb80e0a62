/* SPDX-License-Identifier: ISC */
/* store_sql.c: the tables of the store in an SQLite database. The only file that knows SQL. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_impl.h"

#define FILE_NAME      "mcpd.db"
#define APPLICATION_ID 0x6d637064 /* "mcpd": PRAGMA application_id */

#define META                                                                                       \
	"CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
#define TABLE(name)                                                                                \
	"CREATE TABLE " name " (row INTEGER PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL);"
/* The i-th makes version i + 1 out of version i. Only ever add to this. That keys are unique is
 * seen to in memory: without an index what is new goes to the end of a table, and a transaction
 * writes one page. */
static const char *const migrations[] = {
	META TABLE("sessions") TABLE("tokens") TABLE("secrets"),
	TABLE("children"),
	TABLE("session_parts"),
};
#define SCHEMA ((int)(sizeof migrations / sizeof *migrations))

#define STATEMENTS(table)                                                                          \
	{                                                                                          \
		"SELECT row, key, value FROM " table,                                              \
			"INSERT OR REPLACE INTO " table " VALUES (?1, ?2, ?3)",                    \
			"DELETE FROM " table " WHERE row = ?1"                                     \
	}
static const struct {
	const char *select, *put, *del;
} statements[STORE_TABLES] = {
	[STORE_SESSIONS] = STATEMENTS("sessions"),   [STORE_TOKENS] = STATEMENTS("tokens"),
	[STORE_SECRETS] = STATEMENTS("secrets"),     [STORE_CHILDREN] = STATEMENTS("children"),
	[STORE_PARTS] = STATEMENTS("session_parts"),
};

struct store_sql {
	sqlite3 *db;
	sqlite3_stmt *put[STORE_TABLES], *del[STORE_TABLES], *begin, *commit;
	bool durable; /* each commit is synced */
	bool corrupt; /* leave it as it is */
	char file[];
};

/* Whether it is worth coming again. */
static int code_of(int status)
{
	switch (status & 0xff) {
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_MISMATCH:
	case SQLITE_ERROR: /* such as a table that is not there */
		return ERR_PARSE;
	}
	return ERR_IO;
}

static int fail(struct store_sql *sql, int status, struct err *e)
{
	sql->corrupt = sql->corrupt || code_of(status) == ERR_PARSE;
	return err_set(e, code_of(status), "%s: %s%s", sql->file,
		       sql->db ? sqlite3_errmsg(sql->db) : sqlite3_errstr(status),
		       (status & 0xff) == SQLITE_BUSY ? ": another mcpd uses this folder" : "");
}

static int run(struct store_sql *sql, const char *text, struct err *e)
{
	int status = sqlite3_exec(sql->db, text, NULL, NULL, NULL);

	return status == SQLITE_OK ? 0 : fail(sql, status, e);
}

/* The one value that TEXT asks for, as a number. */
static int ask(struct store_sql *sql, const char *text, int *n_r, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int status = sqlite3_prepare_v2(sql->db, text, -1, &st, NULL);

	if (status == SQLITE_OK)
		status = sqlite3_step(st);
	if (status == SQLITE_ROW)
		*n_r = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return status == SQLITE_ROW ? 0 : fail(sql, status, e);
}

static int on_quick_check(void *arg, int n, char **values, char **names)
{
	(void)names;
	if (n > 0 && values[0] && strcmp(values[0], "ok") != 0)
		snprintf(arg, 200, "%s", values[0]);
	return 0;
}

static int check_whole(struct store_sql *sql, struct err *e)
{
	char why[200] = "";
	int status = sqlite3_exec(sql->db, "PRAGMA quick_check(1)", on_quick_check, why, NULL);

	if (status != SQLITE_OK)
		return fail(sql, status, e);
	sql->corrupt = why[0] != '\0';
	return why[0] ? err_set(e, ERR_PARSE, "%s is corrupt: %s", sql->file, why) : 0;
}

/* A database of another program, or of a newer mcpd, is not changed. */
static int check_ours(struct store_sql *sql, int *version_r, struct err *e)
{
	int id = 0, objects = 0;
	int rc = ask(sql, "PRAGMA application_id", &id, e);

	if (rc == 0)
		rc = ask(sql, "PRAGMA user_version", version_r, e);
	if (rc == 0)
		rc = ask(sql, "SELECT count(*) FROM sqlite_master", &objects, e);
	if (rc)
		return rc;
	if (id != APPLICATION_ID && (id || objects))
		return err_set(e, ERR_PARSE, "%s is no database of mcpd", sql->file);
	if (*version_r > SCHEMA)
		return err_set(e, ERR_PARSE, "%s is of a newer mcpd (schema %d, here %d)",
			       sql->file, *version_r, SCHEMA);
	return 0;
}

static int migrate(struct store_sql *sql, int version, struct err *e)
{
	char mark[120];
	int rc = version < SCHEMA ? run(sql, "BEGIN IMMEDIATE", e) : 0;

	if (version == SCHEMA || rc)
		return rc;
	for (; rc == 0 && version < SCHEMA; version++)
		rc = run(sql, migrations[version], e);
	snprintf(mark, sizeof mark, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
		 APPLICATION_ID, SCHEMA);
	if (rc == 0)
		rc = run(sql, mark, e);
	if (rc)
		run(sql, "ROLLBACK", NULL);
	return rc;
}

static int prepare_one(struct store_sql *sql, const char *text, sqlite3_stmt **st_r, struct err *e)
{
	int status = sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, st_r, NULL);

	return status == SQLITE_OK ? 0 : fail(sql, status, e);
}

static int prepare(struct store_sql *sql, struct err *e)
{
	int rc = prepare_one(sql, "BEGIN IMMEDIATE", &sql->begin, e);

	if (rc == 0)
		rc = prepare_one(sql, "COMMIT", &sql->commit, e);
	for (int i = 0; rc == 0 && i < STORE_TABLES; i++) {
		rc = prepare_one(sql, statements[i].put, &sql->put[i], e);
		if (rc == 0)
			rc = prepare_one(sql, statements[i].del, &sql->del[i], e);
	}
	return rc;
}

/* One process at a time: a second mcpd on the same folder is told "locked". Without a shared index
 * of the log there is nothing mapped that a full disk could turn into a SIGBUS. */
static int set_up(struct store_sql *sql, struct err *e)
{
	static const char modes[] = "PRAGMA journal_mode=WAL;"
				    "PRAGMA synchronous=NORMAL; PRAGMA trusted_schema=OFF;"
				    "PRAGMA wal_autocheckpoint=4000;"
				    "PRAGMA journal_size_limit=33554432;"
				    "BEGIN EXCLUSIVE; COMMIT";
	int version = 0;
	int rc = run(sql, "PRAGMA locking_mode=EXCLUSIVE", e); /* before anything is read */

	if (rc == 0)
		rc = check_ours(sql, &version, e);
	if (rc == 0)
		rc = run(sql, modes, e);
	if (rc == 0)
		rc = check_whole(sql, e);
	if (rc == 0)
		rc = migrate(sql, version, e);
	return rc ? rc : prepare(sql, e);
}

/* Made by us, so that its mode is ours; SQLite gives its log the same. */
static int make_file(const char *dir, const char *file, struct err *e)
{
	int fd;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_errno(e, "%s", dir);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "%s", file);
	close(fd);
	return 0;
}

int store_sql_open(const char *dir, struct store_sql **sql_r, struct err *e)
{
	size_t size = strlen(dir) + sizeof "/" FILE_NAME;
	struct store_sql *sql = calloc(1, sizeof *sql + size);
	int rc, status;

	if (!sql)
		return err_set(e, ERR_NOMEM, "out of memory");
	snprintf(sql->file, size, "%s/" FILE_NAME, dir);
	rc = make_file(dir, sql->file, e);
	if (rc == 0) {
		status = sqlite3_open_v2(sql->file, &sql->db,
					 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
		rc = status == SQLITE_OK ? set_up(sql, e) : fail(sql, status, e);
	}
	if (rc)
		store_sql_close(&sql);
	*sql_r = sql;
	return rc;
}

void store_sql_close(struct store_sql **sqlp)
{
	struct store_sql *sql = *sqlp;

	*sqlp = NULL;
	if (!sql)
		return;
	for (int i = 0; i < STORE_TABLES; i++) {
		sqlite3_finalize(sql->put[i]);
		sqlite3_finalize(sql->del[i]);
	}
	sqlite3_finalize(sql->begin);
	sqlite3_finalize(sql->commit);
	/* The last one to leave copies the log into the database; not into one that it cannot read.
	 */
	if (sql->db && sql->corrupt)
		sqlite3_db_config(sql->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(sql->db);
	free(sql);
}

int store_sql_load(struct store_sql *sql, store_sql_fn fn, void *arg, struct err *e)
{
	for (int i = 0; i < STORE_TABLES; i++) {
		sqlite3_stmt *st = NULL;
		int status = sqlite3_prepare_v2(sql->db, statements[i].select, -1, &st, NULL);
		int rc = 0;

		while (status == SQLITE_OK && (status = sqlite3_step(st)) == SQLITE_ROW) {
			struct store_row row = {
				.table = (enum store_table)i,
				.number = sqlite3_column_int64(st, 0),
				.key = (const char *)sqlite3_column_text(st, 1),
				.value = (const char *)sqlite3_column_text(st, 2),
			};

			rc = row.key && row.value ? fn(&row, arg) : ERR_NOMEM;
			status = rc ? SQLITE_DONE : SQLITE_OK;
		}
		sqlite3_finalize(st);
		if (rc)
			return err_set(e, rc, "%s could not be read: out of memory", sql->file);
		if (status != SQLITE_DONE)
			return fail(sql, status, e);
	}
	return 0;
}

/* Runs what needs no more than to be run. */
static int step(struct store_sql *sql, sqlite3_stmt *st, struct err *e)
{
	int rc = sqlite3_step(st) == SQLITE_DONE ? 0 : fail(sql, sqlite3_errcode(sql->db), e);

	sqlite3_reset(st);
	return rc;
}

int store_sql_begin(struct store_sql *sql, bool durable, struct err *e)
{
	int rc = 0;

	/* In a write-ahead log, NORMAL syncs at checkpoints only, FULL at each commit too. */
	if (durable != sql->durable)
		rc = run(sql, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", e);
	if (rc == 0)
		sql->durable = durable;
	return rc ? rc : step(sql, sql->begin, e);
}

static void roll_back(struct store_sql *sql)
{
	if (!sqlite3_get_autocommit(sql->db))
		run(sql, "ROLLBACK", NULL);
}

int store_sql_write(struct store_sql *sql, const struct store_row *row, struct err *e)
{
	sqlite3_stmt *st = row->value ? sql->put[row->table] : sql->del[row->table];
	int status = sqlite3_bind_int64(st, 1, row->number), rc;

	if (status == SQLITE_OK && row->value)
		status = sqlite3_bind_text(st, 2, row->key, -1, SQLITE_STATIC);
	if (status == SQLITE_OK && row->value)
		status = sqlite3_bind_text(st, 3, row->value, -1, SQLITE_STATIC);
	rc = status == SQLITE_OK ? step(sql, st, e) : fail(sql, status, e);
	sqlite3_clear_bindings(st);
	if (rc)
		roll_back(sql);
	return rc;
}

int store_sql_commit(struct store_sql *sql, struct err *e)
{
	int rc = step(sql, sql->commit, e);

	if (rc)
		roll_back(sql);
	return rc;
}

int store_sql_check(struct store_sql *sql, char **value_r, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int status = sqlite3_prepare_v2(sql->db, "SELECT value FROM meta WHERE name = 'check'", -1,
					&st, NULL);

	*value_r = NULL;
	if (status == SQLITE_OK)
		status = sqlite3_step(st);
	if (status == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(st, 0);

		*value_r = text ? strdup(text) : NULL;
		status = *value_r ? SQLITE_DONE : SQLITE_NOMEM;
	}
	sqlite3_finalize(st);
	return status == SQLITE_DONE ? 0 : fail(sql, status, e);
}

int store_sql_set_check(struct store_sql *sql, const char *value, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int status =
		sqlite3_prepare_v2(sql->db, "INSERT INTO meta VALUES ('check', ?1)", -1, &st, NULL);

	if (status == SQLITE_OK)
		status = sqlite3_bind_text(st, 1, value, -1, SQLITE_STATIC);
	if (status == SQLITE_OK)
		status = sqlite3_step(st);
	sqlite3_finalize(st);
	return status == SQLITE_DONE ? 0 : fail(sql, status, e);
}
