# SPDX-License-Identifier: ISC
# The unit tests of daemon/modern/.
check_PROGRAMS += tests/unit/modern/test_park
TESTS += tests/unit/modern/test_park
tests_unit_modern_test_park_SOURCES = tests/unit/modern/test_park.c
tests_unit_modern_test_park_CPPFLAGS = $(unit_cppflags)
tests_unit_modern_test_park_CFLAGS = $(unit_cflags)
tests_unit_modern_test_park_LDFLAGS = -Wl,--wrap=time -Wl,--wrap=mreqs_find
tests_unit_modern_test_park_LDADD = $(session_ldadd)

check_PROGRAMS += tests/unit/modern/test_pool
TESTS += tests/unit/modern/test_pool
tests_unit_modern_test_pool_SOURCES = tests/unit/modern/test_pool.c
tests_unit_modern_test_pool_CPPFLAGS = $(unit_cppflags)
tests_unit_modern_test_pool_CFLAGS = $(unit_cflags)
tests_unit_modern_test_pool_LDFLAGS = $(failalloc_ldflags) -Wl,--wrap=server_new -Wl,--wrap=server_free \
	-Wl,--wrap=server_close -Wl,--wrap=server_tasks -Wl,--wrap=server_has_task \
	-Wl,--wrap=memcmp -Wl,--wrap=bcmp -Wl,--wrap=strcmp
tests_unit_modern_test_pool_LDADD = $(unit_ldadd)
