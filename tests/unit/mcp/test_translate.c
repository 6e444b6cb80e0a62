/* SPDX-License-Identifier: ISC */
/* What one revision says, in the words of another: one vector for each row of what differs. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failalloc.h"
#include "lib/jsonrpc.h"
#include "mcp/translate.h"

#define R24  MCP_REV_2024_11_05
#define R03  MCP_REV_2025_03_26
#define R06  MCP_REV_2025_06_18
#define R11  MCP_REV_2025_11_25
#define R26  MCP_REV_2026_07_28

#define SAME "same"

/* ---- entries ---- */

struct entry_vector {
	enum offer_kind kind;
	enum mcp_rev from, to;
	const char *in, *out; /* OUT is SAME: the very same value */
};

static const struct entry_vector entries[] = {
	/* what revisions do not know */
	{OFFER_TOOLS, R11, R26, "{'name':'t','execution':{'taskSupport':'optional'},'icons':[]}",
	 "{'name':'t','icons':[]}"},
	{OFFER_TOOLS, R11, R06, "{'name':'t','execution':{},'icons':[],'title':'T','_meta':{}}",
	 "{'name':'t','title':'T','_meta':{}}"},
	{OFFER_TOOLS, R06, R11, "{'name':'t','title':'T','outputSchema':{'type':'object'}}", SAME},
	{OFFER_TOOLS, R11, R11, "{'name':'t','execution':{},'icons':[]}", SAME},
	{OFFER_TOOLS, R26, R26, "{'name':'t','outputSchema':{'type':'array'}}", SAME},
	{OFFER_TOOLS, R26, R03,
	 "{'name':'t','title':'T','icons':[],'_meta':{},'outputSchema':{'type':'object'}}",
	 "{'name':'t','annotations':{'title':'T'}}"},
	{OFFER_TOOLS, R26, R03, "{'name':'t','title':'T','annotations':{'readOnlyHint':true}}",
	 "{'name':'t','annotations':{'readOnlyHint':true,'title':'T'}}"},
	{OFFER_TOOLS, R26, R03, "{'name':'t','title':'T','annotations':{'title':'A'}}",
	 "{'name':'t','annotations':{'title':'A'}}"},
	{OFFER_TOOLS, R26, R24, "{'name':'t','title':'T','annotations':{},'x':1}",
	 "{'name':'t','x':1}"},
	{OFFER_PROMPTS, R26, R06,
	 "{'name':'p','icons':[],'title':'P','arguments':[{'name':'a','title':'A'}]}",
	 "{'name':'p','title':'P','arguments':[{'name':'a','title':'A'}]}"},
	{OFFER_PROMPTS, R11, R03,
	 "{'name':'p','title':'P','_meta':{},'arguments':[{'name':'a','title':'A'},{'name':'b'}]}",
	 "{'name':'p','arguments':[{'name':'a'},{'name':'b'}]}"},
	{OFFER_PROMPTS, R11, R03, "{'name':'p','arguments':[{'name':'a','required':true}]}", SAME},
	{OFFER_RESOURCES, R26, R03,
	 "{'uri':'r:','name':'r','title':'R','size':3,'icons':[],'_meta':{},'annotations':{}}",
	 "{'uri':'r:','name':'r','size':3,'annotations':{}}"},
	{OFFER_RESOURCES, R26, R24, "{'uri':'r:','name':'r','size':3}", "{'uri':'r:','name':'r'}"},
	{OFFER_RESOURCES, R26, R11, "{'uri':'r:','name':'r','icons':[],'size':3}", SAME},
	{OFFER_TEMPLATES, R26, R06, "{'uriTemplate':'r:{x}','name':'r','title':'R','icons':[]}",
	 "{'uriTemplate':'r:{x}','name':'r','title':'R'}"},
	{OFFER_TEMPLATES, R26, R03, "{'uriTemplate':'r:{x}','name':'r','title':'R','_meta':{}}",
	 "{'uriTemplate':'r:{x}','name':'r'}"},
	/* schemas that do not describe an object */
	{OFFER_TOOLS, R26, R11, "{'name':'t','outputSchema':{'type':'object','x':1}}", SAME},
	{OFFER_TOOLS, R26, R11, "{'name':'t','outputSchema':{'type':'array','items':{}}}",
	 ("{'name':'t','outputSchema':{'type':'object','properties':{'result':"
	  "{'type':'array','items':{}}},'required':['result']}}")},
	{OFFER_TOOLS, R26, R06, "{'name':'t','outputSchema':{}}",
	 ("{'name':'t','outputSchema':{'type':'object','properties':{'result':{}},"
	  "'required':['result']}}")},
	{OFFER_TOOLS, R26, R06, "{'name':'t','outputSchema':{'type':['object','null']}}",
	 ("{'name':'t','outputSchema':{'type':'object','properties':{'result':"
	  "{'type':['object','null']}},'required':['result']}}")},
	{OFFER_TOOLS, R26, R06, "{'name':'t','outputSchema':true}", "{'name':'t'}"},
	{OFFER_TOOLS, R26, R11,
	 ("{'name':'t','outputSchema':{'$schema':'d','$ref':'#/$defs/"
	  "a','$defs':{'a':{'type':'object',"
	  "'properties':{'me':{'$ref':'#'},'next':{'$ref':'#/$defs/a'},'n':{'$ref':'#name'},"
	  "'x':{'$ref':'http://x/y#/z'}}}}}}"),
	 ("{'name':'t','outputSchema':{'type':'object','properties':{'result':{"
	  "'$ref':'#/properties/result/$defs/a','$defs':{'a':{'type':'object','properties':{"
	  "'me':{'$ref':'#/properties/result'},'next':{'$ref':'#/properties/result/$defs/a'},"
	  "'n':{'$ref':'#name'},'x':{'$ref':'http://x/y#/z'}}}}}},'required':['result'],"
	  "'$schema':'d'}}")},
	/* only references are references */
	{OFFER_TOOLS, R26, R11,
	 ("{'name':'t','outputSchema':{'anyOf':[{'const':{'$ref':'#/a'}},{'enum':[{'$ref':'#'}]},"
	  "{'default':{'$ref':'#'},'examples':[{'$ref':'#'}]},{'properties':{'const':{'$ref':'#'},"
	  "'$ref':{'type':'string'},'$id':{}}}]}}"),
	 ("{'name':'t','outputSchema':{'type':'object','properties':{'result':{'anyOf':["
	  "{'const':{'$ref':'#/a'}},{'enum':[{'$ref':'#'}]},"
	  "{'default':{'$ref':'#'},'examples':[{'$ref':'#'}]},{'properties':{"
	  "'const':{'$ref':'#/properties/result'},'$ref':{'type':'string'},'$id':{}}}]}},"
	  "'required':['result']}}")},
	/* a schema with an address of its own is a document of its own */
	{OFFER_TOOLS, R26, R11,
	 "{'name':'t','outputSchema':{'$id':'u:x','$schema':'d','$ref':'#/a'}}",
	 ("{'name':'t','outputSchema':{'type':'object','properties':{'result':"
	  "{'$id':'u:x','$schema':'d','$ref':'#/a'}},'required':['result'],'$schema':'d'}}")},
	{OFFER_TOOLS, R26, R11,
	 "{'name':'t','outputSchema':{'oneOf':[{'$id':'u:x','$ref':'#/a'},{'$dynamicRef':'#/b'}]}}",
	 ("{'name':'t','outputSchema':{'type':'object','properties':{'result':{'oneOf':["
	  "{'$id':'u:x','$ref':'#/a'},{'$dynamicRef':'#/properties/result/b'}]}},"
	  "'required':['result']}}")},
	/* nonsense passes through */
	{OFFER_TOOLS, R26, R11, "17", SAME},
	{OFFER_TOOLS, R26, R11, "{'name':'t','outputSchema':'x','annotations':3}",
	 "{'name':'t','annotations':3}"},
	{OFFER_PROMPTS, R26, R03, "{'name':'p','arguments':{'a':1}}", SAME},
	{OFFER_PROMPTS, R26, R03, "{'name':'p','arguments':[1,null,'x']}", SAME},
};

