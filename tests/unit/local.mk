# SPDX-License-Identifier: ISC
# Unit tests: a folder for each room of daemon/, one for lib/ and one for cli/; here lie what the tests
# share and the tests of the files that lie in daemon/ itself.
session_fixture = tests/unit/session_fixture.c tests/unit/session_fixture.h \
	tests/unit/fake_backend.c tests/unit/fake_backend.h \
	tests/unit/fake_exchange.c tests/unit/fake_exchange.h \
	tests/unit/failalloc.c tests/unit/failalloc.h tests/unit/support.c tests/unit/support.h
cli_cppflags = $(unit_cppflags) -I$(top_srcdir)/cli
cli_ldadd = $(CLI_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_leftovers
TESTS += tests/unit/test_leftovers
tests_unit_test_leftovers_SOURCES = tests/unit/test_leftovers.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_leftovers_CPPFLAGS = $(unit_cppflags)
tests_unit_test_leftovers_CFLAGS = $(unit_cflags)
tests_unit_test_leftovers_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_leftovers_LDADD = $(unit_ldadd)

include $(top_srcdir)/tests/unit/auth/local.mk
include $(top_srcdir)/tests/unit/backend/local.mk
include $(top_srcdir)/tests/unit/base/local.mk
include $(top_srcdir)/tests/unit/cli/local.mk
include $(top_srcdir)/tests/unit/client/local.mk
include $(top_srcdir)/tests/unit/config/local.mk
include $(top_srcdir)/tests/unit/control/local.mk
include $(top_srcdir)/tests/unit/credentials/local.mk
include $(top_srcdir)/tests/unit/http/local.mk
include $(top_srcdir)/tests/unit/legacy/local.mk
include $(top_srcdir)/tests/unit/lib/local.mk
include $(top_srcdir)/tests/unit/mcp/local.mk
include $(top_srcdir)/tests/unit/modern/local.mk
include $(top_srcdir)/tests/unit/process/local.mk
include $(top_srcdir)/tests/unit/server/local.mk
include $(top_srcdir)/tests/unit/store/local.mk
include $(top_srcdir)/tests/unit/text/local.mk
