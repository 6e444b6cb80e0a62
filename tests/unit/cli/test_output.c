/* SPDX-License-Identifier: ISC */
/* What mcpctl prints: shapes that scripts rely on, tables that fit, nothing for a terminal to obey.
 */
#include "support.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/text.h"

static const struct ctl_column columns[] = {
	{"id", "ID", CTL_COL_STRING, CTL_COL_ID},
	{"name", "NAME", CTL_COL_STRING, 0},
	{"age_ms", "AGE", CTL_COL_DURATION, CTL_COL_RIGHT},
	{"size", "SIZE", CTL_COL_BYTES, CTL_COL_RIGHT},
	{"more", "MORE", CTL_COL_JSON, CTL_COL_HIDE},
	{.key = NULL},
};

enum what { ROWS, RECORD, TEXT, CONTENT, FOLLOW };

/* What FORMAT prints of VALUE; WIDTH 0: not on a terminal. */
static const char *print(const struct output_format *format, enum what what, const char *value,
			 size_t width)
{
	static char text[4096];
	struct output_to to = {.terminal = width > 0, .width = width};
	json_t *json = json_of(value);

	memset(text, 0, sizeof text);
	to.f = fmemopen(text, sizeof text - 1, "w");
	assert_non_null(to.f);
	switch (what) {
	case ROWS:
		format->rows(&to, columns, json);
		break;
	case RECORD:
		format->record(&to, columns, json);
		break;
	case TEXT:
		format->text(&to, columns, json);
		break;
	case CONTENT:
		format->content(&to, json);
		break;
	case FOLLOW:
		format->follow(&to, columns, json);
		break;
	}
	assert_int_equal(ferror(to.f), 0);
	fclose(to.f);
	json_decref(json);
	return text;
}

#define ROW1 "{'id':'0123456789abcdef','name':'n','age_ms':65000,'size':2048,'more':{'x':[1]}}"
#define ROW2 "{'id':'fedcba9876543210','name':'','age_ms':0,'size':1}"

static void json_lists_are_arrays(void **state)
{
	(void)state;
	assert_string_equal(print(&output_json, ROWS, "[]", 0), "[]\n");
	assert_string_equal(print(&output_json, ROWS, "[" ROW2 "]", 0),
			    "[\n{\"id\":\"fedcba9876543210\",\"name\":\"\",\"age_ms\":0,"
			    "\"size\":1,\"more\":null}\n]\n");
	assert_string_equal(
		print(&output_json, ROWS, "[" ROW1 "," ROW2 "]", 10),
		"[\n{\"id\":\"0123456789abcdef\",\"name\":\"n\",\"age_ms\":65000,\"size\":2048,"
		"\"more\":{\"x\":[1]}},\n{\"id\":\"fedcba9876543210\",\"name\":\"\",\"age_ms\":0,"
		"\"size\":1,\"more\":null}\n]\n");
}

static void json_records_are_objects(void **state)
{
	(void)state;
	assert_string_equal(print(&output_json, RECORD, "{'new':1,'id':'a'}", 0),
			    "{\n  \"id\": \"a\",\n  \"name\": null,\n  \"age_ms\": null,\n"
			    "  \"size\": null,\n  \"more\": null,\n  \"new\": 1\n}\n");
	assert_string_equal(print(&output_json, TEXT, "{'text':'t','id':'a'}", 0),
			    "{\"id\":\"a\",\"name\":null,\"age_ms\":null,\"size\":null,"
			    "\"more\":null}\n");
	assert_string_equal(print(&output_json, FOLLOW, "{'text':'t'}", 0),
			    "{\"id\":null,\"name\":null,\"age_ms\":null,\"size\":null,"
			    "\"more\":null,\"text\":\"t\"}\n");
	assert_string_equal(print(&output_json, CONTENT, "{'content':[]}", 0),
			    "{\n  \"content\": []\n}\n");
}

static void json_has_no_control_characters(void **state)
{
	(void)state;
	assert_string_equal(
		print(&output_json, CONTENT, "{'a':'\\u001b[31m\x7f\xc2\x9b\xc3\xa4\\n'}", 0),
		"{\n  \"a\": \"\\u001B[31m\\u007f\\u009b\xc3\xa4\\n\"\n}\n");
}