/* ---- results ---- */

struct result_vector {
	const char *method;
	enum mcp_rev from, to;
	const char *tool; /* NULL: not listed */
	const char *in, *out;
};

#define LIST_TOOL   "{'name':'t','outputSchema':{'type':'array'}}"
#define OBJECT_TOOL "{'name':'t','outputSchema':{'type':'object'}}"

static const struct result_vector results[] = {
	{"tools/call", R26, R26, LIST_TOOL, "{'content':[],'structuredContent':[1]}", SAME},
	{"tools/call", R11, R11, OBJECT_TOOL, "{'content':[],'structuredContent':{}}", SAME},
	{"tools/call", R11, R26, OBJECT_TOOL, "{'content':[],'structuredContent':{}}", SAME},
	{"tools/call", R26, R11, OBJECT_TOOL, "{'content':[],'structuredContent':{}}", SAME},
	{"tools/call", R26, R11, NULL, "{'content':[{'type':'text','text':'x'}],'isError':true}",
	 SAME},
	/* wrapped like its schema, and said as text */
	{"tools/call", R26, R11, LIST_TOOL, "{'content':[],'structuredContent':[1,{'a':2}]}",
	 ("{'content':[{'type':'text','text':'[1,{\\\"a\\\":2}]'}],"
	  "'structuredContent':{'result':[1,{'a':2}]}}")},
	{"tools/call", R26, R06, LIST_TOOL,
	 "{'content':[{'type':'text','text':'one'}],'structuredContent':[1]}",
	 "{'content':[{'type':'text','text':'one'}],'structuredContent':{'result':[1]}}"},
	{"tools/call", R26, R06, LIST_TOOL,
	 "{'content':[{'type':'image','data':'','mimeType':'i'}],'structuredContent':'x'}",
	 ("{'content':[{'type':'image','data':'','mimeType':'i'},"
	  "{'type':'text','text':'\\\"x\\\"'}],'structuredContent':{'result':'x'}}")},
	/* an object, but the schema that the client knows is wrapped */
	{"tools/call", R26, R11, "{'name':'t','outputSchema':{'anyOf':[]}}",
	 "{'content':[{'type':'text','text':'x'}],'structuredContent':{'a':1}}",
	 "{'content':[{'type':'text','text':'x'}],'structuredContent':{'result':{'a':1}}}"},
	{"tools/call", R26, R11, NULL, "{'structuredContent':null}",
	 "{'structuredContent':{'result':null},'content':[{'type':'text','text':'null'}]}"},
	/* before structured content */
	{"tools/call", R26, R03, OBJECT_TOOL, "{'content':[],'structuredContent':{'a':1}}",
	 "{'content':[{'type':'text','text':'{\\\"a\\\":1}'}]}"},
	{"tools/call", R06, R03, OBJECT_TOOL,
	 "{'content':[{'type':'text','text':'{}'}],'structuredContent':{}}",
	 "{'content':[{'type':'text','text':'{}'}]}"},
	/* blocks */
	{"tools/call", R26, R06, NULL,
	 "{'content':[{'type':'resource_link','uri':'r:','name':'r','title':'R','icons':[]}]}",
	 "{'content':[{'type':'resource_link','uri':'r:','name':'r','title':'R'}]}"},
	{"tools/call", R26, R03, NULL,
	 ("{'content':[{'type':'resource_link','uri':'r:1','name':'n','description':'about'},"
	  "{'type':'resource_link','uri':'r:2','name':'n','title':'T'},"
	  "{'type':'resource_link','uri':'r:3'}]}"),
	 ("{'content':[{'type':'text','text':'n (r:1): about'},{'type':'text','text':'T (r:2)'},"
	  "{'type':'text','text':'r:3'}]}")},
	{"tools/call", R26, R03, NULL, "{'content':[{'type':'audio','data':'','mimeType':'a/b'}]}",
	 SAME},
	{"tools/call", R26, R24, NULL, "{'content':[{'type':'audio','data':'','mimeType':'a/b'}]}",
	 ("{'content':[{'type':'text','text':"
	  "'[audio (a/b), which this client\\u0027s protocol revision cannot carry]'}]}")},
	{"tools/call", R26, R03, NULL,
	 ("{'content':[{'type':'text','text':'x','_meta':{},'annotations':{'priority':1,"
	  "'lastModified':'d'}},{'type':'resource','resource':{'uri':'r:','text':'','_meta':{}}}]"
	  "}"),
	 ("{'content':[{'type':'text','text':'x','annotations':{'priority':1}},"
	  "{'type':'resource','resource':{'uri':'r:','text':''}}]}")},
	{"prompts/get", R26, R03, NULL,
	 ("{'messages':[{'role':'user','content':{'type':'resource_link','uri':'r:','name':'n'}},"
	  "{'role':'user','content':{'type':'text','text':'x'}}]}"),
	 ("{'messages':[{'role':'user','content':{'type':'text','text':'n (r:)'}},"
	  "{'role':'user','content':{'type':'text','text':'x'}}]}")},
	{"prompts/get", R26, R11, NULL, "{'messages':[{'role':'user','content':{'type':'audio'}}]}",
	 SAME},
	{"resources/read", R26, R03, NULL, "{'contents':[{'uri':'r:','text':'x','_meta':{}}]}",
	 "{'contents':[{'uri':'r:','text':'x'}]}"},
	{"resources/read", R26, R06, NULL, "{'contents':[{'uri':'r:','text':'x','_meta':{}}]}",
	 SAME},
	{"tools/call", R11, R26, NULL,
	 "{'content':[],'_meta':{'io.modelcontextprotocol/related-task':{'taskId':'1'},'x':1}}",
	 "{'content':[],'_meta':{'x':1}}"},
	{"tools/call", R11, R06, NULL,
	 "{'content':[],'_meta':{'io.modelcontextprotocol/related-task':{}}}", "{'content':[]}"},
	{"tools/call", R11, R06, NULL, "{'content':[],'_meta':{}}", SAME},
	{"completion/complete", R26, R03, NULL, "{'completion':{'values':[]}}", SAME},
	/* nonsense */
	{"tools/call", R26, R03, NULL, "{'content':{'x':[1]}}", SAME},
	{"tools/call", R26, R03, NULL, "{'content':[1,null,[]]}", SAME},
	{"prompts/get", R26, R03, NULL, "{'messages':[1,{'content':2}]}", SAME},
};

