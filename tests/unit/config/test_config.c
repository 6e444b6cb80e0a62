/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/config_impl.h"
#include "failalloc.h"

/* TEXT with ' for ". */
static struct config *parse(const char *text, struct err *e)
{
	static char copy[8192]; /* not from the heap, which may be failing on purpose */

	assert_true(strlen(text) < sizeof copy);
	strcpy(copy, text);
	for (char *p = copy; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	return config_parse(copy, strlen(copy), "t.json", e);
}

static struct config *good(const char *text)
{
	struct err e = {0};
	struct config *c = parse(text, &e);

	if (!c)
		fail_msg("%s: %s", text, e.text);
	return c;
}

/* TEXT is refused with exactly WANTED (after the name of the file). */
static void bad(const char *text, const char *wanted)
{
	struct err e = {0};
	struct config *c = parse(text, &e);
	char whole[600];

	if (c)
		fail_msg("accepted: %s", text);
	snprintf(whole, sizeof whole, "t.json: %s", wanted);
	assert_string_equal(e.text, whole);
	assert_true(e.code == ERR_INVALID || e.code == ERR_PARSE);
}

static void defaults(void **state)
{
	struct config *c = good("{}");

	(void)state;
	assert_string_equal(c->file, "t.json");
	assert_string_equal(c->listen[0], "127.0.0.1:6200");
	assert_null(c->listen[1]);
	assert_string_equal(c->path, "/mcp");
	assert_int_equal(c->control_mode, 0660);
	assert_null(c->control_group);
	assert_null(c->allowed_origins[0]);
	assert_null(c->allowed_hosts[0]);
	assert_int_equal(c->sessions.idle_timeout_ms, 1800000);
	assert_int_equal(c->sessions.max, 10000);
	assert_int_equal(c->sessions.max_per_user, 100);
	assert_int_equal(c->sessions.max_per_peer, 1000);
	assert_int_equal(c->limits.max_body, 4 << 20);
	assert_int_equal(c->limits.max_headers, 32 << 10);
	assert_int_equal(c->limits.max_depth, 64);
	assert_int_equal(c->limits.max_batch, 50);
	assert_int_equal(c->limits.max_calls, 64);
	assert_int_equal(c->limits.max_streams, 8);
	assert_int_equal(c->limits.max_subscriptions, 256);
	assert_int_equal(c->limits.max_line, 16 << 20);
	assert_int_equal(c->limits.max_children, 1024);
	assert_int_equal(c->limits.max_children_per_peer, 256);
	assert_int_equal(c->limits.max_connections, 0);
	assert_int_equal(c->limits.call_timeout_ms, 3600000);
	assert_int_equal(c->limits.question_timeout_ms, 600000);
	assert_int_equal(c->limits.keepalive_ms, 20000);
	assert_int_equal(c->limits.upgrade_ms, 1000);
	assert_int_equal(c->limits.learn_wait_ms, 20000);
	assert_int_equal(c->limits.retry_ms, 5000);
	assert_int_equal(c->limits.replay_events, 512);
	assert_int_equal(c->limits.replay_bytes, 1 << 20);
	assert_int_equal(c->limits.replay_age_ms, 300000);
	assert_int_equal(c->limits.max_backlog, 4 << 20);
	assert_int_equal(c->limits.page_size, 1000);
	assert_int_equal(c->limits.connection_idle_ms, 600000);
	assert_int_equal(c->log.target, LOG_TARGET_STDERR);
	assert_int_equal(c->log.level, LOGL_NOTICE);
	assert_int_equal(c->n_backends, 0);
	config_free(&c);
	assert_null(c);
	config_free(&c);
}

static void control_is(const char *wanted)
{
	struct config *c = good("{}");

	assert_string_equal(c->control, wanted);
	config_free(&c);
}

static void control_default(void **state)
{
	const uid_t uid = geteuid();
	struct config *c;
	char tmp[64];

	(void)state;
	if (uid == 0) {
		c = good("{}");
		assert_non_null(strstr(c->control, "/mcpd/control.sock"));
		config_free(&c);
		assert_int_equal(seteuid(12345), 0);
	}
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	control_is("/run/user/7/mcpd/control.sock");
	snprintf(tmp, sizeof tmp, "/tmp/mcpd-%d/control.sock", (int)geteuid());
	setenv("XDG_RUNTIME_DIR", "relative", 1);
	control_is(tmp);
	unsetenv("XDG_RUNTIME_DIR");
	control_is(tmp);
	assert_int_equal(seteuid(uid), 0);
}

/* What is allowed and yet probably not what was meant is said. */
static void warnings(void **state)
{
	struct config *c;

	(void)state;
	log_set_level(LOGL_NOTICE);
	capture_start();
	c = good("{'listen':['127.0.0.2:1','[::1]:1','localhost:1'],'mcpServers':{'a':{'command':'"
		 "cat'}}}");
	config_free(&c);
	assert_int_equal(capture_count(), 0);
	c = good("{'listen':['0.0.0.0:1','[::]:1'],'mcpServers':{'a':{'command':'cat','disabled':"
		 "true}}}");
	config_free(&c);
	assert_int_equal(capture_matches("listen: 0.0.0.0:1 is not a loopback address"), 1);
	assert_int_equal(capture_matches("listen: [::]:1 is not a loopback address"), 1);
	assert_int_equal(capture_matches("mcpServers: there is no server"), 1);
	assert_int_equal(capture_count(), 3);
	capture_stop();
	log_set_level(LOGL_ERROR);
}

/* What the file may say about the daemon as a whole. */
static void top(void **state)
{
	struct config *c =
		good("{'listen':['[::1]:0','localhost:80'],'path':'/a/b','control':'/x/y',"
		     "'controlMode':'600','controlGroup':'root','allowedOrigins':['*','a.b'],"
		     "'allowedHosts':['h'],'log':{'target':'json','level':'debug'},"
		     "'auth':{'mode':'none'},'sessions':{'idleTimeout':0.25}}");

	(void)state;
	assert_string_equal(c->listen[0], "[::1]:0");
	assert_string_equal(c->listen[1], "localhost:80");
	assert_null(c->listen[2]);
	assert_string_equal(c->path, "/a/b");
	assert_string_equal(c->control, "/x/y");
	assert_int_equal(c->control_mode, 0600);
	assert_string_equal(c->control_group, "root");
	assert_string_equal(c->allowed_origins[1], "a.b");
	assert_string_equal(c->allowed_hosts[0], "h");
	assert_int_equal(c->log.target, LOG_TARGET_JSON);
	assert_int_equal(c->log.level, LOGL_DEBUG);
	assert_int_equal(c->sessions.idle_timeout_ms, 250);
	config_free(&c);
	c = good("{'listen':'*:1','path':'/'}");
	assert_string_equal(c->listen[0], "*:1");
	config_free(&c);
}

static void bad_top(void **state)
{
	static const char *const cases[][2] = {
		{"[]", "expected an object, found an array"},
		{"{'limit':{}}", "limit: unknown key (did you mean \"limits\"?)"},
		{"{'Path':'/a'}", "Path: unknown key (did you mean \"path\"?)"},
		{"{'a b':1}", "[\"a b\"]: unknown key"},
		{"{'limits':{'maxBodies':1}}", "limits.maxBodies: unknown key"},
		{"{'limits':{'maxbody':1}}",
		 "limits.maxbody: unknown key (did you mean \"maxBody\"?)"},
		{"{'limits':{'maxBody':1}}",
		 "limits.maxBody: expected a whole number from 1024 to 1073741824"},
		{"{'limits':{'maxBatch':1.5}}",
		 "limits.maxBatch: expected a whole number from 1 to 10000"},
		{"{'limits':{'maxBatch':'1'}}",
		 "limits.maxBatch: expected a whole number, found a string"},
		{"{'limits':{'keepAlive':-1}}",
		 "limits.keepAlive: expected a number of seconds from 0 to 31622400"},
		{"{'limits':{'keepAlive':1e99}}",
		 "limits.keepAlive: expected a number of seconds from 0 to 31622400"},
		{"{'limits':{'keepAlive':true}}",
		 "limits.keepAlive: expected a number of seconds, found true"},
		{"{'limits':null}", "limits: expected an object, found null"},
		{"{'listen':[]}",
		 "listen: expected a string or an array of one or more strings, found an array"},
		{"{'listen':['a:1',2]}", "listen[1]: expected a string, found a number"},
		{"{'path':''}", "path: must not be empty"},
		{"{'path':7}", "path: expected a string, found a number"},
		{"{'path':'/health'}", "path: \"/health\" is taken by the health check"},
		{"{'controlMode':'0999'}", "controlMode: expected an octal mode like \"0660\""},
		{"{'controlMode':660}", "controlMode: expected an octal mode like \"0660\""},
		{"{'controlMode':'1777'}", "controlMode: expected an octal mode like \"0660\""},
		{"{'controlGroup':'no such'}", "controlGroup: there is no group \"no such\""},
		{"{'control':'x'}", "control: expected an absolute path of less than 108 bytes"},
		{"{'log':{'level':'loud'}}",
		 "log.level: expected one of error, warning, notice, info, debug, found \"loud\""},
		{"{'log':{'target':{}}}", "log.target: expected one of stderr, syslog, json"},
		{"{'auth':{'mode':'oauth'}}",
		 "auth.mode: expected one of none, tokens, jwt, introspect, found \"oauth\""},
		{"{'auth':{'mode':'none','x':1}}", "auth.x: unknown key"},
		{"{'auth':{'mode':'jwt'}}", "auth: mode \"jwt\" needs \"issuer\""},
		{"{'auth':{'mode':'jwt','issuer':'https://a'}}",
		 "auth: mode \"jwt\" needs \"resource\""},
		{"{'auth':{'mode':'introspect','issuer':'https://a','resource':'https://b/mcp'}}",
		 "auth: mode \"introspect\" needs \"clientId\""},
		{"{'auth':{'mode':'introspect','clientId':'x','issuer':'https://a'}}",
		 "auth: mode \"introspect\" needs \"clientSecret\""},
		{"{'auth':{'issuer':'http://a.example'}}",
		 ("auth.issuer: expected an https:// URL (http:// only for a loopback address) "
		  "without user and fragment")},
		{"{'auth':{'issuer':'https://u:p@a'}}",
		 ("auth.issuer: expected an https:// URL (http:// only for a loopback address) "
		  "without user and fragment")},
		{"{'auth':{'jwksUri':'http://127.0.0.1.example'}}",
		 ("auth.jwksUri: expected an https:// URL (http:// only for a loopback address) "
		  "without user and fragment")},
		{"{'auth':{'resource':'https://A/mcp/'}}",
		 ("auth.resource: expected the endpoint's URL as clients know it, like "
		  "\"https://mcp.example.com/mcp\": host in lower case, no default port, no query, "
		  "no slash at the end")},
		{"{'auth':{'algorithms':['none']}}",
		 ("auth.algorithms: \"none\" is none of RS256, RS384, RS512, PS256, PS384, PS512, "
		  "ES256, ES384, ES512")},
		{"{'auth':{'algorithms':['HS256']}}",
		 ("auth.algorithms: \"HS256\" is none of RS256, RS384, RS512, PS256, PS384, PS512, "
		  "ES256, ES384, ES512")},
		{"{'auth':{'algorithms':[]}}",
		 "auth.algorithms: expected an array of one or more strings, found an array"},
		{"{'auth':{'scopes':['a b']}}", "auth.scopes: \"a b\" is not a scope"},
		{"{'auth':{'toolScopes':{'a':['b']}}}",
		 "auth.toolScopes.a: expected \"SERVER/TOOL\" or \"SERVER/*\""},
		{"{'auth':{'toolScopes':{'a/b':[]}}}",
		 ("auth.toolScopes.a/b: expected an array of one or more scopes, found an "
		  "array")},
		{"{'auth':{'tokensFile':'x'}}", "auth.tokensFile: expected an absolute path"},
		{"{'auth':7}", "auth: expected an object, found a number"},
		{"{'store':{'dir':'x'}}", "store.dir: unknown key"},
		{"{'store':{'path':'x'}}", "store.path: expected an absolute path"},
		{"{'store':{'kind':'redis'}}",
		 "store.kind: expected one of auto, memory, sqlite, found \"redis\""},
		{"{'allowedHosts':'a'}",
		 "allowedHosts: expected an array of strings, found a string"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		bad(cases[i][0], cases[i][1]);
}

static void bad_addresses(void **state)
{
	static const char *const addresses[] = {
		"",	 "a",	 ":1",	  "a:",		"a:65536", "a:x",  "a:1x",
		"::1:1", "[]:1", "[::1]", "http://a:1", "a b:1",   "a:-1", "a:123456"};
	char text[80];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		snprintf(text, sizeof text, "{'listen':'%s'}", addresses[i]);
		if (parse(text, &e))
			fail_msg("accepted: %s", addresses[i]);
		assert_non_null(strstr(e.text, "t.json: listen: expected \"ADDRESS:PORT\""));
	}
}

static void bad_paths(void **state)
{
	static const char *const paths[] = {"mcp", "/mcp/", "/a//b", "/a b", "/%41", "/a?b"};
	char text[80];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		snprintf(text, sizeof text, "{'path':'%s'}", paths[i]);
		if (parse(text, &e))
			fail_msg("accepted: %s", paths[i]);
		assert_non_null(strstr(e.text, "t.json: path: expected a path like"));
	}
}

static void syntax(void **state)
{
	struct config *c;
	struct err e;

	(void)state;
	assert_null(parse("{'a':\n  1,,\n}", &e));
	assert_int_equal(e.code, ERR_PARSE);
	assert_non_null(strstr(e.text, "t.json: line 2, column "));
	/* Whoever reads a duplicate key sees one of the two, and not always the same. */
	assert_null(parse("{'path':'/a',\n'path':'/b'}", &e));
	assert_int_equal(e.code, ERR_PARSE);
	assert_non_null(strstr(e.text, "t.json: line 2, column "));
	assert_non_null(strstr(e.text, "duplicate"));
	c = good("\xef\xbb\xbf{'path':'/a'}"); /* a byte order mark */
	assert_string_equal(c->path, "/a");
	config_free(&c);
	assert_null(parse("", &e));
	assert_int_equal(e.code, ERR_PARSE);
	assert_null(parse("{} {}", &e));
	/* A NUL byte would end a path early. */
	assert_null(parse("{'path':'/a\\u0000b'}", &e));
	assert_int_equal(e.code, ERR_PARSE);
}

static void files(void **state)
{
	char dir[] = "/tmp/test_config.XXXXXX", file[64], wanted[128];
	struct err e;
	struct config *c;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/c.json", dir);
	assert_null(config_load(file, &e));
	assert_int_equal(e.code, ERR_NOTFOUND);
	snprintf(wanted, sizeof wanted, "%s: No such file or directory", file);
	assert_string_equal(e.text, wanted);
	assert_null(config_load(dir, &e));
	assert_int_equal(e.code, ERR_IO);
	f = fopen(file, "w");
	assert_non_null(f);
	fprintf(f, "{\"path\":%20000s\"/x\"}", "");
	fclose(f);
	c = config_load(file, &e);
	assert_non_null(c);
	assert_string_equal(c->path, "/x");
	assert_string_equal(c->file, file);
	config_free(&c);
	unlink(file);
	rmdir(dir);
}

static void stdio(void **state)
{
	struct config *c = good(
		"{'mcpServers':{"
		"'a':{'command':'cat','args':['-u','x'],'env':{'K':'V','E':''},'cwd':'/tmp',"
		"'scope':'shared','maxChildren':3,'idleStop':1.5,'startTimeout':2,'callTimeout':4},"
		"'off':{'command':'/no/such','disabled':true},"
		"'gone':{'url':'https://x','disabled':true},"
		"'b.1':{'type':'stdio','command':'/bin/cat'}}}");
	const struct config_backend *b = c->backends;

	(void)state;
	assert_int_equal(c->n_backends, 2);
	assert_string_equal(b->name, "a");
	assert_int_equal(b->kind, CONFIG_STDIO);
	assert_string_equal(b->argv[0], "cat");
	assert_string_equal(b->argv[1], "-u");
	assert_string_equal(b->argv[2], "x");
	assert_null(b->argv[3]);
	assert_string_equal(b->env[0], "K=V");
	assert_string_equal(b->env[1], "E=");
	assert_null(b->env[2]);
	assert_string_equal(b->cwd, "/tmp");
	assert_int_equal(b->scope, CONFIG_SCOPE_SHARED);
	assert_int_equal(b->max_children, 3);
	assert_int_equal(b->idle_stop_ms, 1500);
	assert_int_equal(b->start_timeout_ms, 2000);
	assert_int_equal(b->call_timeout_ms, 4000);
	b++;
	assert_string_equal(b->name, "b.1");
	assert_string_equal(b->argv[0], "/bin/cat");
	assert_null(b->argv[1]);
	assert_null(b->env[0]);
	assert_null(b->cwd);
	assert_int_equal(b->scope, CONFIG_SCOPE_SESSION);
	assert_int_equal(b->max_children, 256);
	assert_int_equal(b->idle_stop_ms, 0);
	assert_int_equal(b->start_timeout_ms, 60000);
	assert_int_equal(b->call_timeout_ms, 0);
	config_free(&c);
}

static void exec(void **state)
{
	struct config *c =
		good("{'mcpServers':{'h':{'cwd':'/','env':{'A':'b'},'tools':{"
		     "'up':{'command':['true']},"
		     "'ls':{'title':'T','description':'D','command':['ls','--','{p}'],"
		     "'inputSchema':{'type':'object','properties':{'p':{'type':'string'}}},"
		     "'outputSchema':{'type':'object'},'structured':true,"
		     "'annotations':{'title':'t','readOnlyHint':true},"
		     "'cwd':'/tmp','timeout':0.5,'maxOutput':10}}}}}");
	const struct config_backend *b = c->backends;

	(void)state;
	assert_int_equal(b->kind, CONFIG_EXEC);
	assert_int_equal(b->n_tools, 2);
	assert_string_equal(b->cwd, "/");
	assert_string_equal(b->env[0], "A=b");
	assert_string_equal(b->tools[0].name, "up");
	assert_true(json_is(b->tools[0].entry, "{'name':'up','inputSchema':{'type':'object',"
					       "'additionalProperties':false}}"));
	assert_int_equal(b->tools[0].timeout_ms, 30000);
	assert_int_equal(b->tools[0].max_output, 1 << 20);
	assert_false(b->tools[0].structured);
	assert_null(b->tools[0].cwd);
	assert_true(json_is(b->tools[1].entry,
			    "{'name':'ls','title':'T','description':'D',"
			    "'inputSchema':{'type':'object','properties':{'p':{'type':'string'}}},"
			    "'outputSchema':{'type':'object'},"
			    "'annotations':{'title':'t','readOnlyHint':true}}"));
	assert_string_equal(b->tools[1].command[2], "{p}");
	assert_string_equal(b->tools[1].cwd, "/tmp");
	assert_int_equal(b->tools[1].timeout_ms, 500);
	assert_int_equal(b->tools[1].max_output, 10);
	assert_true(b->tools[1].structured);
	config_free(&c);
}

static void bad_backends(void **state)
{
	static const char *const cases[][2] = {
		{"[]", "mcpServers: expected an object of servers, found an array"},
		{"{'a':[]}", "mcpServers.a: expected an object, found an array"},
		{"{'a':{}}",
		 "mcpServers.a: expected \"command\" (a stdio server), \"url\" (an HTTP server), "
		 "\"web\" (a web endpoint) or \"tools\" (commands)"},
		{"{'a':{'command':'cat','tools':{}}}",
		 "mcpServers.a: \"command\" and \"tools\" exclude each other"},
		{"{'a':{'url':'ftp://x'}}",
		 "mcpServers.a.url: expected an http:// or https:// URL without fragment"},
		{"{'a':{'url':'http://x','headers':{'Host':'y'}}}",
		 "mcpServers.a.headers.Host: not a header name that can be set here"},
		{"{'a':{'url':'http://x','headers':{'X':{'env':'MCPD_NO_SUCH'}}}}",
		 "mcpServers.a.headers.X: the environment variable \"MCPD_NO_SUCH\" is not set"},
		{"{'a':{'url':'http://x','headers':{'X':{'file':'/nonexistent'}}}}",
		 "mcpServers.a.headers.X: the file \"/nonexistent\" cannot be read, or is empty"},
		{"{'a':{'web':'http://x?y'}}",
		 "mcpServers.a.web: expected an http:// or https:// URL without user, query and "
		 "fragment"},
		{"{'a':{'web':'http://x','credential':{'from':'exchange'}}}",
		 "mcpServers.a.credential: \"exchange\" needs a \"tokenEndpoint\", the issuer's"},
		{"{'a':{'web':'http://x','credential':{'from':'client','tokenEndpoint':'https://"
		 "i'}}}",
		 "mcpServers.a.credential: \"client\" needs a \"clientId\" and a \"clientSecret\""},
		{"{'a':{'web':'http://x','credential':{'tokenEndpoint':'http://i'}}}",
		 "mcpServers.a.credential.tokenEndpoint: expected an https:// URL (http:// only to "
		 "this "
		 "machine)"},
		{"{'a':{'web':'http://x','credential':{'tokenEndpoint':'https://i'}}}",
		 "mcpServers.a.credential: \"tokenEndpoint\" and \"clientId\" are for \"exchange\" "
		 "and "
		 "\"client\""},
		{"{'a':{'web':'http://"
		 "x','headers':{'authorization':'x'},'credential':{'from':'secret'}}}",
		 "mcpServers.a.credential: \"headers\" set Authorization, too"},
		{"{'a':{'web':'http://x','credential':{'from':'secret','header':'a b'}}}",
		 "mcpServers.a.credential.header: expected the name of a header"},
		{"{'a':{'url':'http://x','scope':'shared','credential':{'from':'secret'}}}",
		 "mcpServers.a: each user's own credential needs a \"scope\" of \"user\" or "
		 "\"session\""},
		{"{'a':{'web':'http://x','forwardToken':true,'credential':{'from':'secret'}}}",
		 "mcpServers.a: \"forwardToken\" and \"credential\" exclude each other"},
		{"{'a':{'web':'http://x','forwardToken':true}}",
		 "mcpServers.a.forwardToken: there is no token of an issuer that could be passed "
		 "on: \"auth\" needs the mode \"jwt\" or \"introspect\""},
		{"{'a':{'web':'http://x','toolsPath':'x'}}",
		 "mcpServers.a.toolsPath: expected a path that begins with \"/\", without "
		 "fragment"},
		{"{'a':{'command':'cat','type':'sse'}}",
		 "mcpServers.a.type: expected \"stdio\" (that is what the other keys say), found "
		 "\"sse\""},
		{"{'a':{'command':7}}", "mcpServers.a.command: expected a string, found a number"},
		{"{'a':{'command':''}}", "mcpServers.a.command: must not be empty"},
		{"{'a':{'command':'cat','args':'x'}}",
		 "mcpServers.a.args: expected an array of strings, found a string"},
		{"{'a':{'command':'cat','args':['x',[]]}}",
		 "mcpServers.a.args[1]: expected a string, found an array"},
		{"{'a':{'command':'cat','arg':[]}}",
		 "mcpServers.a.arg: unknown key (did you mean \"args\"?)"},
		{"{'a':{'command':'cat','env':{'X':1}}}",
		 "mcpServers.a.env.X: expected a string, found a number"},
		{"{'a':{'command':'cat','env':{'X=':'1'}}}",
		 "mcpServers.a.env.X=: a name of a variable is not empty and has no \"=\""},
		{"{'a':{'command':'cat','env':[]}}",
		 "mcpServers.a.env: expected an object of strings, found an array"},
		{"{'a':{'command':'cat','scope':'all'}}",
		 "mcpServers.a.scope: expected one of session, user, shared, found \"all\""},
		{"{'a':{'command':'/no/such'}}",
		 "mcpServers.a.command: \"/no/such\": No such file or directory"},
		{"{'a':{'command':'/etc/passwd'}}",
		 "mcpServers.a.command: \"/etc/passwd\": Permission denied"},
		{"{'a':{'command':'no-such','env':{'PATH':'/tmp:/bin'}}}",
		 "mcpServers.a.command: no program \"no-such\" in PATH (/tmp:/bin)"},
		{"{'a':{'command':'cat','cwd':'/no/such'}}",
		 "mcpServers.a.cwd: /no/such: No such file or directory"},
		{"{'a':{'command':'cat','cwd':'/etc/passwd'}}",
		 "mcpServers.a.cwd: /etc/passwd: Not a directory"},
		{"{'a':{'command':'cat','disabled':1}}",
		 "mcpServers.a.disabled: expected true or false, found a number"},
		/* It is disabled, yet what is written there has to make sense. */
		{"{'a':{'command':'cat','disabled':true,'x':1}}", "mcpServers.a.x: unknown key"},
		{"{'h':{'tools':{}}}",
		 "mcpServers.h.tools: expected an object of one or more tools, found an object"},
		{"{'h':{'tools':{'a b':{'command':['cat']}}}}",
		 "mcpServers.h.tools[\"a b\"]: a name of a tool has 1 to 64 letters, digits and _ "
		 ". -"},
		{"{'h':{'tools':{'t':{}}}}",
		 "mcpServers.h.tools.t: \"command\" is missing (an array of strings)"},
		{"{'h':{'tools':{'t':{'command':[]}}}}",
		 "mcpServers.h.tools.t.command: expected the program and its arguments, found "
		 "nothing"},
		{"{'h':{'tools':{'t':{'command':'cat'}}}}",
		 "mcpServers.h.tools.t.command: expected an array of strings, found a string"},
		{"{'h':{'tools':{'t':{'command':['/no/such']}}}}",
		 "mcpServers.h.tools.t.command: \"/no/such\": No such file or directory"},
		{"{'h':{'tools':{'t':{'command':['cat','{x}']}}}}",
		 "mcpServers.h.tools.t.command: {x} is not one of inputSchema.properties (write "
		 "\"{{x}}\" for the plain text)"},
		{"{'h':{'tools':{'t':{'command':['cat'],'inputSchema':{}}}}}",
		 "mcpServers.h.tools.t.inputSchema: expected a schema with \"type\": \"object\" "
		 "(MCP "
		 "asks for it)"},
		{"{'h':{'tools':{'t':{'command':['cat'],'inputSchema':{'type':'object',"
		 "'properties':{'a':{'oneOf':[]}}}}}}}",
		 "mcpServers.h.tools.t.inputSchema: properties.a.oneOf: is not among the keywords "
		 "that "
		 "mcpd checks"},
		{"{'h':{'tools':{'t':{'command':['cat'],'outputSchema':{'type':'object'}}}}}",
		 "mcpServers.h.tools.t: an \"outputSchema\" needs \"structured\": true"},
		{"{'h':{'tools':{'t':{'command':['cat'],'annotations':{'x':true}}}}}",
		 "mcpServers.h.tools.t.annotations.x: unknown key"},
		{"{'h':{'tools':{'t':{'command':['cat'],'annotations':{'title':true}}}}}",
		 "mcpServers.h.tools.t.annotations.title: expected a string, found true"},
		{"{'h':{'tools':{'t':{'command':['cat'],'cwd':'/no'}}}}",
		 "mcpServers.h.tools.t.cwd: /no: No such file or directory"},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(text, sizeof text, "{'mcpServers':%s}", cases[i][0]);
		bad(text, cases[i][1]);
	}
}

static void backend_names(void **state)
{
	static const char *const names[] = {"",	   "_a",       ".a",
					    "-a",  "a__b",     "a b",
					    "a/b", "\xc3\xa4", "abcdefghijklmnopqrstuvwxyzabcdefg"};
	char text[100];
	struct config *c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(text, sizeof text, "{'mcpServers':{'%s':{'command':'cat'}}}", names[i]);
		if (parse(text, &e))
			fail_msg("accepted: %s", names[i]);
		assert_non_null(strstr(e.text, "a name of a server has 1 to 32"));
	}
	c = good("{'mcpServers':{'0_a-b.cdefghijklmnopqrstuvwxyzab':{'command':'cat'}}}");
	config_free(&c);
}

