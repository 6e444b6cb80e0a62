/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <string.h>

#include "text/schema.h"

/* Holds VALUE against SCHEMA; WHY is the text of the refusal, NULL: it passes. */
static void check(const char *schema, const char *value, const char *why)
{
	json_t *s = json_of(schema), *v = json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct schema *compiled;
	struct err e = {0};
	int rc;

	if (!v)
		v = json_of(value);
	if (schema_new(s, NULL, &compiled, &e) != 0)
		fail_msg("%s: %s", schema, e.text);
	rc = schema_validate(compiled, v, &e);
	schema_unref(&compiled);
	if (!why && rc != 0)
		fail_msg("%s refuses %s: %s", schema, value, e.text);
	if (why && rc == 0)
		fail_msg("%s accepts %s", schema, value);
	if (why) {
		assert_string_equal(e.text, why);
		assert_int_equal(rc, ERR_INVALID);
	}
	json_decref(s);
	json_decref(v);
}

static void refused(const char *schema, const char *why)
{
	json_t *s = json_of(schema);
	struct schema *compiled;
	struct err e = {0};

	if (schema_new(s, NULL, &compiled, &e) == 0)
		fail_msg("accepted: %s", schema);
	assert_int_equal(e.code, ERR_INVALID);
	assert_string_equal(e.text, why);
	json_decref(s);
}

static int validate(json_t *schema, json_t *value, struct err *e)
{
	struct schema *compiled;
	int rc = schema_new(schema, NULL, &compiled, e);

	assert_int_equal(rc, 0);
	rc = schema_validate(compiled, value, e);
	schema_unref(&compiled);
	return rc;
}

static void types(void **state)
{
	static const char *const names[] = {"string", "integer", "number", "boolean",
					    "object", "array",	 "null"};
	static const struct {
		const char *value;
		const char *is; /* which of the names it is: s i n b o a z */
	} values[] = {
		{"\"\"", "s"},	 {"1", "in"},	   {"1.0", "in"}, {"1.5", "n"},
		{"1e300", "in"}, {"-1e300", "in"}, {"true", "b"}, {"false", "b"},
		{"{}", "o"},	 {"[]", "a"},	   {"null", "z"},
	};
	static const char letters[] = "sinboaz";

	(void)state;
	for (size_t n = 0; n < 7; n++) {
		for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
			json_t *schema = json_pack("{s:s}", "type", names[n]);
			json_t *value = json_loads(values[v].value, JSON_DECODE_ANY, NULL);
			bool is = strchr(values[v].is, letters[n]);

			if ((validate(schema, value, NULL) == 0) != is)
				fail_msg("%s as %s", values[v].value, names[n]);
			json_decref(schema);
			json_decref(value);
		}
	}
	check("{'type':['string','null']}", "null", NULL);
	check("{'type':['string','null']}", "1", "is of none of the types that are allowed");
	check("{'type':'integer'}", "1.5", "expected an integer");
}

static void values(void **state)
{
	(void)state;
	check("{'enum':['a',1,null]}", "\"a\"", NULL);
	check("{'enum':['a',1,null]}", "1.0", NULL);
	check("{'enum':['a',1,null]}", "2", "expected one of [\"a\",1,null]");
	check("{'const':{'a':[1]}}", "{\"a\":[1]}", NULL);
	check("{'const':{'a':[1],'b':2}}", "{\"b\":2.0,\"a\":[1.0]}", NULL);
	check("{'const':{'a':1}}", "{\"a\":1,\"b\":2}", "is not the only value that is allowed");
	check("{'enum':['a',{'b':[]}]}", "\"c\"", "is none of the allowed values");
	check("{'const':{'a':[1]}}", "{\"a\":[2]}", "is not the only value that is allowed");
	check("{'const':null}", "null", NULL);
	check("{'const':null}", "false", "is not the only value that is allowed");
}

static void long_enum(void **state)
{
	json_t *names = json_array(), *schema, *value = json_string("x");
	struct err e;

	(void)state;
	for (int i = 0; i < 100; i++)
		json_array_append_new(names, json_sprintf("name number %d", i));
	schema = json_pack("{s:o}", "enum", names);
	assert_int_equal(validate(schema, value, &e), ERR_INVALID);
	assert_string_equal(e.text, "is none of the allowed values");
	json_decref(schema);
	json_decref(value);
}

