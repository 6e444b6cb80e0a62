/* SPDX-License-Identifier: ISC */
/* What authorises the daemon's own requests, against a scripted issuer in the same loop. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/users.h"
#include "base/bearer.h"
#include "base/defer.h"
#include "base/delayq.h"
#include "config/config.h"
#include "credentials/credentials.h"
#include "credentials/grant.h"
#include "failalloc.h"
#include "http/fetch.h"
#include "http/httpc.h"
#include "http_fixture.h"
#include "store/store.h"

/* The clocks of the daemon are ours. */
time_t __wrap_time(time_t *t);
int64_t __wrap_clock_ms(void);
static time_t now = 1000000;

time_t __wrap_time(time_t *t)
{
	if (t != NULL)
		*t = now;
	return now;
}

int64_t __wrap_clock_ms(void)
{
	return (int64_t)now * 1000;
}

static struct httpc *httpc;
static struct store *store;
static struct users *users;
static struct credentials *creds;
static struct config *conf;
static const struct config_backend *back, *other;

/* ---- the issuer ---- */

static int asked;	   /* how often */
static bool hold;	   /* do not answer yet */
static int status;	   /* of the next answers */
static const char *answer; /* NULL: a token with a number */
static const char *retry_after = "1";
static int life = 1000;	    /* of the tokens, in seconds */
static char form[10][2000]; /* what was asked */
static char basic[10][200];
static struct exchange *held[10];
static int n_held;

static void say(struct exchange *x, int number)
{
	char text[300];

	snprintf(text, sizeof text,
		 "{\"access_token\":\"access-%d\",\"token_type\":\"bearer\",\"expires_in\":%d,"
		 "\"refresh_token\":\"refresh-%d\",\"issued_token_type\":\"x\"}",
		 number, life, number);
	if (answer)
		snprintf(text, sizeof text, "%s", answer);
	exchange_set_header(x, "Retry-After", retry_after);
	exchange_reply(x, status, "application/json", text, strlen(text));
}

static void issuer(struct exchange *x)
{
	size_t len;
	char *body = exchange_take_body(x, &len);
	const char *who = exchange_header(x, "Authorization");

	assert_true(asked < 10);
	snprintf(form[asked], sizeof form[0], "%.*s", (int)len, body);
	free(body);
	snprintf(basic[asked], sizeof basic[0], "%s", who != NULL ? who : "");
	asked++;
	if (hold)
		held[n_held++] = x;
	else
		say(x, asked);
}

static void release(void)
{
	struct exchange *x = held[0];

	assert_true(n_held > 0);
	memmove(held, held + 1, sizeof held[0] * (size_t)--n_held);
	say(x, asked);
}

/* ---- set-up ---- */

static void open_creds(void)
{
	creds = credentials_new(fix.base, httpc, store, users);
	assert_non_null(creds);
}

