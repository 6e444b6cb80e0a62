/* SPDX-License-Identifier: ISC */
/* fuzz.h: what the fuzz targets share. Each is a libFuzzer program (configure --enable-fuzzer) and,
 * with replay.c in the place of libFuzzer, a test that runs its corpus. */
#ifndef MCPD_TESTS_FUZZ_H
#define MCPD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Optional: called once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What must hold for every input. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__,           \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
