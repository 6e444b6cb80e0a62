/* SPDX-License-Identifier: ISC */
/* upstream_judge.h: what the answer of an upstream over HTTP means. Knows neither legs nor
 * sessions: the facts come in, the verdict goes out, and upstream_answer.c acts on it. */
#ifndef MCPD_UPSTREAM_JUDGE_H
#define MCPD_UPSTREAM_JUDGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum leg_kind { LEG_POST, LEG_GET, LEG_DELETE };

/* What a POST is, beyond its message. */
enum leg_part {
	PART_NONE,
	PART_INITIALIZE,  /* opens a session */
	PART_INITIALIZED, /* other messages wait until it is sent */
	PART_DISCOVER,	  /* the answer shows the era of the upstream */
};

/* What is known of an answer when its HTTP exchange is over. All pointers are borrowed. */
struct upstream_answer {
	enum leg_kind kind;
	enum leg_part part;
	const char *method; /* of the message that was sent; NULL: it had none */
	const json_t *id;   /* of the request that has no answer yet; NULL: none */
	int status;	    /* 0: there was no answer */
	const char *text;   /* the body, LEN bytes; NULL: none, or a stream */
	size_t len;
	const json_t *body; /* the parsed body; NULL: the body is not JSON */
	bool broken;	    /* the exchange ended without a whole answer */
	bool unauthorized;  /* nothing was sent, for lack of a credential */
	bool streamed;	    /* the answer was a stream of events */
	bool modern;	    /* the message claimed revision 2026-07-28 */
	bool renewing;	    /* the message was an initialize that opens a lost session again */
	bool with_session;  /* the message was sent with a session's id */
	bool opened;	    /* LEG_GET: the stream was open before */
	bool broke;	    /* LEG_GET: an attempt broke off before its answer */
	bool may_relearn;   /* the tools can be listed again, and were not for this request */
	bool may_resume;    /* the stream gave event ids, and was not resumed too often */
};

enum upstream_action {
	UPSTREAM_DROP,		/* nobody waits for an answer */
	UPSTREAM_SETTLED,	/* the session is set up: the messages that wait are sent */
	UPSTREAM_SESSION_GONE,	/* the session is to be opened again */
	UPSTREAM_REOPEN,	/* the standalone stream is opened again, after its last event */
	UPSTREAM_REOPEN_AFRESH, /* the standalone stream is opened again, without its last event */
	UPSTREAM_RELEARN,	/* the request waits for a fresh list of tools */
	UPSTREAM_RESUME,	/* the stream of the answer is resumed */
	UPSTREAM_TAKE,		/* the body is the answer */
	UPSTREAM_TAKE_ERROR,	/* the error in the body is the answer */
	UPSTREAM_REFUSE, /* there is no answer: the request ends with an error of mcpd itself */
};

struct upstream_verdict {
	enum upstream_action action;
	bool stale;   /* no server of the message's era answers like this */
	bool trouble; /* the upstream cannot be reached or fails just now */
};

/* Judges A: *V. */
void upstream_judge(const struct upstream_answer *a, struct upstream_verdict *v);
/* The code of the error that answers the request of A in place of the upstream: RPC_INTERNAL_ERROR,
 * or for a server/discover one of enum mcpclient_code. */
int upstream_refusal_code(const struct upstream_answer *a);

#endif
