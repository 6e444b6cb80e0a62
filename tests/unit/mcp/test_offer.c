/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "failalloc.h"
#include "mcp/offer.h"

static struct offer *full(void)
{
	struct offer *o = offer_new(MCP_REV_2025_06_18);

	assert_non_null(o);
	assert_int_equal(json_array_append_new(o->lists[OFFER_TOOLS], json_of("{'name':'a'}")), 0);
	assert_int_equal(json_object_set_new(o->capabilities, "tools", json_object()), 0);
	o->server_info = json_of("{'name':'s','version':'1'}");
	o->instructions = strdup("read me");
	assert_non_null(o->instructions);
	return o;
}

static void new_offers_nothing(void **state)
{
	struct offer *o = offer_new(MCP_REV_2025_03_26);

	(void)state;
	assert_non_null(o);
	assert_int_equal(o->refs, 1);
	assert_int_equal(o->rev, MCP_REV_2025_03_26);
	for (int k = 0; k < OFFER_KINDS; k++)
		assert_true(json_is(o->lists[k], "[]"));
	assert_true(json_is(o->capabilities, "{}"));
	assert_null(o->server_info);
	assert_null(o->instructions);
	offer_unref(&o);
	assert_null(o);
	offer_unref(&o);
}

static void references_are_counted(void **state)
{
	struct offer *o = full(), *second = offer_ref(o);

	(void)state;
	assert_ptr_equal(o, second);
	offer_unref(&o);
	assert_null(o);
	assert_int_equal(second->refs, 1);
	assert_string_equal(second->instructions, "read me");
	offer_unref(&second);
}

static void with_replaces_one_list(void **state)
{
	struct offer *o = full(), *changed = offer_with(o, OFFER_TOOLS, json_of("[{'name':'b'}]"));

	(void)state;
	assert_non_null(changed);
	assert_true(json_is(changed->lists[OFFER_TOOLS], "[{'name':'b'}]"));
	assert_true(json_is(o->lists[OFFER_TOOLS], "[{'name':'a'}]"));
	assert_int_equal(changed->rev, o->rev);
	assert_int_equal(changed->refs, 1);
	offer_unref(&o); /* the copy stands alone */
	assert_true(json_is(changed->capabilities, "{'tools':{}}"));
	assert_true(json_is(changed->server_info, "{'name':'s','version':'1'}"));
	assert_true(json_is(changed->lists[OFFER_PROMPTS], "[]"));
	assert_string_equal(changed->instructions, "read me");
	offer_unref(&changed);
}

static void with_nothing_is_nothing(void **state)
{
	struct offer *o = full();

	(void)state;
	assert_null(offer_with(o, OFFER_TOOLS, NULL));
	offer_unref(&o);
}

static void names_of_the_protocol(void **state)
{
	static const char *const want[OFFER_KINDS][4] = {
		{"tools/list", "tools", "name", "tools"},
		{"prompts/list", "prompts", "name", "prompts"},
		{"resources/list", "resources", "uri", "resources"},
		{"resources/templates/list", "resourceTemplates", "uriTemplate", "resources"},
	};

	(void)state;
	for (int k = 0; k < OFFER_KINDS; k++) {
		assert_string_equal(offer_list_method(k), want[k][0]);
		assert_string_equal(offer_list_member(k), want[k][1]);
		assert_string_equal(offer_key(k), want[k][2]);
		assert_string_equal(offer_capability(k), want[k][3]);
	}
}

static void list_changed_masks(void **state)
{
	(void)state;
	assert_int_equal(offer_changed_kinds("notifications/tools/list_changed"),
			 1u << OFFER_TOOLS);
	assert_int_equal(offer_changed_kinds("notifications/prompts/list_changed"),
			 1u << OFFER_PROMPTS);
	assert_int_equal(offer_changed_kinds("notifications/resources/list_changed"),
			 1u << OFFER_RESOURCES | 1u << OFFER_TEMPLATES);
	assert_int_equal(offer_changed_kinds("notifications/resources/updated"), 0);
	assert_int_equal(offer_changed_kinds("notifications/roots/list_changed"), 0);
	assert_int_equal(offer_changed_kinds(""), 0);
}

static void every_allocation_may_fail(void **state)
{
	bool failed = true;

	(void)state;
	for (long n = 1; failed; n++) {
		struct offer *o, *copy = NULL;

		failalloc_at(n, false);
		o = offer_new(MCP_REV_2025_11_25);
		if (o) {
			o->instructions = strdup("x");
			copy = offer_with(o, OFFER_PROMPTS, json_array());
		}
		failed = failalloc_off();
		assert_true(failed || (o != NULL && copy != NULL));
		offer_unref(&o);
		offer_unref(&copy);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_offers_nothing),
		cmocka_unit_test(references_are_counted),
		cmocka_unit_test(with_replaces_one_list),
		cmocka_unit_test(with_nothing_is_nothing),
		cmocka_unit_test(names_of_the_protocol),
		cmocka_unit_test(list_changed_masks),
		cmocka_unit_test(every_allocation_may_fail),
	};

	failalloc_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
