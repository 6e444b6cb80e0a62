/* SPDX-License-Identifier: ISC */
/* replay.c: runs a fuzz target over the files of its corpus, and says so in TAP.
 *
 * usage: replay_NAME [FILE...]; without arguments the files of tests/fuzz/corpus/NAME, each of them
 * whole, cut in half, and with one bit turned at a few places. */
#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "fuzz.h"

#pragma weak LLVMFuzzerInitialize

/* Returns what is in PATH (malloc'd), its length in *LEN_R; NULL when it cannot be read. */
static uint8_t *slurp(const char *path, size_t *len_r)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;

	if (!f)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0) {
		rewind(f);
		data = malloc((size_t)size + 1);
		if (data)
			*len_r = fread(data, 1, (size_t)size, f);
	}
	fclose(f);
	return data;
}

/* Hands over a copy of exactly its length, so that a sanitizer sees what is read behind it. */
static void run(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void replay(const char *path, const char *title, int number)
{
	size_t len = 0;
	uint8_t *data = slurp(path, &len);

	if (!data) {
		printf("not ok %d - %s cannot be read\n", number, path);
		return;
	}
	run(data, len);
	run(data, len / 2);
	for (size_t i = 0; i < len; i += 1 + len / 16) {
		data[i] ^= (uint8_t)(1u << (i % 8));
		run(data, len);
		data[i] ^= (uint8_t)(1u << (i % 8));
	}
	free(data);
	printf("ok %d - %s\n", number, title);
}

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay_corpus(void)
{
	const char *top = getenv("top_srcdir");
	char folder[PATH_MAX / 2], path[PATH_MAX];
	struct dirent **entries;
	int n;

	snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/" FUZZ_NAME, top ? top : ".");
	n = scandir(folder, &entries, is_file, alphasort);
	if (n <= 0) {
		printf("Bail out! %s has no files\n", folder);
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		replay(path, entries[i]->d_name, i + 1);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0); /* what went well before a crash is told */
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	if (argc == 1)
		return replay_corpus();
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++)
		replay(argv[i], argv[i], i);
	return 0;
}