/* ---- questions ---- */

struct question_vector {
	const char *method;
	enum mcp_rev from, to;
	const char *in, *out; /* OUT is NULL: TO has no words for it */
};

#define ELICIT "elicitation/create"
#define SAMPLE "sampling/createMessage"

static const struct question_vector questions[] = {
	{ELICIT, R11, R11, "{'mode':'url','url':'u','message':'m','elicitationId':'e'}", SAME},
	{ELICIT, R11, R26, "{'mode':'url','url':'u','message':'m','elicitationId':'e'}",
	 "{'mode':'url','url':'u','message':'m'}"},
	{ELICIT, R26, R06, "{'mode':'url','url':'u','message':'m'}", NULL},
	{ELICIT, R26, R03, "{'message':'m'}", NULL},
	{ELICIT, R06, R24, "{'message':'m'}", NULL},
	{ELICIT, R26, R06, "{'mode':'form','message':'m','requestedSchema':{'type':'object'}}",
	 "{'message':'m','requestedSchema':{'type':'object'}}"},
	{ELICIT, R06, R26, "{'message':'m','requestedSchema':{'type':'object'}}", SAME},
	{ELICIT, R06, R11,
	 ("{'requestedSchema':{'properties':{'a':{'type':'string','enum':['x'],"
	  "'enumNames':['X']}}}}"),
	 SAME},
	{ELICIT, R11, R06,
	 ("{'requestedSchema':{'$schema':'d','type':'object','properties':{"
	  "'s':{'type':'string','default':'x'},'b':{'type':'boolean','default':true},"
	  "'n':{'type':'number','default':1,'minimum':0}}}}"),
	 ("{'requestedSchema':{'type':'object','properties':{'s':{'type':'string'},"
	  "'b':{'type':'boolean','default':true},'n':{'type':'number','minimum':0}}}}")},
	{ELICIT, R26, R06,
	 ("{'requestedSchema':{'properties':{'c':{'type':'string','oneOf':[{'const':'r','title':'"
	  "Red'},"
	  "{'const':'g'},{},7]}}}}"),
	 ("{'requestedSchema':{'properties':{'c':{'type':'string','enum':['r','g'],"
	  "'enumNames':['Red','g']}}}}")},
	{ELICIT, R26, R06,
	 ("{'requestedSchema':{'properties':{'a':{'type':'string'},'m':{'type':'array','items':{}}}"
	  ","
	  "'required':['a']}}"),
	 "{'requestedSchema':{'properties':{'a':{'type':'string'}},'required':['a']}}"},
	{ELICIT, R26, R06,
	 "{'requestedSchema':{'properties':{'m':{'type':'array'}},'required':['m']}}", NULL},
	{ELICIT, R26, R06, "{'requestedSchema':{'properties':[1]}}", SAME},
	{ELICIT, R26, R06, "{'requestedSchema':'x'}", SAME},
	{SAMPLE, R26, R06, "{'messages':[],'tools':[{'name':'t'}]}", NULL},
	{SAMPLE, R26, R06, "{'messages':[],'tools':[],'toolChoice':{},'maxTokens':1}",
	 "{'messages':[],'maxTokens':1}"},
	{SAMPLE, R26, R11,
	 "{'messages':[{'content':[{'type':'tool_use'}]}],'tools':[{'name':'t'}]}", SAME},
	{SAMPLE, R26, R06, "{'messages':[{'role':'user','content':{'type':'tool_use'}}]}", NULL},
	{SAMPLE, R26, R06, "{'messages':[{'role':'user','content':[{'type':'tool_result'}]}]}",
	 NULL},
	{SAMPLE, R26, R06,
	 ("{'messages':[{'role':'user','_meta':{},'content':[{'type':'text','text':'a'},"
	  "{'type':'text','text':'b'}]},{'role':'assistant','content':{'type':'text','text':'c'}}]"
	  "}"),
	 ("{'messages':[{'role':'user','content':{'type':'text','text':'a'}},"
	  "{'role':'user','content':{'type':'text','text':'b'}},"
	  "{'role':'assistant','content':{'type':'text','text':'c'}}]}")},
	{SAMPLE, R26, R06, "{'maxTokens':1,'messages':{}}", SAME},
	/* Tasks are in 2025-11-25 alone, whatever question tells of one. */
	{ELICIT, R11, R06,
	 ("{'message':'m','task':{},'_meta':{'io.modelcontextprotocol/related-task':{'taskId':'1'},"
	  "'x':1}}"),
	 "{'message':'m','_meta':{'x':1}}"},
	{SAMPLE, R11, R26,
	 "{'maxTokens':1,'task':{},'_meta':{'io.modelcontextprotocol/related-task':{}}}",
	 "{'maxTokens':1}"},
	{"roots/list", R11, R03, "{'_meta':{'io.modelcontextprotocol/related-task':{}}}", "{}"},
	{"roots/list", R11, R11, "{'_meta':{'io.modelcontextprotocol/related-task':{}}}", SAME},
	{"roots/list", R06, R11, "{'_meta':{}}", SAME},
	{SAMPLE, R26, R06, "'nothing'", SAME},
	{ELICIT, R26, R06, "[]", SAME},
	{"roots/list", R26, R24, "{}", SAME},
};

