# Tests speak TAP. One block for each, so that additions do not collide.
#
# A test program finds its surroundings in the environment: top_srcdir and top_builddir (absolute),
# MCPD and MCPCTL (the programs under test). MCPD_TEST_REQUIRE=node turns a test that would be
# skipped for want of Node into a failure.
TEST_EXTENSIONS = .py .sh
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	MCPD='$(abs_top_builddir)/mcpd'; export MCPD; \
	MCPCTL='$(abs_top_builddir)/mcpctl'; export MCPCTL; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE; \
	UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS;
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = env CMOCKA_MESSAGE_OUTPUT=TAP $(tap_driver)
PY_LOG_DRIVER = $(tap_driver)
PY_LOG_COMPILER = $(PYTHON)
SH_LOG_DRIVER = $(tap_driver)
SH_LOG_COMPILER = $(SHELL)
unit_cppflags = $(AM_CPPFLAGS) $(DAEMON_CPPFLAGS) -I$(top_srcdir)/tests/unit
unit_cflags = $(LIB_CFLAGS) $(CMOCKA_CFLAGS)
unit_ldadd = $(DAEMON_LIBS) $(CMOCKA_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_framing
TESTS += tests/unit/test_framing
tests_unit_test_framing_SOURCES = tests/unit/test_framing.c
tests_unit_test_framing_CPPFLAGS = $(unit_cppflags)
tests_unit_test_framing_CFLAGS = $(unit_cflags)
tests_unit_test_framing_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_httphead
TESTS += tests/unit/test_httphead
tests_unit_test_httphead_SOURCES = tests/unit/test_httphead.c
tests_unit_test_httphead_CPPFLAGS = $(unit_cppflags)
tests_unit_test_httphead_CFLAGS = $(unit_cflags)
tests_unit_test_httphead_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_exchange
TESTS += tests/unit/test_exchange
tests_unit_test_exchange_SOURCES = tests/unit/test_exchange.c tests/unit/http_fixture.c tests/unit/http_fixture.h
tests_unit_test_exchange_CPPFLAGS = $(unit_cppflags)
tests_unit_test_exchange_CFLAGS = $(unit_cflags)
tests_unit_test_exchange_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_httpd
TESTS += tests/unit/test_httpd
tests_unit_test_httpd_SOURCES = tests/unit/test_httpd.c tests/unit/http_fixture.c tests/unit/http_fixture.h
tests_unit_test_httpd_CPPFLAGS = $(unit_cppflags)
tests_unit_test_httpd_CFLAGS = $(unit_cflags)
tests_unit_test_httpd_LDADD = $(unit_ldadd)

endif
# The misbehaving server that unit and integration tests share.
EXTRA_DIST += tests/integration/fakeserver.py