static void kv_can_be_evaluated(void **state)
{
	static const char row[] =
		"id=0123456789abcdef\nname=n\nage_ms=65000\nsize=2048\nmore='{\"x\":[1]}'\n\n";

	(void)state;
	assert_string_equal(print(&output_kv, ROWS, "[]", 0), "");
	assert_string_equal(print(&output_kv, ROWS, "[" ROW1 "]", 0), row);
	assert_string_equal(print(&output_kv, RECORD, ROW1, 0), row);
	assert_string_equal(
		print(&output_kv, RECORD, "{'id':'it\\u0027s $(x)\\nb','1-a b':true}", 0),
		"id='it'\\''s $(x)\nb'\nname=''\nage_ms=''\nsize=''\nmore=''\n"
		"_1_a_b=true\n\n");
	assert_string_equal(print(&output_kv, TEXT, "{'text':'t','id':'a'}", 0),
			    "id=a\nname=''\nage_ms=''\nsize=''\nmore=''\n\n");
	assert_string_equal(print(&output_kv, CONTENT, "{'isError':false}", 0),
			    "isError=false\n\n");
	assert_string_equal(print(&output_kv, CONTENT, "{'a':'\\u001b'}", 80), "a='\\x1b'\n\n");
}

static void tables_are_aligned(void **state)
{
	(void)state;
	assert_string_equal(print(&output_table, ROWS, "[]", 0), "ID  NAME  AGE  SIZE\n");
	assert_string_equal(print(&output_table, ROWS, "[" ROW1 "," ROW2 "]", 0),
			    "ID                NAME    AGE     SIZE\n"
			    "0123456789abcdef  n     1m05s  2.0 KiB\n"
			    "fedcba9876543210  -        0s      1 B\n");
	/* wide characters take two columns */
	assert_string_equal(print(&output_table, ROWS,
				  "[{'id':'\xe4\xbd\xa0','name':'\xc3\xa4','age_ms':1}]", 0),
			    "ID  NAME  AGE  SIZE\n\xe4\xbd\xa0  \xc3\xa4      0s     -\n");
}

static void tables_fit_terminals_alone(void **state)
{
	static const char rows[] =
		"[{'id':'0123456789abcdef','name':'a name that is long','age_ms':1,'size':1}]";

	(void)state;
	assert_string_equal(print(&output_table, ROWS, rows, 40),
			    "ID             NAME            AGE  SIZE\n"
			    "0123456789abc  a name that i\xe2\x80\xa6   0s   1 B\n");
	assert_string_equal(print(&output_table, ROWS, rows, 80),
			    "ID                NAME                 AGE  SIZE\n"
			    "0123456789abcdef  a name that is long   0s   1 B\n");
	assert_string_equal(print(&output_table, ROWS, rows, 0),
			    "ID                NAME                 AGE  SIZE\n"
			    "0123456789abcdef  a name that is long   0s   1 B\n");
	/* numbers and the last letters of names are never cut */
	assert_string_equal(
		print(&output_table, ROWS, rows, 1),
		"ID          NAME    AGE  SIZE\n0123456789  a nam\xe2\x80\xa6   0s   1 B\n");
}

static void records_are_listed(void **state)
{
	(void)state;
	assert_string_equal(
		print(&output_table, RECORD,
		      "{'id':'a\\u001b\\n','name':'n','age_ms':90061000,'size':0,"
		      "'more':1,'other':{'ready':2,'failed':[]},'list':['a','b'],"
		      "'deep':{'a':{'b':[1,2],'c':true}},'no':false,'real':3.4390000000000001}",
		      0),
		"id     a\\x1b \n"
		"name   n\n"
		"age    1d01h\n"
		"size   0 B\n"
		"other  ready: 2, failed: none\n"
		"list   a, b\n"
		"deep   a: (b: (1, 2), c: yes)\n"
		"no     no\n"
		"real   3.439\n");
}

static void text_is_for_people(void **state)
{
	(void)state;
	assert_string_equal(print(&output_table, TEXT, "{'text':'Active','n':1}", 0), "Active\n");
	assert_string_equal(print(&output_table, CONTENT,
				  "{'content':[{'type':'text','text':'a\\u001b\\tb\\n'},{'type':'"
				  "text','text':'c'}]}",
				  0),
			    "a\x1b\tb\nc\n");
	assert_string_equal(print(&output_table, CONTENT,
				  "{'content':[{'type':'text','text':'a\\u001b\\tb\\n'}]}", 80),
			    "a\\x1b\tb\n");
	assert_string_equal(
		print(&output_table, CONTENT,
		      "{'content':[{'type':'image','mimeType':'image/png','data':'AAAA'},"
		      "{'type':'resource_link','uri':'x:1'},"
		      "{'type':'resource','resource':{'uri':'x:2','text':'in it'}},"
		      "{'type':'resource','resource':{'uri':'x:3','blob':'AA'}}]}",
		      0),
		"[image: image/png, 4 bytes of base64]\n[resource_link: x:1]\nin it\n[resource: "
		"x:3]\n");
	assert_string_equal(print(&output_table, CONTENT, "{'structuredContent':{'a':1}}", 0),
			    "{\n  \"a\": 1\n}\n");
	assert_string_equal(print(&output_table, CONTENT, "{}", 0), "");
}

