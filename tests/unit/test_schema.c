#include "support.h"

#include <string.h>

#include "schema.h"

/* Holds VALUE against SCHEMA; WHY is the text of the refusal, NULL: it passes. */
static void check(const char *schema, const char *value, const char *why)
{
	json_t *s = json_of(schema), *v = json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct err e = {0};
	int rc;

	if (v == NULL)
		v = json_of(value);
	if (schema_check(s, &e) != 0)
		fail_msg("%s: %s", schema, e.text);
	rc = schema_validate(s, v, &e);
	if (why == NULL && rc != 0)
		fail_msg("%s refuses %s: %s", schema, value, e.text);
	if (why != NULL && rc == 0)
		fail_msg("%s accepts %s", schema, value);
	if (why != NULL) {
		assert_string_equal(e.text, why);
		assert_int_equal(rc, ERR_INVALID);
	}
	json_decref(s);
	json_decref(v);
}

static void refused(const char *schema, const char *why)
{
	json_t *s = json_of(schema);
	struct err e = {0};

	if (schema_check(s, &e) == 0)
		fail_msg("accepted: %s", schema);
	assert_int_equal(e.code, ERR_INVALID);
	assert_string_equal(e.text, why);
	json_decref(s);
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
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			json_t *schema = json_pack("{s:s}", "type", names[n]);
			json_t *value = json_loads(values[v].value, JSON_DECODE_ANY, NULL);
			bool is = strchr(values[v].is, letters[n]) != NULL;

			if ((schema_validate(schema, value, NULL) == 0) != is)
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
	assert_int_equal(schema_validate(schema, value, &e), ERR_INVALID);
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
	check("{'pattern':'^[a-z]+$'}", "\"ab1\"", "does not match ^[a-z]+$");
	check("{'pattern':'^[a-z]+$'}", "\"ab\\u00001\"", "contains a NUL byte");
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
	refused("{'uniqueItems':true}", "uniqueItems: needs a maxItems of at most 1000");
	refused("{'uniqueItems':true,'maxItems':1001}",
		"uniqueItems: needs a maxItems of at most 1000");
	refused("{'pattern':1}", "pattern: expected a string");
	refused("{'pattern':'\\\\d'}",
		"pattern: \"\\d\" is not POSIX: write [0-9], [[:alnum:]_] or [[:space:]]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),       cmocka_unit_test(values),
		cmocka_unit_test(long_enum),   cmocka_unit_test(numbers),
		cmocka_unit_test(strings),     cmocka_unit_test(arrays),
		cmocka_unit_test(objects),     cmocka_unit_test(annotations),
		cmocka_unit_test(bad_schemas),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