/* ---- the rest ---- */

static const struct {
	const char *method;
	enum mcp_rev from, to;
	const char *in, *out;
} params_vectors[] = {
	{"tools/call", R11, R11, "{'name':'t','task':{}}", SAME},
	{"tools/call", R11, R26, "{'name':'t','task':{}}", "{'name':'t'}"},
	{"tools/call", R11, R06, "{'name':'t','task':{}}", "{'name':'t'}"},
	{"tools/call", R06, R26, "{'name':'t','arguments':{'task':1}}", SAME},
	{"completion/complete", R26, R03, "{'context':{},'ref':{}}", "{'ref':{}}"},
	{"completion/complete", R26, R06, "{'context':{},'ref':{}}", SAME},
};

static const struct {
	const char *method;
	enum mcp_rev from, to;
	const char *in, *out;
} reply_vectors[] = {
	{SAMPLE, R26, R06, "{'role':'assistant','content':[{'type':'text'},{'type':'image'}]}",
	 "{'role':'assistant','content':{'type':'text'}}"},
	{SAMPLE, R26, R11, "{'content':[{'type':'text'}]}", SAME},
	{SAMPLE, R26, R06, "{'content':{'type':'text'}}", SAME},
	{SAMPLE, R26, R06, "{'content':[]}", SAME},
	{ELICIT, R26, R06, "{'action':'accept','content':{'a':1}}", SAME},
};