static void configure(const char *text)
{
	char whole[2000], *at;
	struct err e;

	snprintf(whole, sizeof whole, "%s", text);
	for (char *p = whole; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	while ((at = strstr(whole, "ISSUER"))) {
		char rest[2000];

		snprintf(rest, sizeof rest, "%s", at + 6);
		snprintf(at, sizeof whole - (size_t)(at - whole), "http://%s%s", fix.address, rest);
	}
	config_free(&conf);
	conf = config_parse(whole, strlen(whole), "t.json", &e);
	if (!conf)
		fail_msg("%s", e.text);
	back = &conf->backends[0];
	other = &conf->backends[conf->n_backends - 1];
}

static const char exchanging[] =
	"{'mcpServers':{'a':{'web':'http://back.end/base','credential':{'from':'exchange',"
	"'tokenEndpoint':'ISSUER/token','clientId':'my id','clientSecret':'s:&',"
	"'audience':'https://back.end','scope':'one two'}},"
	"'b':{'web':'http://back.end/base','credential':{'from':'exchange',"
	"'tokenEndpoint':'ISSUER/token','audience':'https://other.end'}}}}";

static void see(const char *access, time_t expires)
{
	json_t *audience = json_pack("[s]", "https://mcpd.example/mcp");
	struct user_token t = {.access = access, .expires = expires, .audience = audience};

	assert_int_equal(users_seen(users, "alice", &t), 0);
	json_decref(audience);
}

static int set_up(void **state)
{
	static const struct config_store memory = {.kind = CONFIG_STORE_MEMORY};
	static const struct config_sessions sessions = {0};
	int rc = fixture_setup(state);
	struct err e;

	fix.handler = issuer;
	now = 1000000;
	asked = n_held = 0;
	hold = false;
	status = 200;
	retry_after = "1";
	answer = NULL;
	life = 1000;
	httpc = httpc_new(fix.base, &e);
	store = store_open(fix.base, &memory, &e);
	users = users_new(
		&(const struct users_deps){.base = fix.base, .store = store, .conf = &sessions});
	assert_true(httpc != NULL && store != NULL && users != NULL);
	open_creds();
	configure(exchanging);
	see("user-token", now + 100000);
	return rc;
}

static int tear_down(void **state)
{
	credentials_free(&creds);
	httpc_free(&httpc);
	users_free(&users);
	store_close(&store);
	config_free(&conf);
	return fixture_teardown(state);
}

/* ---- who wants one ---- */

struct want {
	struct credential_wait *wait;
	int told;
	char line[200];
	struct err e;
};

static void on_credential(const char *line, const struct err *e, void *arg)
{
	struct want *w = arg;

	w->told++;
	snprintf(w->line, sizeof w->line, "%s", line != NULL ? line : "");
	w->e = e ? *e : (struct err){0};
}

/* The newest token of alice, as if it came with a request; NULL: none. */
static struct bearer *token_of_alice(void)
{
	const struct user_token *t = users_token(users, "alice");
	struct bearer_spec spec = {.user = "alice"};

	if (!t)
		return NULL;
	spec.token = t->access;
	spec.expires = t->expires;
	spec.scope = t->scope;
	spec.audience = t->audience;
	spec.rights = t->rights;
	return bearer_new(&spec);
}

static void want(struct want *w, const struct config_backend *b)
{
	struct bearer *token = token_of_alice();

	memset(w, 0, sizeof *w);
	credentials_get(creds, b, "alice", token, on_credential, w, &w->wait);
	bearer_unref(&token);
}

static bool refused(const struct config_backend *b, const char *line)
{
	struct bearer *token = token_of_alice();
	bool again = credentials_refused(creds, b, "alice", token, line);

	bearer_unref(&token);
	return again;
}

static void get(struct want *w, const struct config_backend *b)
{
	want(w, b);
	pump_until(w->told > 0);
	assert_int_equal(w->told, 1);
	assert_null(w->wait);
}

static void expect(const struct config_backend *b, const char *line)
{
	struct want w;

	get(&w, b);
	assert_string_equal(w.e.text, "");
	assert_string_equal(w.line, line);
}

static void expect_error(const struct config_backend *b, int code, const char *part)
{
	struct want w;

	get(&w, b);
	assert_int_equal(w.e.code, code);
	assert_string_equal(w.line, "");
	if (!strstr(w.e.text, part))
		fail_msg("\"%s\" is not in: %s", part, w.e.text);
	assert_null(strstr(w.e.text, "user-token"));
}

/* ---- exchange ---- */

static void the_users_token_is_exchanged_once_and_kept(void **state)
{
	(void)state;
	expect(back, "Authorization: Bearer access-1");
	expect(back, "Authorization: Bearer access-1");
	assert_int_equal(asked, 1);
	assert_string_equal(form[0],
			    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
			    "&subject_token=user-token&subject_token_type=urn%3Aietf%3Aparams%3A"
			    "oauth%3Atoken-type%3Aaccess_token&audience=https%3A%2F%2Fback.end"
			    "&scope=one%20two");
	assert_string_equal(basic[0], "Basic bXklMjBpZDpzJTNBJTI2"); /* my%20id:s%3A%26 */
	expect(other, "Authorization: Bearer access-2");
	assert_string_equal(basic[1], "");
}

static void case_25_one_refresh_at_a_time(void **state)
{
	struct want all[50];

	(void)state;
	expect(back, "Authorization: Bearer access-1");
	now += 2000; /* it is dead */
	hold = true;
	for (size_t i = 0; i < 50; i++)
		want(&all[i], back);
	pump_until(asked == 2);
	pump_idle();
	assert_int_equal(asked, 2);
	assert_string_equal(form[1], "grant_type=refresh_token&refresh_token=refresh-1");
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(all[i].told, 0);
	credentials_cancel(&all[7].wait);
	release();
	pump_until(all[49].told > 0);
	for (size_t i = 0; i < 50; i++) {
		assert_int_equal(all[i].told, i == 7 ? 0 : 1);
		assert_string_equal(all[i].line, i == 7 ? "" : "Authorization: Bearer access-2");
	}
	assert_int_equal(asked, 2);
	now += 2000;
	hold = false;
	expect(back, "Authorization: Bearer access-3");
	assert_string_equal(form[2], "grant_type=refresh_token&refresh_token=refresh-2");
}

static void tokens_of_one_user_and_issuer_are_asked_for_one_after_the_other(void **state)
{
	struct want first, second, daemon;

	(void)state;
	hold = true;
	want(&first, back);
	want(&second, other);
	memset(&daemon, 0, sizeof daemon);
	credentials_get_own(creds, back, on_credential, &daemon, &daemon.wait);
	pump_until(asked == 2); /* alice's first, and the daemon's own */
	pump_idle();
	assert_int_equal(asked, 2);
	while (first.told == 0) {
		pump_until(n_held > 0 || first.told > 0);
		if (n_held > 0)
			release();
	}
	while (second.told == 0) {
		pump_until(n_held > 0 || second.told > 0);
		if (n_held > 0)
			release();
	}
	pump_until(daemon.told > 0);
	assert_int_equal(asked, 3);
}

static void a_token_is_refreshed_at_80_percent_while_it_still_serves(void **state)
{
	(void)state;
	expect(back, "Authorization: Bearer access-1");
	now += 799;
	expect(back, "Authorization: Bearer access-1");
	assert_int_equal(asked, 1);
	now += 1;
	expect(back, "Authorization: Bearer access-1");
	pump_until(asked == 2);
	pump_idle();
	expect(back, "Authorization: Bearer access-2");
	assert_int_equal(asked, 2);
}

static void a_fault_of_the_network_is_not_the_end_of_a_grant(void **state)
{
	(void)state;
	expect(back, "Authorization: Bearer access-1");
	now += 850;
	status = 503;
	answer = "busy";
	expect(back, "Authorization: Bearer access-1"); /* still good */
	pump_until(asked == 2);
	pump_idle();
	now += 400;
	expect_error(back, ERR_IO, "HTTP 503");
	assert_int_equal(asked, 3);
	expect_error(back, ERR_IO, "HTTP 503"); /* not asked again at once */
	assert_int_equal(asked, 3);
	status = 200;
	answer = NULL;
	now += 3600;
	expect(back, "Authorization: Bearer access-4");
	assert_string_equal(form[3], "grant_type=refresh_token&refresh_token=refresh-1");
}

static void an_issuer_that_is_down_is_asked_when_it_wants_that(void **state)
{
	(void)state;
	status = 503;
	answer = "busy";
	retry_after = "600";
	for (int i = 0; i < 60; i++) {
		expect_error(back, ERR_IO, "HTTP 503");
		now += 9;
	}
	assert_int_equal(asked, 1);
	now += 300; /* a quarter more at most */
	expect_error(back, ERR_IO, "HTTP 503");
	assert_int_equal(asked, 2);
}

static void a_refresh_token_that_is_no_more_leads_to_a_new_exchange(void **state)
{
	struct want w;

	(void)state;
	expect(back, "Authorization: Bearer access-1");
	now += 2000;
	hold = true;
	want(&w, back);
	pump_until(n_held == 1);
	status = 400;
	answer = "{\"error\":\"invalid_grant\"}";
	release();
	pump_until(n_held == 1);
	status = 200;
	answer = NULL;
	release();
	pump_until(w.told > 0);
	assert_string_equal(w.line, "Authorization: Bearer access-3");
	assert_non_null(strstr(form[2], "subject_token=user-token"));
}

static void a_users_token_that_is_refused_is_not_sent_again(void **state)
{
	(void)state;
	status = 400;
	answer = "{\"error\":\"invalid_grant\",\"error_description\":\"no\\nsuch \\u20ac\"}";
	expect_error(back, ERR_DENIED, "invalid_grant: no");
	now += 3600;
	expect_error(back, ERR_DENIED, "invalid_grant");
	assert_int_equal(asked, 1);
	see("user-token-2", now + 200000);
	status = 200;
	answer = NULL;
	expect(back, "Authorization: Bearer access-2");
	assert_non_null(strstr(form[1], "subject_token=user-token-2"));
}

static void nothing_is_asked_for_without_a_good_token_of_the_user(void **state)
{
	(void)state;
	now += 200000;
	expect_error(back, ERR_DENIED, "expired");
	assert_int_equal(asked, 0);
}

static void answers_without_a_token_are_errors(void **state)
{
	static const struct {
		const char *answer;
		int status, code;
		const char *part;
	} table[] = {
		{"{}", 200, ERR_IO, "without a token"},
		{"{\"access_token\":\"\",\"token_type\":\"Bearer\"}", 200, ERR_IO, "without"},
		{"{\"access_token\":\"a\\r\\nX: y\",\"token_type\":\"Bearer\"}", 200, ERR_IO,
		 "without"},
		{"{\"access_token\":\"user-token\",\"token_type\":\"mac\"}", 200, ERR_INVALID,
		 "Bearer"},
		{"<html>", 200, ERR_IO, "without a token"},
		{"{\"error\":\"invalid_client\"}", 401, ERR_INVALID, "invalid_client"},
		{"{\"error\":\"invalid_grant\"}", 500, ERR_IO, "HTTP 500"},
		{"{\"error\":\"slow_down\"}", 429, ERR_IO, "HTTP 429"},
		{"[", 400, ERR_IO, "HTTP 400"},
		{"", 302, ERR_IO, "HTTP 302"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		status = table[i].status;
		answer = table[i].answer;
		expect_error(back, table[i].code, table[i].part);
		now += 3600;
	}
}

static void times_are_absolute(void **state)
{
	(void)state;
	expect(back, "Authorization: Bearer access-1");
	credentials_free(&creds);
	now += 700; /* a restart */
	open_creds();
	expect(back, "Authorization: Bearer access-1");
	credentials_free(&creds);
	now += 400;
	open_creds();
	expect(back, "Authorization: Bearer access-2");
	assert_string_equal(form[1], "grant_type=refresh_token&refresh_token=refresh-1");
}

void __real_store_when_durable(struct store *s, struct store_waiter *w);
void __wrap_store_when_durable(struct store *s, struct store_waiter *w);
static bool slow_disk;
static struct store_waiter *writing;

void __wrap_store_when_durable(struct store *s, struct store_waiter *w)
{
	if (slow_disk) {
		writing = w;
		w->queued = true;
	} else {
		__real_store_when_durable(s, w);
	}
}

static void a_token_is_used_only_when_it_is_on_disk(void **state)
{
	struct want first, second;

	(void)state;
	slow_disk = true;
	want(&first, back);
	pump_until(writing != NULL);
	want(&second, back);
	pump_idle();
	assert_int_equal(first.told + second.told, 0);
	slow_disk = false;
	writing->queued = false;
	writing->fn(writing->arg);
	assert_string_equal(first.line, "Authorization: Bearer access-1");
	assert_string_equal(second.line, first.line);
	assert_int_equal(asked, 1);
}

static void a_logout_takes_all_that_was_granted(void **state)
{
	struct want w;

	(void)state;
	expect(back, "Authorization: Bearer access-1");
	hold = true;
	want(&w, other);
	pump_until(asked == 2);
	credentials_forget(creds, "alice");
	assert_int_equal(w.told, 1);
	assert_non_null(strstr(w.e.text, "logged out"));
	credentials_free(&creds);
	open_creds();
	users_logout(users, "alice");
	expect_error(back, ERR_DENIED, "expired");
	assert_int_equal(asked, 2);
	release(); /* to nobody */
}

static struct want asked_inside;

static void ask_again(const char *line, const struct err *e, void *arg)
{
	on_credential(line, e, arg);
	want(&asked_inside, back);
}

/* Who asks from inside the answer to others waits for the next answer, however many there were
 * before: theirs is not for it. */
static void who_asks_inside_an_answer_waits_for_the_next(void **state)
{
	(void)state;
	for (int i = 1; i <= 3; i++) {
		struct want first = {0};
		struct bearer *token = token_of_alice();
		char line[50];

		hold = true;
		now += 2000;
		credentials_get(creds, back, "alice", token, ask_again, &first, &first.wait);
		bearer_unref(&token);
		pump_until(n_held == 1);
		pump_idle();
		credentials_forget(creds, "alice");
		exchange_abort(held[--n_held]);
		assert_int_equal(first.told, 1);
		assert_string_equal(first.e.text, "the user has logged out");
		assert_int_equal(asked_inside.told, 0);
		pump_until(n_held == 1);
		release();
		pump_until(asked_inside.told > 0);
		snprintf(line, sizeof line, "Authorization: Bearer access-%d", asked);
		assert_string_equal(asked_inside.line, line);
	}
}

static void a_refused_token_is_replaced_once(void **state)
{
	(void)state;
	expect(back, "Authorization: Bearer access-1");
	assert_true(refused(back, "Authorization: Bearer access-1"));
	/* Others had the same one. */
	expect(back, "Authorization: Bearer access-2");
	assert_true(refused(back, "Authorization: Bearer access-1"));
	assert_false(refused(back, "Authorization: Bearer access-2"));
	expect(back, "Authorization: Bearer access-2");
	assert_int_equal(asked, 2);
	now += 60;
	assert_true(refused(back, "Authorization: Bearer access-2"));
	assert_false(refused(back, NULL));
}

/* ---- the other kinds ---- */

static void the_daemon_has_one_token_for_all(void **state)
{
	struct want w = {0};

	(void)state;
	configure("{'mcpServers':{'a':{'web':'http://back.end','credential':{'from':'client',"
		  "'tokenEndpoint':'ISSUER/token','clientId':'id','clientSecret':'s','clientAuth':"
		  "'post','resource':'https://back.end/'}}}}");
	life = 0;
	answer = "{\"access_token\":\"mine\",\"token_type\":\"Bearer\",\"expires_in\":\"60\"}";
	expect(back, "Authorization: Bearer mine");
	credentials_get(creds, back, NULL, NULL, on_credential, &w, &w.wait);
	assert_string_equal(w.line, "Authorization: Bearer mine");
	credentials_get_own(creds, back, on_credential, &w, &w.wait);
	assert_string_equal(w.line, "Authorization: Bearer mine");
	assert_string_equal(form[0],
			    "grant_type=client_credentials&resource=https%3A%2F%2Fback.end%2F"
			    "&client_id=id&client_secret=s");
	now += 61;
	expect(back, "Authorization: Bearer mine");
	assert_int_equal(asked, 2);
}

static void a_stored_secret_goes_into_the_header_that_is_asked_for(void **state)
{
	struct want w = {0};

	(void)state;
	configure(
		"{'mcpServers':{'a':{'web':'http://back.end','learnAs':'bob','credential':"
		"{'from':'secret','header':'X-Api-Key'}},"
		"'b':{'web':'http://back.end','credential':{'from':'secret','prefix':'token '}}}}");
	expect_error(back, ERR_DENIED, "mcpctl user secret set");
	assert_int_equal(users_secret_set(users, "alice", "a", "key of alice"), 0);
	assert_int_equal(users_secret_set(users, "bob", "a", "key of bob"), 0);
	assert_int_equal(users_secret_set(users, "alice", "b", "k"), 0);
	expect(back, "X-Api-Key: key of alice");
	expect(other, "Authorization: token k");
	credentials_get_own(creds, back, on_credential, &w, &w.wait);
	assert_string_equal(w.line, "X-Api-Key: key of bob");
	credentials_get_own(creds, other, on_credential, &w, &w.wait);
	assert_string_equal(w.line, "");
	assert_int_equal(w.e.code, 0);
	credentials_get(creds, other, NULL, NULL, on_credential, &w, &w.wait);
	assert_int_equal(w.e.code, ERR_DENIED);
	assert_int_equal(users_secret_set(users, "alice", "a", "evil\r\nX: y"), 0);
	expect_error(back, ERR_DENIED, "cannot be sent");
}

static void the_users_token_goes_only_to_its_audience(void **state)
{
	static const struct {
		const char *url, *audience;
		bool good;
	} table[] = {
		{"https://back.end/base", "https://back.end", true},
		{"https://back.end/base", "https://back.end/", true},
		{"https://back.end/base", "HTTPS://Back.End:443", true},
		{"https://back.end/base", "https://back.end/base", true},
		{"https://back.end/base", "https://back.end/base/", true},
		{"https://back.end/base", "https://back.end/ba", false},
		{"https://back.end/base", "https://back.end/base/more", false},
		{"https://back.end/base", "http://back.end", false},
		{"https://back.end/base", "https://back.end:444", false},
		{"https://back.end/base", "https://back.end.evil", false},
		{"https://back.end/base", "back.end", false},
		{"https://back.end", "https://back.end", true},
		{"https://back.end", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		char url[100], access[40], line[80];
		struct config_backend b = {
			.name = (char[]){"a"}, .url = url, .forward_token = true};
		json_t *audience = json_pack("[s, s]", "https://mcpd.example", table[i].audience);
		struct user_token t = {.access = access,
				       .expires = now + 200000 + (time_t)i,
				       .audience = audience};

		snprintf(url, sizeof url, "%s", table[i].url);
		snprintf(access, sizeof access, "user-token-%zu", i);
		snprintf(line, sizeof line, "Authorization: Bearer %s", access);
		assert_int_equal(users_seen(users, "alice", &t), 0);
		if (table[i].good)
			expect(&b, line);
		else
			expect_error(&b, ERR_DENIED, "not issued for");
		json_decref(audience);
	}
	assert_int_equal(asked, 0);
}

static void a_forwarded_token_is_tried_again_only_if_there_is_a_newer_one(void **state)
{
	struct config_backend b = {.url = (char[]){"https://back.end"}, .forward_token = true};

	(void)state;
	assert_false(refused(&b, "Authorization: Bearer user-token"));
	see("newer", now + 300000);
	assert_true(refused(&b, "Authorization: Bearer user-token"));
}

/* ---- lack of memory ---- */

/* The HTTP server of the fixture is not built for this, so the issuer is played without one. */
struct fetch *__real_fetch_start(struct httpc *h, const struct httpc_spec *spec, size_t max,
				 fetch_fn fn, void *arg, struct err *e);
struct fetch *__wrap_fetch_start(struct httpc *h, const struct httpc_spec *spec, size_t max,
				 fetch_fn fn, void *arg, struct err *e);
void __real_fetch_cancel(struct fetch **f);
void __wrap_fetch_cancel(struct fetch **f);
static struct {
	bool on;
	fetch_fn fn;
	void *arg;
} play;

struct fetch *__wrap_fetch_start(struct httpc *h, const struct httpc_spec *spec, size_t max,
				 fetch_fn fn, void *arg, struct err *e)
{
	if (!play.on)
		return __real_fetch_start(h, spec, max, fn, arg, e);
	play.fn = fn;
	play.arg = arg;
	return (struct fetch *)&play;
}

void __wrap_fetch_cancel(struct fetch **f)
{
	if (!play.on) {
		__real_fetch_cancel(f);
		return;
	}
	play.fn = NULL;
	*f = NULL;
}

static void play_answer(const char *body)
{
	const struct fetch_answer a = {
		.status = 200, .type = "application/json", .body = body, .len = strlen(body)};
	fetch_fn fn = play.fn;

	play.fn = NULL;
	if (fn)
		fn((struct fetch *)&play, &a, NULL, play.arg);
}

static void it_survives_every_allocation_that_fails(void **state)
{
	static const char body[] = "{\"access_token\":\"access-1\",\"token_type\":\"Bearer\","
				   "\"expires_in\":100,\"refresh_token\":\"r\"}";
	struct want w;
	char access[40];
	bool failing = true;

	(void)state;
	play.on = true;
	for (long n = 1; failing; n++) {
		failalloc_at(n, false);
		want(&w, back);
		play_answer(body);
		while (w.told == 0)
			event_base_loop(fix.base, EVLOOP_ONCE);
		now += 90;
		want(&w, back); /* a refresh, in the background if there is a token */
		play_answer(body);
		while (w.told == 0)
			event_base_loop(fix.base, EVLOOP_ONCE);
		failing = failalloc_off();
		assert_int_equal(w.told, 1);
		assert_true((w.line[0] != '\0') != (w.e.code != 0));
		now += 3600;
		credentials_forget(creds, "alice");
		pump_idle();
		snprintf(access, sizeof access, "user-token-%ld", n);
		see(access, now + 100000);
	}
	play.on = false;
	expect(back, "Authorization: Bearer access-1");
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_users_token_is_exchanged_once_and_kept),
		test(case_25_one_refresh_at_a_time),
		test(tokens_of_one_user_and_issuer_are_asked_for_one_after_the_other),
		test(a_token_is_refreshed_at_80_percent_while_it_still_serves),
		test(a_fault_of_the_network_is_not_the_end_of_a_grant),
		test(an_issuer_that_is_down_is_asked_when_it_wants_that),
		test(a_refresh_token_that_is_no_more_leads_to_a_new_exchange),
		test(a_users_token_that_is_refused_is_not_sent_again),
		test(nothing_is_asked_for_without_a_good_token_of_the_user),
		test(answers_without_a_token_are_errors),
		test(times_are_absolute),
		test(a_token_is_used_only_when_it_is_on_disk),
		test(a_logout_takes_all_that_was_granted),
		test(who_asks_inside_an_answer_waits_for_the_next),
		test(a_refused_token_is_replaced_once),
		test(the_daemon_has_one_token_for_all),
		test(a_stored_secret_goes_into_the_header_that_is_asked_for),
		test(the_users_token_goes_only_to_its_audience),
		test(a_forwarded_token_is_tried_again_only_if_there_is_a_newer_one),
		test(it_survives_every_allocation_that_fails),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