static void numbers(void **state)
{
	(void)state;
	check("{'minimum':1}", "1", NULL);
	check("{'minimum':1}", "0.999", "the smallest value is 1");
	check("{'maximum':1.5}", "1.5", NULL);
	check("{'maximum':1.5}", "2", "the largest value is 1.5");
	check("{'exclusiveMinimum':1}", "1.1", NULL);
	check("{'exclusiveMinimum':1}", "1", "must be more than 1");
	check("{'exclusiveMaximum':1}", "0", NULL);
	check("{'exclusiveMaximum':1}", "1.0", "must be less than 1");
	/* Integers beyond 2^53 are told apart. */
	check("{'maximum':9007199254740992}", "9007199254740993",
	      "the largest value is 9.00719925474099e+15");
	/* They say nothing about other types. */
	check("{'minimum':1,'maximum':2,'exclusiveMinimum':1,'exclusiveMaximum':2}", "\"x\"", NULL);
}

static void strings(void **state)
{
	(void)state;
	check("{'minLength':2}", "\"\xc3\xa4\xe2\x82\xac\"", NULL); /* two characters, five bytes */
	check("{'minLength':2}", "\"\xc3\xa4\"", "the smallest number of characters is 2");
	check("{'maxLength':1}", "\"\xf0\x9f\x98\x80\"", NULL);
	check("{'maxLength':1}", "\"ab\"", "the largest number of characters is 1");
	check("{'pattern':'b'}", "\"abc\"", NULL); /* not anchored */
	check("{'pattern':'^[a-z]+$'}", "\"abc\"", NULL);
	check("{'pattern':'^[a-z]+$'}", "\"ab1\"", "does not match the pattern ^[a-z]+$");
	check("{'pattern':'^[a-z]+$'}", "\"ab\\u0000c\"", "does not match the pattern ^[a-z]+$");
	check("{'pattern':'^\\\\d{3}$'}", "\"123\"", NULL);
	check("{'minLength':9,'maxLength':0,'pattern':'x'}", "1", NULL);
}

static void arrays(void **state)
{
	(void)state;
	check("{'items':{'type':'string'}}", "[\"a\",\"b\"]", NULL);
	check("{'items':{'type':'string'}}", "[\"a\",1]", "[1]: expected a string");
	check("{'items':false}", "[]", NULL);
	check("{'items':false}", "[1]", "[0]: is not allowed");
	check("{'minItems':1}", "[]", "the smallest number of items is 1");
	check("{'maxItems':1}", "[1,2]", "the largest number of items is 1");
	check("{'uniqueItems':true,'maxItems':9}", "[1,2,[1],[2]]", NULL);
	check("{'uniqueItems':true,'maxItems':9}", "[1,[2],[2]]", "[2]: is there twice");
	check("{'uniqueItems':true,'maxItems':9}", "[1,1.0]", "[1]: is there twice");
	check("{'uniqueItems':true}", "[{\"a\":1,\"b\":[2]},3,{\"b\":[2.0],\"a\":1}]",
	      "[2]: is there twice");
	check("{'uniqueItems':true}", "[0.0,-0.0]", "[1]: is there twice");
	check("{'uniqueItems':true}", "[9007199254740992,9007199254740993,\"1\",1,true,null,[],{}]",
	      NULL);
	check("{'uniqueItems':false}", "[1,1]", NULL);
	check("{'minItems':9,'maxItems':0,'items':false,'uniqueItems':true}", "{}", NULL);
}

static void objects(void **state)
{
	static const char person[] =
		"{'type':'object','properties':{'name':{'type':'string'},"
		"'age':{'type':'integer'},'tags':{'items':{'properties':{'k':{'const':1}}}}},"
		"'required':['name'],'additionalProperties':false}";

	(void)state;
	check(person, "{\"name\":\"x\",\"age\":1}", NULL);
	check(person, "{\"age\":1}", "name: is missing");
	check(person, "{\"name\":\"x\",\"age\":\"1\"}", "age: expected an integer");
	check(person, "{\"name\":\"x\",\"a.b\":1}", "[\"a.b\"]: is not allowed");
	check(person, "{\"name\":\"x\",\"tags\":[{},{\"k\":2}]}",
	      "tags[1].k: is not the only value that is allowed");
	check(person, "[]", "expected an object");
	check("{'additionalProperties':{'type':'null'}}", "{\"a\":null}", NULL);
	check("{'additionalProperties':{'type':'null'}}", "{\"a\":1}", "a: expected null");
	check("{'properties':{'a':true},'additionalProperties':false}", "{\"a\":1}", NULL);
	check("{'properties':{'a':false}}", "{\"a\":1}", "a: is not allowed");
	check("{'minProperties':1}", "{}", "the smallest number of members is 1");
	check("{'maxProperties':1}", "{\"a\":1,\"b\":1}", "the largest number of members is 1");
	check("{'required':['a'],'properties':{'a':false},'additionalProperties':false}", "1",
	      NULL);
}