static const struct {
	enum mcp_rev rev;
	const char *in, *out;
} capability_vectors[] = {
	{R26, "{'elicitation':{'form':{},'url':{}},'extensions':{},'tasks':{}}",
	 "{'elicitation':{'form':{},'url':{}},'extensions':{}}"},
	{R11, "{'elicitation':{'url':{}},'sampling':{'tools':{}},'tasks':{},'extensions':{}}",
	 "{'elicitation':{'url':{}},'sampling':{'tools':{}},'tasks':{}}"},
	{R06,
	 "{'elicitation':{'form':{},'url':{}},'sampling':{'tools':{},'context':{}},'roots':{}}",
	 "{'elicitation':{},'sampling':{},'roots':{}}"},
	{R03, "{'elicitation':{},'sampling':{},'experimental':{}}",
	 "{'sampling':{},'experimental':{}}"},
	{R06, "{'elicitation':{},'roots':{'listChanged':true}}", SAME},
};

static const struct {
	const char *method;
	enum mcp_rev from, to;
	int code;
	const char *data; /* NULL: none */
	int code_out;
	const char *data_out, *result_out;
} errors[] = {
	/* resources that are not there */
	{"resources/read", R11, R26, -32002, NULL, -32602, "{'uri':'r:'}", NULL},
	{"resources/read", R11, R26, -32002, "{'x':1}", -32602, "{'x':1,'uri':'r:'}", NULL},
	{"resources/read", R11, R26, -32002, "{'uri':'other'}", -32602, "{'uri':'other'}", NULL},
	{"resources/read", R11, R26, -32002, "[1]", -32602, "[1]", NULL},
	{"resources/read", R26, R11, -32602, "{'uri':'r:'}", -32002, "{'uri':'r:'}", NULL},
	{"resources/read", R26, R11, -32602, NULL, -32602, NULL, NULL},
	{"resources/read", R26, R26, -32602, "{'uri':'r:'}", -32602, "{'uri':'r:'}", NULL},
	{"resources/read", R11, R06, -32002, NULL, -32002, "{'uri':'r:'}", NULL},
	{"tools/call", R26, R11, -32602, "{'uri':'r:'}", -32602, "{'uri':'r:'}", NULL},
	/* a method that the backend does not know after all */
	{"tools/call", R11, R26, -32601, NULL, -32601, NULL, NULL},
	{"tools/call", R26, R11, -32601, NULL, -32601, NULL, NULL},
	/* codes of the protocol and of transports */
	{"tools/call", R11, R26, -32000, NULL, -32603, NULL, NULL},
	{"tools/call", R11, R26, -32001, NULL, -32603, NULL, NULL},
	{"tools/call", R06, R26, -32020, NULL, -32603, NULL, NULL},
	{"tools/call", R11, R26, -32021, NULL, -32603, NULL, NULL},
	{"tools/call", R11, R26, -32042, NULL, -32603, NULL, NULL},
	{"tools/call", R11, R26, -32099, "{'a':1}", -32603, "{'a':1}", NULL},
	{"tools/call", R11, R26, -32100, NULL, -32100, NULL, NULL},
	{"tools/call", R11, R26, 7, NULL, 7, NULL, NULL},
	{"tools/call", R11, R11, -32042, "{'elicitations':[]}", -32042, "{'elicitations':[]}",
	 NULL},
	{"tools/call", R11, R06, -32042, NULL, -32603, NULL, NULL},
	{"tools/call", R26, R11, -32042, NULL, -32603, NULL, NULL},
	{"tools/call", R11, R11, -32000, NULL, -32000, NULL, NULL},
	{"tools/call", R26, R26, -32021, "{'requiredCapabilities':{}}", -32021,
	 "{'requiredCapabilities':{}}", NULL},
	{"tools/call", R26, R26, -32020, NULL, -32603, NULL, NULL},
	{"tools/call", R26, R26, -32022, NULL, -32603, NULL, NULL},
	{"resources/read", R26, R26, -32002, NULL, -32602, "{'uri':'r:'}", NULL},
	{"prompts/get", R26, R11, -32021, NULL, -32603, NULL, NULL},
	{"tools/call", R26, R11, -32022, NULL, -32603, NULL, NULL},
	{"tools/call", R26, R11, -32021, "{'requiredCapabilities':{'sampling':{}}}", -32603, NULL,
	 ("{'content':[{'type':'text','text':'why; the client would have to support "
	  "{\\\"sampling\\\":{}}'}],'isError':true}")},
};