/* What desktop clients write and a server has no use for. */
static void pasted(void **state)
{
	struct config *c;

	(void)state;
	log_set_level(LOGL_NOTICE);
	capture_start();
	c = good("{'mcpServers':{'a':{'type':'stdio','command':'cat','autoApprove':['x'],"
		 "'alwaysAllow':[],'trust':true,'timeout':60,'description':'d',"
		 "'env':{'K':'${input:key}'}}},'store':{'path':'/var/lib/mcpd'}}");
	assert_int_equal(capture_matches("t.json: mcpServers.a.autoApprove: ignored: "), 1);
	assert_int_equal(capture_matches("t.json: mcpServers.a.alwaysAllow: ignored: "), 1);
	assert_int_equal(capture_matches("t.json: mcpServers.a.trust: ignored: "), 1);
	assert_int_equal(capture_matches("t.json: mcpServers.a.timeout: ignored: "), 1);
	assert_int_equal(capture_matches("t.json: mcpServers.a.description: ignored: "), 1);
	assert_int_equal(capture_matches("t.json: mcpServers.a.env.K: taken as it stands"), 1);
	assert_int_equal(capture_count(), 6);
	capture_stop();
	log_set_level(LOGL_ERROR);
	config_free(&c);
}

/* The dump of TEXT is read back to the same. Returns it. */
static json_t *round_trip(const char *text)
{
	struct config *c = good(text), *again;
	json_t *dump = config_dump(c), *second;
	struct err e = {0};
	char *written;

	assert_non_null(dump);
	written = json_dumps(dump, JSON_INDENT(2));
	assert_non_null(written);
	again = config_parse(written, strlen(written), "again", &e);
	if (!again)
		fail_msg("%s: %s", written, e.text);
	second = config_dump(again);
	assert_true(json_equal(dump, second));
	json_decref(second);
	free(written);
	config_free(&c);
	config_free(&again);
	return dump;
}

