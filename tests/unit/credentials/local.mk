# SPDX-License-Identifier: ISC
# The unit tests of daemon/credentials/.
check_PROGRAMS += tests/unit/credentials/test_credentials
TESTS += tests/unit/credentials/test_credentials
tests_unit_credentials_test_credentials_SOURCES = tests/unit/credentials/test_credentials.c
tests_unit_credentials_test_credentials_CPPFLAGS = $(unit_cppflags)
tests_unit_credentials_test_credentials_CFLAGS = $(unit_cflags)
tests_unit_credentials_test_credentials_LDFLAGS = $(AM_LDFLAGS) $(failalloc_ldflags) -Wl,--wrap=time \
	-Wl,--wrap=clock_ms -Wl,--wrap=fetch_start -Wl,--wrap=fetch_cancel \
	-Wl,--wrap=store_when_durable
tests_unit_credentials_test_credentials_LDADD = $(unit_ldadd)
