# SPDX-License-Identifier: ISC
# The unit tests of daemon/client/.
check_PROGRAMS += tests/unit/client/test_mcpclient
TESTS += tests/unit/client/test_mcpclient
tests_unit_client_test_mcpclient_SOURCES = tests/unit/client/test_mcpclient.c
tests_unit_client_test_mcpclient_CPPFLAGS = $(unit_cppflags)
tests_unit_client_test_mcpclient_CFLAGS = $(unit_cflags)
tests_unit_client_test_mcpclient_LDFLAGS = $(failalloc_ldflags)
tests_unit_client_test_mcpclient_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/client/test_upstream
TESTS += tests/unit/client/test_upstream
tests_unit_client_test_upstream_SOURCES = tests/unit/client/test_upstream.c
tests_unit_client_test_upstream_CPPFLAGS = $(unit_cppflags)
tests_unit_client_test_upstream_CFLAGS = $(unit_cflags)
tests_unit_client_test_upstream_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/client/test_upstream_judge
TESTS += tests/unit/client/test_upstream_judge
tests_unit_client_test_upstream_judge_SOURCES = tests/unit/client/test_upstream_judge.c
tests_unit_client_test_upstream_judge_CPPFLAGS = $(unit_cppflags)
tests_unit_client_test_upstream_judge_CFLAGS = $(unit_cflags)
tests_unit_client_test_upstream_judge_LDADD = $(unit_ldadd)