static void assert_store(const char *text, const char *wanted)
{
	json_t *dump = round_trip(text);

	assert_true(json_is(json_object_get(dump, "store"), wanted));
	json_decref(dump);
}

/* Nobody gets a database without asking, except from a service manager. */
static void store_defaults(void **state)
{
	(void)state;
	unsetenv("STATE_DIRECTORY");
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_store("{}", "{'kind':'memory'}");
	assert_store("{'store':{}}", "{'kind':'memory'}");
	assert_store("{'store':{'kind':'sqlite'}}",
		     "{'kind':'sqlite','path':'" LOCALSTATEDIR "/lib/mcpd',"
		     "'keyFile':'" LOCALSTATEDIR "/lib/mcpd/key'}");
	assert_store("{'store':{'path':'/a','keyFile':'/b'}}",
		     "{'kind':'sqlite','path':'/a','keyFile':'/b'}");
	setenv("STATE_DIRECTORY", "/s/mcpd:/s/more", 1);
	assert_store("{}", "{'kind':'sqlite','path':'/s/mcpd','keyFile':'/s/mcpd/key'}");
	assert_store("{'store':{'kind':'memory'}}", "{'kind':'memory'}");
	assert_store("{'store':{'path':'/a'}}", "{'kind':'sqlite','path':'/a','keyFile':'/a/key'}");
	setenv("CREDENTIALS_DIRECTORY", "/nowhere", 1);
	assert_store("{}", "{'kind':'sqlite','path':'/s/mcpd','keyFile':'/s/mcpd/key'}");
	unsetenv("STATE_DIRECTORY");
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* A value for K that is not its default, as JSON text. */
static void other_value(const struct key *k, char *out, size_t size)
{
	if (k->type == &type_count || k->type == &type_size)
		snprintf(out, size, "%lld", (long long)(k->min != k->def ? k->min : k->def + 1));
	else if (k->type == &type_seconds)
		snprintf(out, size, "%.3f", (double)k->max / 1000 - 0.5);
	else if (k->type == &type_word)
		snprintf(out, size, "\"%s\"", k->words[k->def == 0 ? 1 : 0]);
	else if (k->type == &type_bool)
		snprintf(out, size, "%s", k->def ? "false" : "true");
	else
		fail_msg("%s: no other value known", k->name);
}

/* What authentication is told survives the round trip, but for secrets, which stay where they are.
 */
static void auth(void **state)
{
	struct config *c;
	json_t *dump;

	(void)state;
	setenv("MCPD_TEST_SECRET", "xyzzy", 1);
	c = good("{'auth':{'mode':'introspect','issuer':'https://a/b','resource':'https://c/mcp',"
		 "'clientId':'me','clientSecret':{'env':'MCPD_TEST_SECRET'},'scopes':['a','b'],"
		 "'toolScopes':{'x/*':['c']},'audiences':['d'],'userClaim':'email','leeway':0}}");
	assert_int_equal(c->auth.mode, CONFIG_AUTH_INTROSPECT);
	assert_string_equal(c->auth.client_secret.value, "xyzzy");
	assert_string_equal(c->auth.algorithms[0], "RS256");
	assert_string_equal(c->auth.user_claim, "email");
	assert_int_equal(c->auth.leeway_ms, 0);
	dump = config_dump(c);
	assert_true(json_is(json_object_get(json_object_get(dump, "auth"), "clientSecret"),
			    "{'env':'MCPD_TEST_SECRET'}"));
	assert_true(json_is(json_object_get(json_object_get(dump, "auth"), "toolScopes"),
			    "{'x/*':['c']}"));
	json_decref(dump);
	config_free(&c);
	dump = round_trip("{'auth':{'mode':'tokens','tokensFile':'/t'}}");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(dump, "auth"), "tokensFile")),
		"/t");
	json_decref(dump);
	c = good("{'auth':{'mode':'tokens'}}");
	assert_non_null(strstr(c->auth.tokens_file, "/tokens"));
	config_free(&c);
}

