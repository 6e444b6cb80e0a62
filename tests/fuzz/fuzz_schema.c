/* SPDX-License-Identifier: ISC */
/* A schema that schema_new() lets through can be asked about any value. The input is an array of
 * a schema and values. */
#include <string.h>

#include "fuzz.h"
#include "lib/jsonrpc.h"
#include "text/placeholder.h"
#include "text/schema.h"

static void expand(json_t *schema, json_t *arguments)
{
	static char program[] = "true", a[] = "{a}", end[] = "--", b[] = "{b}", plain[] = "{{c}}";
	char *const command[] = {program, a, end, b, plain, NULL};
	struct err e = {0, ""};
	char **argv;
	int rc;

	if (placeholder_check(command, schema, &e) < 0)
		return;
	rc = placeholder_expand(command, schema, arguments, &argv, &e);
	if (rc < 0) {
		MUST(e.code == rc && e.text[0] != '\0');
		return;
	}
	MUST(strcmp(argv[0], program) == 0);
	free(argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *input = jsonrpc_parse((const char *)data, size, 32, NULL);
	json_t *schema = json_array_get(input, 0), *value;
	struct schema *compiled = NULL;
	struct err e = {0, ""};
	size_t i;

	if (schema && schema_new(schema, NULL, &compiled, &e) == 0) {
		json_array_foreach (input, i, value) {
			int rc = schema_validate(compiled, value, &e);

			MUST(rc == 0 || (rc == e.code && e.text[0] != '\0'));
			MUST(schema_work(compiled) <= SCHEMA_MAX_WORK);
			MUST(schema_validate(compiled, value, NULL) == rc);
			if (rc == 0 && json_is_object(schema))
				expand(schema, json_is_object(value) ? value : NULL);
		}
	} else if (schema) {
		MUST((e.code == ERR_INVALID || e.code == ERR_LIMIT) && e.text[0] != '\0');
	}
	schema_unref(&compiled);
	json_decref(input);
	return 0;
}
