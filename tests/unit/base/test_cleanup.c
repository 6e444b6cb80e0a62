/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <string.h>

#include "base/cleanup.h"

#define STEPS 6

struct context {
	unsigned failing; /* bit i: step i fails */
	char order[32];	  /* which steps ran */
	int depth;
};

static int run(struct context *ctx, int i, struct err *e)
{
	size_t n = strlen(ctx->order);

	assert_int_equal(e->code, 0); /* nothing is left over from the step before */
	assert_string_equal(e->text, "");
	assert_true(n < sizeof ctx->order - 1);
	ctx->order[n] = (char)('0' + i);
	return ctx->failing & 1u << i ? err_set(e, ERR_IO - i, "step %d broke", i) : 0;
}

#define STEP(i)                                                                                    \
	static int step##i(void *ctx, struct err *e)                                               \
	{                                                                                          \
		return run(ctx, i, e);                                                             \
	}
STEP(0)
STEP(1)
STEP(2)
STEP(3)
STEP(4)
STEP(5)

static const struct cleanup_step steps[STEPS] = {{"zero", step0}, {"one", step1},
						 {"two", step2},  {"three", step3},
						 {"four", step4}, {"five", step5}};

static void every_subset_of_failures(void **state)
{
	(void)state;
	for (unsigned failing = 0; failing < 1u << STEPS; failing++) {
		struct context ctx = {.failing = failing};
		struct cleanup_report report;
		size_t want = (size_t)__builtin_popcount(failing);

		memset(&report, 0xaa, sizeof report);
		assert_int_equal(cleanup_run(steps, STEPS, &ctx, &report), want);
		assert_string_equal(ctx.order, "012345");
		assert_int_equal(report.n, STEPS);
		assert_int_equal(report.failed, want);
		for (int i = 0; i < STEPS; i++) {
			char text[32] = "";

			assert_ptr_equal(report.res[i].name, steps[i].name);
			if (failing & 1u << i) {
				snprintf(text, sizeof text, "step %d broke", i);
				assert_int_equal(report.res[i].rc, ERR_IO - i);
				assert_int_equal(report.res[i].err.code, ERR_IO - i);
			} else {
				assert_int_equal(report.res[i].rc, 0);
			}
			assert_string_equal(report.res[i].err.text, text);
		}
	}
}

static void without_a_report(void **state)
{
	struct context ctx = {.failing = 0x15};

	(void)state;
	assert_int_equal(cleanup_run(steps, STEPS, &ctx, NULL), 3);
	assert_string_equal(ctx.order, "012345");
}

static void no_steps(void **state)
{
	struct cleanup_report report = {.n = 3, .failed = 3};

	(void)state;
	assert_int_equal(cleanup_run(NULL, 0, NULL, &report), 0);
	assert_int_equal(report.n, 0);
	assert_int_equal(report.failed, 0);
}

static void more_steps_than_a_report_holds(void **state)
{
	struct cleanup_step many[CLEANUP_MAX + 3];
	struct context ctx = {.failing = 1};
	struct cleanup_report report;

	(void)state;
	for (size_t i = 0; i < CLEANUP_MAX + 3; i++)
		many[i] = steps[0];
	assert_int_equal(cleanup_run(many, CLEANUP_MAX + 3, &ctx, &report), CLEANUP_MAX + 3);
	assert_int_equal(strlen(ctx.order), CLEANUP_MAX + 3);
	assert_int_equal(report.n, CLEANUP_MAX);
	assert_int_equal(report.failed, CLEANUP_MAX + 3);
}

static int silent(void *ctx, struct err *e)
{
	(void)ctx;
	(void)e;
	return ERR_TIMEOUT;
}

static void failure_without_a_text_gets_one(void **state)
{
	static const struct cleanup_step one = {"silent", silent};
	struct cleanup_report report;

	(void)state;
	assert_int_equal(cleanup_run(&one, 1, NULL, &report), 1);
	assert_string_equal(report.res[0].err.text, err_name(ERR_TIMEOUT));
	assert_int_equal(report.res[0].err.code, ERR_TIMEOUT);
}

static int nested(void *arg, struct err *e)
{
	struct context *ctx = arg;

	if (ctx->depth++ == 0) {
		struct cleanup_report inner;

		assert_int_equal(cleanup_run(steps, STEPS, ctx, &inner), 1);
	}
	return err_set(e, ERR_CLOSED, "outer");
}

static void from_inside_a_step(void **state)
{
	static const struct cleanup_step outer[] = {{"nested", nested}, {"one", step1}};
	struct context ctx = {.failing = 1u << 5};
	struct cleanup_report report;

	(void)state;
	assert_int_equal(cleanup_run(outer, 2, &ctx, &report), 1);
	assert_string_equal(ctx.order, "0123451");
	assert_string_equal(report.res[0].err.text, "outer");
	assert_int_equal(report.res[1].rc, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_subset_of_failures),
		cmocka_unit_test(without_a_report),
		cmocka_unit_test(no_steps),
		cmocka_unit_test(more_steps_than_a_report_holds),
		cmocka_unit_test(failure_without_a_text_gets_one),
		cmocka_unit_test(from_inside_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
