/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/basicauth.h"

#include <stdio.h>
#include <string.h>

#include "lib/digest.h"
#include "lib/wipe.h"
#include "text/url.h"

char *basicauth_header(const char *id, const char *secret)
{
	char *name = url_escape(id), *word = url_escape(secret);
	char *pair = NULL, *code = NULL, *line = NULL;

	if (name && word && asprintf(&pair, "%s:%s", name, word) < 0)
		pair = NULL;
	if (pair)
		code = digest_base64(pair, strlen(pair));
	if (code && asprintf(&line, "Authorization: Basic %s", code) < 0)
		line = NULL;
	free(name);
	wipe_free(word);
	wipe_free(pair);
	wipe_free(code);
	return line;
}
