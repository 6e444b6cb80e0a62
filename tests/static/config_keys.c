/* SPDX-License-Identifier: ISC */
/* Prints every key of the configuration as the daemon knows it, a line each: table, key, default
 * ("-" without one that can be written down), tab-separated. For test_config_docs.py. */
#include "autoconf.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/config_impl.h"

static void print_default(const struct key *k)
{
	if (k->type == &type_size && k->def < k->min)
		printf("-\n"); /* it depends on the machine */
	else if (k->type == &type_count || k->type == &type_size)
		printf("%" PRId64 "\n", k->def);
	else if (k->type == &type_seconds)
		printf("%.15g\n", (double)k->def / 1000);
	else if (k->type == &type_bool)
		printf("%s\n", k->def != 0 ? "true" : "false");
	else if (k->type == &type_word)
		printf("%s\n", k->words[k->def]);
	else if (k->type != &type_ignored && k->text)
		printf("%s\n", k->text);
	else
		printf("-\n");
}

static void print_table(const char *name, const struct key_table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct key *k = &table->keys[i];

		printf("%s\t%s\t", name, k->name);
		print_default(k);
		if (k->type == &type_object && k->table != &config_credential_keys)
			print_table(k->name, k->table); /* credential: of several */
	}
}

int main(void)
{
	print_table("file", &config_keys);
	print_table("stdio", &config_stdio_keys);
	print_table("exec", &config_exec_keys);
	print_table("tool", &config_tool_keys);
	print_table("web", &config_web_keys);
	print_table("sandbox", &config_sandbox_keys);
	print_table("credential", &config_credential_keys);
	return 0;
}