/* Every single key of the tables of numbers and words reaches its own field: it changes the dump in
 * its own place alone, survives the round trip, and no other key has the same field. */
static void each_key(void **state)
{
	static const char *const tables[] = {"sessions", "limits", "log"};
	json_t *plain = round_trip("{}");

	(void)state;
	for (size_t t = 0; t < config_keys.n; t++) {
		const struct key *outer = &config_keys.keys[t];
		bool ours = false;

		for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
			ours = ours || strcmp(tables[i], outer->name) == 0;
		/* Keys of store and auth depend on each other: they have tests of their own. */
		assert_int_equal(ours, outer->type == &type_object &&
					       outer->table != &config_store_keys &&
					       outer->table != &config_auth_keys);
		for (size_t i = 0; ours && i < outer->table->n; i++) {
			const struct key *k = &outer->table->keys[i];
			char value[64], text[200];
			json_t *dump, *wanted = json_deep_copy(plain), *parsed;

			other_value(k, value, sizeof value);
			snprintf(text, sizeof text, "{'%s':{'%s':%s}}", outer->name, k->name,
				 value);
			dump = round_trip(text);
			parsed = json_loads(value, JSON_DECODE_ANY, NULL);
			assert_non_null(parsed);
			assert_false(json_equal(dump, plain));
			json_object_set_new(json_object_get(wanted, outer->name), k->name, parsed);
			if (!json_equal(dump, wanted))
				fail_msg("%s.%s went elsewhere", outer->name, k->name);
			json_decref(wanted);
			json_decref(dump);
		}
	}
	json_decref(plain);
}

