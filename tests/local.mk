# Unit tests: cmocka programs that speak TAP. One block for each, so that additions do not collide.
TEST_EXTENSIONS = .py .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' CMOCKA_MESSAGE_OUTPUT=TAP $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
PY_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
PY_LOG_COMPILER = python3
SH_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_COMPILER = $(SHELL)
unit_cppflags = $(AM_CPPFLAGS) $(DAEMON_CPPFLAGS) -I$(top_srcdir)/tests/unit
unit_cflags = $(LIB_CFLAGS) $(CMOCKA_CFLAGS)
unit_ldadd = $(DAEMON_LIBS) $(CMOCKA_LIBS)

if HAVE_CMOCKA

endif
