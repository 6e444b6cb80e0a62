/* SPDX-License-Identifier: ISC */
/* store_impl.h: for the store_*.c files alone: tables in memory, their database, their key. */
#ifndef MCPD_STORE_IMPL_H
#define MCPD_STORE_IMPL_H

#include "base/seal.h"
#include "store/store.h"

struct store_sql;

/* Both may come again (ERR_IO: locked, full, not readable now) or not (ERR_PARSE: corrupt, of
 * another program or of a newer version; ERR_DENIED: wrong key; ERR_NOMEM). */

/* Opens or makes the database in DIR and brings its schema up to date. */
int store_sql_open(const char *dir, struct store_sql **sql_r, struct err *e);
void store_sql_close(struct store_sql **sql);
/* A value in its table, under a number of our choice. */
struct store_row {
	enum store_table table;
	int64_t number;
	const char *key, *value; /* VALUE NULL: deleted */
};
/* Calls FN for each row of each table; it lacks memory when it returns ERR_NOMEM. */
typedef int (*store_sql_fn)(const struct store_row *row, void *arg);
int store_sql_load(struct store_sql *sql, store_sql_fn fn, void *arg, struct err *e);
/* One transaction: begin, any number of writes, end. DURABLE: with fsync. After any failure the
 * transaction is undone. */
int store_sql_begin(struct store_sql *sql, bool durable, struct err *e);
int store_sql_write(struct store_sql *sql, const struct store_row *row, struct err *e);
int store_sql_commit(struct store_sql *sql, struct err *e);
/* Reads and sets the value that shows whether a key is the right one: malloc'd, NULL where there is
 * none yet. */
int store_sql_check(struct store_sql *sql, char **value_r, struct err *e);
int store_sql_set_check(struct store_sql *sql, const char *value, struct err *e);

/* The key in FILE: NULL with E filled where it cannot be read. MAY_MAKE: a file that is not there
 * is made, mode 0600, with a fresh key. */
struct seal *store_key(const char *file, bool may_make, struct err *e);
/* How soon a store in trouble tries again; for tests. */
void store_set_retry(struct store *s, int64_t ms);

#endif