static void log_lines_are_the_log_lines(void **state)
{
	(void)state;
	assert_string_equal(print(&output_table, FOLLOW,
				  "{'time_ms':0,'level':'notice','lifecycle':true,"
				  "'text':'Session created: a','session':'a'}",
				  0),
			    "Session created: a\n");
	assert_string_equal(print(&output_table, FOLLOW,
				  "{'time_ms':0,'level':'warning','lifecycle':false,"
				  "'text':'it died','backend':'b','reason':null}",
				  0),
			    "warning: it died backend=b\n");
}

static void formats_are_found(void **state)
{
	(void)state;
	assert_ptr_equal(output_find("table"), &output_table);
	assert_ptr_equal(output_find("json"), &output_json);
	assert_ptr_equal(output_find("kv"), &output_kv);
	assert_null(output_find("xml"));
	assert_null(output_find(""));
}

static void assert_escaped(const char *in, const char *keep, const char *want)
{
	char *got = text_escape(in, keep);

	assert_string_equal(got, want);
	free(got);
}

static void what_a_terminal_obeys_is_escaped(void **state)
{
	(void)state;
	assert_escaped("plain \xc3\xa4\xe2\x9c\x93", "", "plain \xc3\xa4\xe2\x9c\x93");
	assert_escaped("\x1b[2J\r\n\t\x7f", "", "\\x1b[2J\\x0d\\x0a\\x09\\x7f");
	assert_escaped("a\n\tb", "\n\t", "a\n\tb");
	assert_escaped("\xc2\x9b", "", "\\u{9b}");
	assert_escaped("\xe2\x80\xae"
		       "abc",
		       "", "\\u{202e}abc");
	assert_escaped("\xff\xc3", "", "\\xff\\xc3");
	assert_escaped("", "", "");
}

static void durations_and_sizes(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} durations[] = {
		{0, "0s"},
		{999, "0s"},
		{59999, "59s"},
		{60000, "1m00s"},
		{3599999, "59m59s"},
		{3600000, "1h00m"},
		{86399999, "23h59m"},
		{86400000, "1d00h"},
		{864000000, "10d00h"},
		{-1, "-"},
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
		assert_string_equal(text_duration(buf, sizeof buf, durations[i].ms),
				    durations[i].text);
	assert_string_equal(text_bytes(buf, sizeof buf, 0), "0 B");
	assert_string_equal(text_bytes(buf, sizeof buf, 1023), "1023 B");
	assert_string_equal(text_bytes(buf, sizeof buf, 1024), "1.0 KiB");
	assert_string_equal(text_bytes(buf, sizeof buf, 5 << 20), "5.0 MiB");
	assert_string_equal(text_bytes(buf, sizeof buf, (int64_t)1 << 50), "1024.0 TiB");
	setenv("TZ", "UTC", 1);
	assert_string_equal(text_time(buf, sizeof buf, 86400000), "1970-01-02 00:00:00");
}

static void assert_cut(const char *in, size_t width, const char *marked, const char *plain)
{
	char text[64];

	strcpy(text, in);
	text_cut(text, width, true);
	assert_string_equal(text, marked);
	strcpy(text, in);
	text_cut(text, width, false);
	assert_string_equal(text, plain);
}

static void cells_are_cut(void **state)
{
	(void)state;
	assert_cut("abcdef", 6, "abcdef", "abcdef");
	assert_cut("abcdef", 0, "abcdef", "abcdef");
	assert_cut("abcdefgh", 5, "abcd\xe2\x80\xa6", "abcde");
	assert_cut("abcdef", 5, "abcd+", "abcde"); /* no place for three bytes */
	assert_cut("\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0", 4, "\xe4\xbd\xa0\xe2\x80\xa6",
		   "\xe4\xbd\xa0\xe4\xbd\xa0");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_lists_are_arrays),
		cmocka_unit_test(json_records_are_objects),
		cmocka_unit_test(json_has_no_control_characters),
		cmocka_unit_test(kv_can_be_evaluated),
		cmocka_unit_test(tables_are_aligned),
		cmocka_unit_test(tables_fit_terminals_alone),
		cmocka_unit_test(records_are_listed),
		cmocka_unit_test(text_is_for_people),
		cmocka_unit_test(log_lines_are_the_log_lines),
		cmocka_unit_test(formats_are_found),
		cmocka_unit_test(what_a_terminal_obeys_is_escaped),
		cmocka_unit_test(durations_and_sizes),
		cmocka_unit_test(cells_are_cut),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