static const char all[] =
	"{'listen':['127.0.0.1:0','[::1]:0'],'path':'/x','control':'/tmp/"
	"x.sock','controlMode':'0600',"
	"'controlGroup':'root','allowedOrigins':['a','b'],'allowedHosts':['c'],"
	"'mcpServers':{"
	"'s':{'command':'cat','args':['a','b'],'env':{'A':'b=c','B':''},'cwd':'/"
	"tmp','scope':'user',"
	"'maxChildren':7,'idleStop':0.25,'startTimeout':1,'callTimeout':9},"
	"'e':{'env':{'X':'y'},'cwd':'/','tools':{'one':{'command':['cat']},"
	"'two':{'title':'t','description':'d','inputSchema':{'type':'object','properties':"
	"{'n':{'type':'integer','default':3}}},'outputSchema':{'type':'object'},'structured':true,"
	"'annotations':{'readOnlyHint':true},'command':['head','-n','{n}'],'cwd':'/tmp',"
	"'timeout':1.125,'maxOutput':99}}}}}";

/* Whether everything of PART is in ALL_OF_IT, as it is. */
static bool contains(json_t *all_of_it, json_t *part)
{
	const char *name;
	json_t *value;

	if (!json_is_object(part) || !json_is_object(all_of_it))
		return json_equal(all_of_it, part) != 0;
	json_object_foreach (part, name, value)
		if (!contains(json_object_get(all_of_it, name), value))
			return false;
	return true;
}

