/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"

static int run_step(const struct cleanup_step *step, void *ctx, struct err *e)
{
	int rc;

	e->code = 0;
	e->text[0] = '\0';
	rc = step->fn(ctx, e);
	if (rc != 0 && e->text[0] == '\0')
		err_set(e, rc, "%s", err_name(rc));
	return rc;
}

size_t cleanup_run(const struct cleanup_step *steps, size_t n, void *ctx,
		   struct cleanup_report *report)
{
	struct err scratch;
	size_t failed = 0;

	for (size_t i = 0; i < n; i++) {
		struct cleanup_result *res = report && i < CLEANUP_MAX ? &report->res[i] : NULL;
		int rc = run_step(&steps[i], ctx, res != NULL ? &res->err : &scratch);

		if (res) {
			res->name = steps[i].name;
			res->rc = rc;
		}
		if (rc != 0)
			failed++;
	}
	if (report) {
		report->n = n < CLEANUP_MAX ? n : CLEANUP_MAX;
		report->failed = failed;
	}
	return failed;
}
