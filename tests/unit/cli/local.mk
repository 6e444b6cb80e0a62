# SPDX-License-Identifier: ISC
# The unit tests of cli/.
check_PROGRAMS += tests/unit/cli/test_complete
TESTS += tests/unit/cli/test_complete
tests_unit_cli_test_complete_SOURCES = tests/unit/cli/test_complete.c
tests_unit_cli_test_complete_CPPFLAGS = $(cli_cppflags)
tests_unit_cli_test_complete_CFLAGS = $(unit_cflags)
tests_unit_cli_test_complete_LDADD = $(cli_ldadd) $(DAEMON_LIBS)

check_PROGRAMS += tests/unit/cli/test_output
TESTS += tests/unit/cli/test_output
tests_unit_cli_test_output_SOURCES = tests/unit/cli/test_output.c
tests_unit_cli_test_output_CPPFLAGS = $(cli_cppflags)
tests_unit_cli_test_output_CFLAGS = $(unit_cflags)
tests_unit_cli_test_output_LDADD = $(cli_ldadd) $(DAEMON_LIBS)

check_PROGRAMS += tests/unit/cli/test_parse
TESTS += tests/unit/cli/test_parse
tests_unit_cli_test_parse_SOURCES = tests/unit/cli/test_parse.c
tests_unit_cli_test_parse_CPPFLAGS = $(cli_cppflags)
tests_unit_cli_test_parse_CFLAGS = $(unit_cflags)
tests_unit_cli_test_parse_LDFLAGS = $(AM_LDFLAGS) $(failalloc_ldflags)
tests_unit_cli_test_parse_LDADD = $(cli_ldadd) $(DAEMON_LIBS)

check_PROGRAMS += tests/unit/cli/test_secret
TESTS += tests/unit/cli/test_secret
tests_unit_cli_test_secret_SOURCES = tests/unit/cli/test_secret.c
tests_unit_cli_test_secret_CPPFLAGS = $(cli_cppflags)
tests_unit_cli_test_secret_CFLAGS = $(unit_cflags)
tests_unit_cli_test_secret_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=read -Wl,--wrap=poll
tests_unit_cli_test_secret_LDADD = $(cli_ldadd)
