# SPDX-License-Identifier: ISC
# The unit tests of daemon/base/.
check_PROGRAMS += tests/unit/base/test_budget
TESTS += tests/unit/base/test_budget
tests_unit_base_test_budget_SOURCES = tests/unit/base/test_budget.c
tests_unit_base_test_budget_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_budget_CFLAGS = $(unit_cflags)
tests_unit_base_test_budget_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_cleanup
TESTS += tests/unit/base/test_cleanup
tests_unit_base_test_cleanup_SOURCES = tests/unit/base/test_cleanup.c
tests_unit_base_test_cleanup_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_cleanup_CFLAGS = $(unit_cflags)
tests_unit_base_test_cleanup_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_defer
TESTS += tests/unit/base/test_defer
tests_unit_base_test_defer_SOURCES = tests/unit/base/test_defer.c
tests_unit_base_test_defer_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_defer_CFLAGS = $(unit_cflags)
tests_unit_base_test_defer_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_delayq
TESTS += tests/unit/base/test_delayq
tests_unit_base_test_delayq_SOURCES = tests/unit/base/test_delayq.c
tests_unit_base_test_delayq_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_delayq_CFLAGS = $(unit_cflags)
tests_unit_base_test_delayq_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_descriptors
TESTS += tests/unit/base/test_descriptors
tests_unit_base_test_descriptors_SOURCES = tests/unit/base/test_descriptors.c
tests_unit_base_test_descriptors_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_descriptors_CFLAGS = $(unit_cflags)
tests_unit_base_test_descriptors_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_environ
TESTS += tests/unit/base/test_environ
tests_unit_base_test_environ_SOURCES = tests/unit/base/test_environ.c
tests_unit_base_test_environ_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_environ_CFLAGS = $(unit_cflags)
tests_unit_base_test_environ_LDFLAGS = $(failalloc_ldflags)
tests_unit_base_test_environ_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_heap
TESTS += tests/unit/base/test_heap
tests_unit_base_test_heap_SOURCES = tests/unit/base/test_heap.c
tests_unit_base_test_heap_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_heap_CFLAGS = $(unit_cflags)
tests_unit_base_test_heap_LDADD = $(unit_ldadd)
tests_unit_base_test_heap_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc_trim

check_PROGRAMS += tests/unit/base/test_mask
TESTS += tests/unit/base/test_mask
tests_unit_base_test_mask_SOURCES = tests/unit/base/test_mask.c
tests_unit_base_test_mask_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_mask_CFLAGS = $(unit_cflags)
tests_unit_base_test_mask_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_nearest
TESTS += tests/unit/base/test_nearest
tests_unit_base_test_nearest_SOURCES = tests/unit/base/test_nearest.c
tests_unit_base_test_nearest_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_nearest_CFLAGS = $(unit_cflags)
tests_unit_base_test_nearest_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_once
TESTS += tests/unit/base/test_once
tests_unit_base_test_once_SOURCES = tests/unit/base/test_once.c
tests_unit_base_test_once_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_once_CFLAGS = $(unit_cflags)
tests_unit_base_test_once_LDFLAGS = $(failalloc_ldflags)
tests_unit_base_test_once_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_pace
TESTS += tests/unit/base/test_pace
tests_unit_base_test_pace_SOURCES = tests/unit/base/test_pace.c
tests_unit_base_test_pace_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_pace_CFLAGS = $(unit_cflags)
tests_unit_base_test_pace_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_ratelimit
TESTS += tests/unit/base/test_ratelimit
tests_unit_base_test_ratelimit_SOURCES = tests/unit/base/test_ratelimit.c
tests_unit_base_test_ratelimit_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_ratelimit_CFLAGS = $(unit_cflags)
tests_unit_base_test_ratelimit_LDFLAGS = -Wl,--wrap=clock_ms
tests_unit_base_test_ratelimit_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_seal
TESTS += tests/unit/base/test_seal
tests_unit_base_test_seal_SOURCES = tests/unit/base/test_seal.c
tests_unit_base_test_seal_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_seal_CFLAGS = $(unit_cflags)
tests_unit_base_test_seal_LDFLAGS = $(AM_LDFLAGS) $(failalloc_ldflags) -Wl,--wrap=free \
	-Wl,--wrap=RAND_bytes -Wl,--wrap=RAND_priv_bytes -Wl,--wrap=EVP_CIPHER_CTX_new
tests_unit_base_test_seal_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_share
TESTS += tests/unit/base/test_share
tests_unit_base_test_share_SOURCES = tests/unit/base/test_share.c
tests_unit_base_test_share_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_share_CFLAGS = $(unit_cflags)
tests_unit_base_test_share_LDFLAGS = $(failalloc_ldflags)
tests_unit_base_test_share_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/base/test_turns
TESTS += tests/unit/base/test_turns
tests_unit_base_test_turns_SOURCES = tests/unit/base/test_turns.c
tests_unit_base_test_turns_CPPFLAGS = $(unit_cppflags)
tests_unit_base_test_turns_CFLAGS = $(unit_cflags)
tests_unit_base_test_turns_LDADD = $(unit_ldadd)