/* OUT is as expected; IN, which is released, is as it was. */
static void check(const char *what, size_t i, json_t *in, json_t *copy, json_t *out,
		  const char *expected)
{
	bool good;

	if (!expected)
		good = !out;
	else if (strcmp(expected, SAME) == 0)
		good = out == in;
	else
		good = out && json_is(out, expected);
	if (!good || !json_equal(in, copy))
		fail_msg("%s %zu", what, i);
	json_decref(out);
	json_decref(copy);
	json_decref(in);
}

#define EACH(table) for (size_t i = 0; i < sizeof table / sizeof(*(table)); i++)

static void check_entries(void **state)
{
	(void)state;
	EACH(entries)
	{
		json_t *in = json_of(entries[i].in), *copy = json_deep_copy(in);

		check("entry", i, in, copy,
		      translate_entry(entries[i].kind, entries[i].from, entries[i].to, in),
		      entries[i].out);
	}
}

static json_t *run_result(size_t i, json_t *in)
{
	json_t *tool = results[i].tool ? json_of(results[i].tool) : NULL, *out;
	const struct translate t = {results[i].from, results[i].to, results[i].method, NULL, tool};

	out = translate_result(&t, in);
	json_decref(tool);
	return out;
}

static void check_results(void **state)
{
	(void)state;
	EACH(results)
	{
		json_t *in = json_of(results[i].in), *copy = json_deep_copy(in);

		check("result", i, in, copy, run_result(i, in), results[i].out);
	}
}

