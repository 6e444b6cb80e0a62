/* SPDX-License-Identifier: ISC */
/* Tokens: nothing that was not signed is believed, and nothing breaks. */
#include <stdlib.h>
#include <string.h>

#include "auth/jwt.h"
#include "fuzz.h"

static const char set_text[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
			       "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
			       "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";
static char es256[] = "ES256", rs256[] = "RS256";
static char *algorithms[] = {es256, rs256, NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static json_t *keys;
	char *text = strndup((const char *)data, size);
	json_t *set;
	struct jwt j;
	struct err e = {0};

	MUST(text);
	if (!keys) {
		set = json_loads(set_text, 0, NULL);
		keys = jwt_keys(set);
		json_decref(set);
	}
	MUST(json_array_size(keys) == 1);
	if (jwt_parse(&j, text, &e) == 0) {
		MUST(json_is_object(j.header) && json_is_object(j.claims));
		MUST(jwt_verify(&j, keys, algorithms, &e) < 0);
	}
	jwt_clear(&j);
	/* The issuer's keys come from outside, too. */
	set = json_loadb(text, strlen(text), 0, NULL);
	json_decref(jwt_keys(set));
	json_decref(set);
	free(text);
	return 0;
}
