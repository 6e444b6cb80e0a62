/* SPDX-License-Identifier: ISC */
/* config_auth.h: how clients prove who they are, as config_auth.c reads it. See mcpd.conf(5),
 * "Authentication". */
#ifndef MCPD_CONFIG_AUTH_H
#define MCPD_CONFIG_AUTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config_backend.h"

enum config_auth_mode {
	CONFIG_AUTH_NONE,
	CONFIG_AUTH_TOKENS,	/* a file of users and digests of their tokens */
	CONFIG_AUTH_JWT,	/* signed by an authorization server */
	CONFIG_AUTH_INTROSPECT, /* that an authorization server knows (RFC 7662) */
};

struct config_auth {
	enum config_auth_mode mode;
	char *tokens_file; /* mode tokens; never NULL there */
	char *resource;	   /* the endpoint's URL as clients see it; NULL: in modes without issuer */
	char **audiences;  /* what else may be in "aud"; never NULL */
	char **forward_audiences; /* other servers that tokens are for; never NULL */
	char *issuer;		  /* jwt, introspect */
	char *jwks_uri;		  /* NULL: the issuer's metadata tells */
	char **algorithms;	  /* never NULL nor empty */
	char *user_claim;	  /* "sub" */
	int64_t leeway_ms;	  /* 60 s: how wrong clocks may be */
	char **scopes;		  /* of every request; never NULL */
	json_t *tool_scopes;	  /* {"BACKEND/TOOL": ["scope"]}; NULL: none */
	char *introspection_url;  /* NULL: the issuer's metadata tells */
	char *client_id;	  /* introspect: the daemon's own */
	struct config_secret client_secret;
	int64_t cache_ms;     /* introspect, 5 min: the longest time an answer is believed */
	int64_t refresh_ms;   /* 30 s: between two fetches of the keys */
	unsigned remember;    /* 10000 tokens */
	unsigned max_waiting; /* 1000 requests that wait for the issuer */
	char *ca_file;	      /* NULL: the system's */
};

#endif