static void check_questions(void **state)
{
	(void)state;
	EACH(questions)
	{
		json_t *in = json_of(questions[i].in), *copy = json_deep_copy(in);
		struct err e = {0};
		json_t *out = translate_question(questions[i].method, questions[i].from,
						 questions[i].to, in, &e);

		assert_int_equal(e.code, questions[i].out != NULL ? 0 : ERR_UNSUPPORTED);
		check("question", i, in, copy, out, questions[i].out);
	}
}

/* 2025-11-25 demands an id, and nobody may guess it. */
static void elicitation_gets_an_id(void **state)
{
	json_t *in = json_of("{'mode':'url','url':'u','message':'m'}"), *out[2];
	const char *id[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		out[i] = translate_question(ELICIT, R26, R11, in, NULL);
		id[i] = json_string_value(json_object_get(out[i], "elicitationId"));
		assert_non_null(id[i]);
		assert_int_equal(strlen(id[i]), 32);
		assert_int_equal(json_object_size(out[i]), 4);
	}
	assert_string_not_equal(id[0], id[1]);
	assert_null(json_object_get(in, "elicitationId"));
	json_decref(out[0]);
	json_decref(out[1]);
	json_decref(in);
}

static void check_the_rest(void **state)
{
	(void)state;
	EACH(params_vectors)
	{
		const struct translate t = {params_vectors[i].from, params_vectors[i].to,
					    params_vectors[i].method, NULL, NULL};
		json_t *in = json_of(params_vectors[i].in), *copy = json_deep_copy(in);

		check("params", i, in, copy, translate_params(&t, in), params_vectors[i].out);
	}
	EACH(reply_vectors)
	{
		json_t *in = json_of(reply_vectors[i].in), *copy = json_deep_copy(in);

		check("reply", i, in, copy,
		      translate_reply(reply_vectors[i].method, reply_vectors[i].from,
				      reply_vectors[i].to, in),
		      reply_vectors[i].out);
	}
	EACH(capability_vectors)
	{
		json_t *in = json_of(capability_vectors[i].in), *copy = json_deep_copy(in);

		check("capabilities", i, in, copy,
		      translate_capabilities(capability_vectors[i].rev, in),
		      capability_vectors[i].out);
	}
}

static bool same_json(const json_t *value, const char *text)
{
	return text ? value != NULL && json_is(value, text) : !value;
}

static void check_errors(void **state)
{
	json_t *params = json_of("{'uri':'r:'}");

	(void)state;
	EACH(errors)
	{
		const struct translate t = {errors[i].from, errors[i].to, errors[i].method, params,
					    NULL};
		json_t *data = errors[i].data ? json_of(errors[i].data) : NULL;
		struct translated_error e;

		translate_error(&t, errors[i].code, "why", data, &e);
		if (e.code != errors[i].code_out || !same_json(e.data, errors[i].data_out) ||
		    !same_json(e.result, errors[i].result_out))
			fail_msg("error %zu: %d", i, e.code);
		json_decref(e.data);
		json_decref(e.result);
		json_decref(data);
	}
	json_decref(params);
}