/* What was written is in the dump as it was, and the dump is read back to the same. */
static void whole(void **state)
{
	json_t *dump = round_trip(all), *wanted = json_of(all);

	(void)state;
	assert_true(contains(dump, wanted));
	json_decref(wanted);
	json_decref(dump);
}

static long allocations;

static void *counting_malloc(size_t size)
{
	allocations++;
	return malloc(size);
}

/* How many allocations jansson makes for TEXT. */
static long parsing_takes(const char *text)
{
	json_malloc_t old_malloc;
	json_free_t old_free;

	allocations = 0;
	json_get_alloc_funcs(&old_malloc, &old_free);
	json_set_alloc_funcs(counting_malloc, old_free);
	json_decref(json_of(text));
	json_set_alloc_funcs(old_malloc, old_free);
	return allocations;
}

/* Whichever allocation of ours fails, loading fails with it, and nothing leaks (AddressSanitizer,
 * valgrind). */
static void no_memory(void **state)
{
	/* Not those of jansson's parser, which does not survive it (2.14 ignores it in its lexer).
	 */
	const long first = parsing_takes(all) + 3;
	long n;

	(void)state;
	for (n = 1; n < 100000; n = n == 2 ? first : n + 1) {
		struct err e = {0};
		struct config *c;
		json_t *dump = NULL;
		bool failed;

		failalloc_at(n, false);
		c = parse(all, &e);
		if (c)
			dump = config_dump(c);
		failed = failalloc_off();
		if (!c && e.code != ERR_NOMEM)
			fail_msg("allocation %ld: %s", n, e.text);
		assert_true(failed || dump != NULL);
		config_free(&c);
		json_decref(dump);
		if (!failed)
			break;
	}
	assert_true(n > first + 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(control_default),
		cmocka_unit_test(top),
		cmocka_unit_test(bad_top),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(bad_paths),
		cmocka_unit_test(syntax),
		cmocka_unit_test(files),
		cmocka_unit_test(stdio),
		cmocka_unit_test(exec),
		cmocka_unit_test(bad_backends),
		cmocka_unit_test(backend_names),
		cmocka_unit_test(pasted),
		cmocka_unit_test(warnings),
		cmocka_unit_test(store_defaults),
		cmocka_unit_test(each_key),
		cmocka_unit_test(auth),
		cmocka_unit_test(whole),
		cmocka_unit_test(no_memory),
	};

	failalloc_install();
	log_set_level(LOGL_ERROR);
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