static void annotations(void **state)
{
	(void)state;
	check("{'$schema':'https://json-schema.org/draft/2020-12/schema','$id':'x','$comment':'c',"
	      "'title':'t','description':'d','default':1,'examples':[1],'format':'email',"
	      "'deprecated':true,'readOnly':true,'writeOnly':true,'x-mcp-header':'Region','x-y':1}",
	      "\"not an address\"", NULL);
}

static void bad_schemas(void **state)
{
	(void)state;
	refused("[]", "expected a schema: an object, true or false");
	refused("{'oneOf':[]}", "oneOf: is not among the keywords that mcpd checks");
	refused("{'$ref':'#'}", "$ref: is not among the keywords that mcpd checks");
	refused("{'multipleOf':2}", "multipleOf: is not among the keywords that mcpd checks");
	refused("{'properties':{'a':{'items':{'not':{}}}}}",
		"properties.a.items.not: is not among the keywords that mcpd checks");
	refused("{'additionalProperties':{'if':{}}}",
		"additionalProperties.if: is not among the keywords that mcpd checks");
	refused("{'items':[{}]}", "items: expected a schema: an object, true or false");
	refused("{'type':'text'}", "type: expected one or several of the seven names of types");
	refused("{'type':[]}", "type: expected one or several of the seven names of types");
	refused("{'type':['string',1]}",
		"type: expected one or several of the seven names of types");
	refused("{'type':1}", "type: expected one or several of the seven names of types");
	refused("{'enum':[]}", "enum: expected an array of one or more values");
	refused("{'enum':'a'}", "enum: expected an array of one or more values");
	refused("{'properties':[]}", "properties: expected an object of schemas");
	refused("{'required':'a'}", "required: expected an array of strings");
	refused("{'required':[1]}", "required: expected an array of strings");
	refused("{'minLength':-1}", "minLength: expected a whole number that is not negative");
	refused("{'maxItems':1.5}", "maxItems: expected a whole number that is not negative");
	refused("{'minimum':'1'}", "minimum: expected a number");
	refused("{'uniqueItems':1}", "uniqueItems: expected true or false");
	refused("{'pattern':1}", "pattern: expected a string");
	refused("{'properties':{'a':{'pattern':'\\\\A'}}}",
		"properties.a.pattern: \"\\A\" is no escape of ECMA-262");
	refused("{'pattern':'[[:alpha:]]'}", "pattern: \"[:alpha:]]\" is of POSIX: write \"a-z\", "
					     "\"\\d\", \"\\s\" or \"\\p{L}\"");
}

/* N values that FN makes, in an array. */
static json_t *many(size_t n, json_t *(*fn)(size_t i))
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, fn(i));
	return all;
}

static json_t *with_members(size_t i, size_t n)
{
	json_t *o = json_object();
	char name[32];

	for (size_t k = 0; k < n; k++) {
		snprintf(name, sizeof name, "member%zu", k);
		json_object_set_new(o, name, json_integer(k + 1 == n ? (json_int_t)i : 0));
	}
	return o;
}

static json_t *large(size_t i)
{
	return with_members(i, 300);
}

static json_t *small(size_t i)
{
	return with_members(i, 10);
}

static json_t *text_of_a(size_t i)
{
	char text[4001];

	(void)i;
	memset(text, 'a', 4000);
	text[4000] = '\0';
	return json_string(text);
}

static json_t *number(size_t i)
{
	return json_integer((json_int_t)i);
}

static json_t *empty(size_t i)
{
	(void)i;
	return json_object();
}

