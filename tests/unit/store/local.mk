# SPDX-License-Identifier: ISC
# The unit tests of daemon/store/.
check_PROGRAMS += tests/unit/store/test_store
TESTS += tests/unit/store/test_store
tests_unit_store_test_store_SOURCES = tests/unit/store/test_store.c
tests_unit_store_test_store_CPPFLAGS = $(unit_cppflags)
tests_unit_store_test_store_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_store_test_store_LDADD = $(unit_ldadd)
