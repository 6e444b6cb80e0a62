# SPDX-License-Identifier: ISC
# The unit tests of daemon/legacy/.
check_PROGRAMS += tests/unit/legacy/test_legacy
TESTS += tests/unit/legacy/test_legacy
tests_unit_legacy_test_legacy_SOURCES = tests/unit/legacy/test_legacy.c
tests_unit_legacy_test_legacy_CPPFLAGS = $(unit_cppflags)
tests_unit_legacy_test_legacy_CFLAGS = $(unit_cflags)
tests_unit_legacy_test_legacy_LDADD = $(session_ldadd)

check_PROGRAMS += tests/unit/legacy/test_records
TESTS += tests/unit/legacy/test_records
tests_unit_legacy_test_records_SOURCES = tests/unit/legacy/test_records.c
tests_unit_legacy_test_records_CPPFLAGS = $(unit_cppflags)
tests_unit_legacy_test_records_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_legacy_test_records_LDFLAGS = $(failalloc_ldflags)
tests_unit_legacy_test_records_LDADD = $(session_ldadd)

check_PROGRAMS += tests/unit/legacy/test_transport
TESTS += tests/unit/legacy/test_transport
tests_unit_legacy_test_transport_SOURCES = tests/unit/legacy/test_transport.c
tests_unit_legacy_test_transport_CPPFLAGS = $(unit_cppflags)
tests_unit_legacy_test_transport_CFLAGS = $(unit_cflags)
tests_unit_legacy_test_transport_LDFLAGS = $(failalloc_ldflags)
tests_unit_legacy_test_transport_LDADD = $(session_ldadd)
