# SPDX-License-Identifier: ISC
# Unit tests: a folder for each room of daemon/, one for lib/ and one for cli/; here lie what the tests
# share and the tests of the files that lie in daemon/ itself.
#
# What the tests share is compiled once, into two libraries. The linker takes from them only the files
# that a test uses; failalloc.h goes with $(failalloc_ldflags), which replace the allocator of the
# whole program.
check_LIBRARIES += tests/unit/libsupport.a
tests_unit_libsupport_a_SOURCES = tests/unit/cases.c \
	tests/unit/failalloc.c tests/unit/failalloc.h \
	tests/unit/http_fixture.c tests/unit/http_fixture.h \
	tests/unit/support.c tests/unit/support.h
tests_unit_libsupport_a_CPPFLAGS = $(unit_cppflags)
tests_unit_libsupport_a_CFLAGS = $(unit_cflags)

# Sessions without a network. fake_exchange.c defines the functions of daemon/http/exchange.c, so this
# library stands before the daemon's, and is for those tests alone that say $(session_ldadd).
check_LIBRARIES += tests/unit/libsession.a
tests_unit_libsession_a_SOURCES = \
	tests/unit/endpoint_fixture.c tests/unit/endpoint_fixture.h \
	tests/unit/fake_backend.c tests/unit/fake_backend.h \
	tests/unit/fake_exchange.c tests/unit/fake_exchange.h \
	tests/unit/said.c tests/unit/said.h \
	tests/unit/session_fixture.c tests/unit/session_fixture.h
tests_unit_libsession_a_CPPFLAGS = $(unit_cppflags)
tests_unit_libsession_a_CFLAGS = $(unit_cflags)

cli_cppflags = $(unit_cppflags) -I$(top_srcdir)/cli
cli_ldadd = $(unit_support) $(CLI_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_detach
TESTS += tests/unit/test_detach
tests_unit_test_detach_SOURCES = tests/unit/test_detach.c
tests_unit_test_detach_CPPFLAGS = $(unit_cppflags)
tests_unit_test_detach_CFLAGS = $(unit_cflags)
tests_unit_test_detach_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_leftovers
TESTS += tests/unit/test_leftovers
tests_unit_test_leftovers_SOURCES = tests/unit/test_leftovers.c
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