/* Where the revisions agree nothing is looked at: the same value, whatever is inside. */
static void agreement_costs_nothing(void **state)
{
	static const enum mcp_rev revs[] = {R24, R03, R06, R11, R26};

	(void)state;
	EACH(results)
	{
		json_t *in = json_of(results[i].in);

		for (size_t k = 0; k < 5; k++) {
			const struct translate t = {revs[k], revs[k], results[i].method, NULL,
						    NULL};
			json_t *out;

			failalloc_at(1, true);
			out = translate_result(&t, in);
			assert_false(failalloc_off());
			assert_ptr_equal(out, in);
			json_decref(out);
		}
		json_decref(in);
	}
	EACH(entries)
	{
		json_t *in = json_of(entries[i].in), *out;

		failalloc_at(1, true);
		out = translate_entry(entries[i].kind, entries[i].to, entries[i].to, in);
		assert_false(failalloc_off());
		assert_ptr_equal(out, in);
		json_decref(out);
		json_decref(in);
	}
}

/* Deeper than any schema that somebody means, and one that refers to itself all over. */
static void hostile_schemas(void **state)
{
	json_t *schema = json_of("{'$ref':'#'}"), *tool, *out;

	(void)state;
	for (int i = 0; i < 1500; i++)
		schema = i % 2 ? json_pack("{s:o}", "not", schema)
			       : json_pack("{s:[o]}", "anyOf", schema);
	tool = json_pack("{s:s, s:o}", "name", "t", "outputSchema", schema);
	out = translate_entry(OFFER_TOOLS, R26, R11, tool);
	assert_non_null(out);
	assert_true(
		json_object_get(json_object_get(json_object_get(out, "outputSchema"), "properties"),
				"result") == schema);
	json_decref(out);
	json_decref(tool);
}

/* One vector with allocation N failing; false: none failed. A result is whole, or there is none. */
static bool starve_result(size_t i, long n)
{
	json_t *in = json_of(results[i].in), *copy = json_deep_copy(in);
	json_t *tool = results[i].tool ? json_of(results[i].tool) : NULL, *out;
	const struct translate t = {results[i].from, results[i].to, results[i].method, NULL, tool};
	bool failed;

	failalloc_at(n, false);
	out = translate_result(&t, in);
	failed = failalloc_off();
	json_decref(tool);
	check("starved result", i, in, copy, out, out != NULL ? results[i].out : NULL);
	return failed;
}

static bool starve_entry(size_t i, long n)
{
	json_t *in = json_of(entries[i].in), *copy = json_deep_copy(in), *out;
	bool failed;

	failalloc_at(n, false);
	out = translate_entry(entries[i].kind, entries[i].from, entries[i].to, in);
	failed = failalloc_off();
	check("starved entry", i, in, copy, out, out != NULL ? entries[i].out : NULL);
	return failed;
}

static bool starve_question(size_t i, long n)
{
	json_t *in = json_of(questions[i].in), *copy = json_deep_copy(in), *out;
	struct err e = {0};
	bool failed;

	failalloc_at(n, false);
	out = translate_question(questions[i].method, questions[i].from, questions[i].to, in, &e);
	failed = failalloc_off();
	assert_true((out == NULL) == (e.code != 0));
	check("starved question", i, in, copy, out, out != NULL ? questions[i].out : NULL);
	return failed;
}

static bool starve_error(size_t i, long n)
{
	json_t *data = errors[i].data ? json_of(errors[i].data) : NULL;
	const struct translate t = {errors[i].from, errors[i].to, errors[i].method, NULL, NULL};
	struct translated_error e;
	bool failed;

	failalloc_at(n, false);
	translate_error(&t, errors[i].code, "why", data, &e);
	failed = failalloc_off();
	assert_int_equal(e.code, errors[i].code_out);
	json_decref(e.data);
	json_decref(e.result);
	json_decref(data);
	return failed;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	EACH(results)
	for (long n = 1; starve_result(i, n); n++)
		;
	EACH(entries)
	for (long n = 1; starve_entry(i, n); n++)
		;
	EACH(questions)
	for (long n = 1; starve_question(i, n); n++)
		;
	EACH(errors)
	for (long n = 1; starve_error(i, n); n++)
		;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_entries),
		cmocka_unit_test(check_results),
		cmocka_unit_test(check_questions),
		cmocka_unit_test(elicitation_gets_an_id),
		cmocka_unit_test(check_the_rest),
		cmocka_unit_test(check_errors),
		cmocka_unit_test(agreement_costs_nothing),
		cmocka_unit_test(hostile_schemas),
		cmocka_unit_test(every_allocation_may_fail),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("translate", tests, NULL, NULL);
}