/* Validates VALUE_TAKE and returns the steps; CODE_R is the outcome. */
static uint64_t work_of(const char *schema, json_t *value_take, int *code_r)
{
	json_t *s = json_of(schema);
	struct schema *compiled;
	struct err e = {0};
	uint64_t work;

	assert_int_equal(schema_new(s, NULL, &compiled, &e), 0);
	*code_r = schema_validate(compiled, value_take, &e);
	if (*code_r == ERR_LIMIT && !strstr(e.text, "takes too long"))
		fail_msg("%s", e.text);
	work = schema_work(compiled);
	schema_unref(&compiled);
	json_decref(s);
	json_decref(value_take);
	return work;
}

/* Each item is looked at once, not compared with each other one. */
static void unique_items_cost_once_each(void **state)
{
	uint64_t work, twice;
	int code;

	(void)state;
	work = work_of("{'uniqueItems':true}", many(1000, small), &code);
	assert_int_equal(code, 0);
	twice = work_of("{'uniqueItems':true}", many(2000, small), &code);
	assert_int_equal(code, 0);
	assert_true(twice < 3 * work);
	work = work_of("{'uniqueItems':true,'maxItems':1000}", many(1000, large), &code);
	assert_int_equal(code, ERR_LIMIT);
	assert_true(work <= SCHEMA_MAX_WORK);
}

/* Whatever keyword makes the work, one validation ends. */
static void one_validation_is_bounded(void **state)
{
	static const struct {
		const char *schema;
		size_t n;
		json_t *(*fn)(size_t i);
	} cases[] = {
		{"{'items':{'pattern':'^a*$'}}", 1000, text_of_a},
		{"{'items':{'pattern':'^(a+)+$','minLength':1}}", 1000, text_of_a},
		{"{'items':{'minLength':1,'maxLength':4000}}", 2000, text_of_a},
		{"{'items':{'type':'object'}}", 200000, empty},
		{"{'items':{'properties':{'a':true,'b':true,'c':true}}}", 100000, empty},
		{"{'items':{'enum':[0,1,2,3,4,5,6,7,8,9,{}]}}", 50000, empty},
		{"{'items':{'additionalProperties':true}}", 1000, large},
		{"{'items':{'required':['member1','member2','member3']}}", 40000, small},
		{"{'uniqueItems':true}", 200000, number},
	};
	int code;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		work_of(cases[i].schema, many(cases[i].n, cases[i].fn), &code);
		if (code != ERR_LIMIT)
			fail_msg("%s: %d", cases[i].schema, code);
		work_of(cases[i].schema, many(2, cases[i].fn), &code);
		if (code == ERR_LIMIT)
			fail_msg("%s: two are too many", cases[i].schema);
	}
}

/* A value that is as large as the schema says, compared with each value of an enum. */
static void comparing_is_bounded(void **state)
{
	json_t *values = json_array(), *schema, *value = with_members(1, 5000);
	struct schema *compiled;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		json_array_append_new(values, with_members(i + 2, 5000));
	schema = json_pack("{s:o}", "enum", values);
	assert_int_equal(schema_new(schema, NULL, &compiled, &e), 0);
	assert_int_equal(schema_validate(compiled, value, &e), ERR_LIMIT);
	assert_int_equal(schema_work(compiled), SCHEMA_MAX_WORK);
	schema_unref(&compiled);
	json_decref(schema);
	json_decref(value);
}

/* All patterns of all schemas share the room that the caller has for them. */
static void patterns_share_a_room(void **state)
{
	json_t *s =
		json_of("{'properties':{'a':{'pattern':'^a'},'b':{'pattern':'^(ab){1,200}$'}}}");
	struct schema *compiled;
	size_t room = 100000, rest;
	struct err e;

	(void)state;
	assert_int_equal(schema_new(s, &room, &compiled, &e), 0);
	assert_true(room < 100000);
	schema_unref(&compiled);
	rest = room = (100000 - room) / 2;
	assert_int_equal(schema_new(s, &room, &compiled, &e), ERR_LIMIT);
	assert_null(compiled);
	assert_true(room < rest);
	json_decref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(values),
		cmocka_unit_test(long_enum),
		cmocka_unit_test(numbers),
		cmocka_unit_test(strings),
		cmocka_unit_test(arrays),
		cmocka_unit_test(objects),
		cmocka_unit_test(annotations),
		cmocka_unit_test(bad_schemas),
		cmocka_unit_test(unique_items_cost_once_each),
		cmocka_unit_test(one_validation_is_bounded),
		cmocka_unit_test(comparing_is_bounded),
		cmocka_unit_test(patterns_share_a_room),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
