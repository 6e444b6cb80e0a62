/* SPDX-License-Identifier: ISC */
/* cleanup.h: steps as data. Runs every step in order, whatever failed, and tells what each did. */
#ifndef MCPD_CLEANUP_H
#define MCPD_CLEANUP_H

#include <stddef.h>

#include "lib/err.h"

#define CLEANUP_MAX 12

/* 0, or a negative error code with E filled. */
typedef int (*cleanup_fn)(void *ctx, struct err *e);

struct cleanup_step {
	const char *name;
	cleanup_fn fn;
};

struct cleanup_result {
	const char *name;
	int rc;
	struct err err;
};

struct cleanup_report {
	size_t n, failed;
	struct cleanup_result res[CLEANUP_MAX];
};

/* Returns how many failed. REPORT may be NULL. */
size_t cleanup_run(const struct cleanup_step *steps, size_t n, void *ctx,
		   struct cleanup_report *report);

#endif
