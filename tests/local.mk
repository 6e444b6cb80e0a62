# SPDX-License-Identifier: ISC
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
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/tests/tap-driver \
	$(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/cmocka-tap
EXTRA_DIST += tests/cmocka-tap tests/tap-driver tests/failed tests/valgrind.supp
LOG_DRIVER = env CMOCKA_MESSAGE_OUTPUT=TAP $(tap_driver)
PY_LOG_DRIVER = $(tap_driver)
PY_LOG_COMPILER = $(PYTHON)
SH_LOG_DRIVER = $(tap_driver)
SH_LOG_COMPILER = $(SHELL)
unit_cppflags = $(AM_CPPFLAGS) $(DAEMON_CPPFLAGS) -I$(top_srcdir)/tests/unit
unit_cflags = $(LIB_CFLAGS) $(CMOCKA_CFLAGS)
unit_support = tests/unit/libsupport_a-cases.$(OBJEXT) tests/unit/libsupport.a
unit_ldadd = $(unit_support) $(DAEMON_LIBS) $(CMOCKA_LIBS)
session_ldadd = tests/unit/libsession.a $(unit_ldadd)
# Tests in which the n-th allocation fails (tests/unit/failalloc.h).
failalloc_ldflags = -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=strdup

# The tests that need neither Python nor Node nor a running daemon: make check-unit.
check-unit: $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check TESTS="`echo '$(TESTS)' | tr ' ' '\n' | grep -E '^tests/(unit|fuzz)/' | tr '\n' ' '`"
# The same under valgrind, for a build without sanitizers.
check-valgrind:
	$(MAKE) $(AM_MAKEFLAGS) check-unit \
		LOG_COMPILER='$(LOG_COMPILER) valgrind -q --leak-check=full --error-exitcode=1 \
		--suppressions=$(abs_top_srcdir)/tests/valgrind.supp'
.PHONY: check-unit check-valgrind

# What tells within two or three minutes whether an archive is whole (.ci/run has make distcheck run these).
quick-tests:
	@echo '$(TESTS)' | tr ' ' '\n' | \
		grep -E '^tests/((unit|fuzz|static)/|integration/test_(exec|gate|mcpctl|merged)\.py)' | tr '\n' ' '
.PHONY: quick-tests

# One test, or some of its cases: make t T=test_call, make t T='test_merged:part of the name of a case'.
EXTRA_DIST += tests/one.py
t:
if HAVE_PYTHON
	+@$(AM_TESTS_ENVIRONMENT) $(PYTHON) $(top_srcdir)/tests/one.py '$(MAKE)' $(TESTS)
else
	@echo 'make t needs python3, which configure did not find' >&2; exit 1
endif
.PHONY: t

if HAVE_CMOCKA
include $(top_srcdir)/tests/unit/local.mk
endif
include $(top_srcdir)/tests/fuzz/local.mk
include $(top_srcdir)/tests/integration/local.mk
include $(top_srcdir)/tests/hostile/local.mk
include $(top_srcdir)/tests/stalls/local.mk
include $(top_srcdir)/tests/mutants/local.mk

dist_check_SCRIPTS += tests/integration/test_mcpctl.py
if HAVE_PYTHON
TESTS += tests/integration/test_mcpctl.py
endif

# The tree itself: documents, code.
dist_check_SCRIPTS += tests/static/test_man.sh tests/static/test_code.py tests/static/test_config_docs.py
dist_check_SCRIPTS += tests/static/test_unit_file.py tests/static/test_ctl_docs.py tests/static/test_threats.py \
	tests/static/test_format.py tests/static/test_walks.py tests/static/test_one.py
TESTS += tests/static/test_man.sh
check_PROGRAMS += tests/static/config_keys
tests_static_config_keys_SOURCES = tests/static/config_keys.c
tests_static_config_keys_CPPFLAGS = $(AM_CPPFLAGS) $(DAEMON_CPPFLAGS)
tests_static_config_keys_CFLAGS = $(LIB_CFLAGS)
tests_static_config_keys_LDADD = $(DAEMON_LIBS)
if HAVE_PYTHON
TESTS += tests/static/test_config_docs.py
TESTS += tests/static/test_ctl_docs.py
TESTS += tests/static/test_unit_file.py
TESTS += tests/static/test_code.py
TESTS += tests/static/test_threats.py
TESTS += tests/static/test_format.py tests/static/test_walks.py tests/static/test_one.py
endif

# Speed and memory (see tests/bench/run). Built by `make check` too, so that it goes on compiling.
bench_programs = tests/bench/bare$(EXEEXT) tests/bench/echo$(EXEEXT) tests/bench/load$(EXEEXT) \
	tests/bench/prepared$(EXEEXT) tests/bench/relay$(EXEEXT)
check_PROGRAMS += tests/bench/bare tests/bench/echo tests/bench/load tests/bench/prepared tests/bench/relay
tests_bench_bare_SOURCES = tests/bench/bare.c
tests_bench_bare_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_bench_bare_LDADD = $(EVENT_LIBS)
tests_bench_echo_SOURCES = tests/bench/echo.c
tests_bench_echo_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_echo_LDADD = $(JANSSON_LIBS)
tests_bench_load_SOURCES = tests/bench/load.c tests/bench/load.h tests/bench/wire.c
tests_bench_load_CFLAGS = $(AM_CFLAGS)
tests_bench_prepared_SOURCES = tests/bench/prepared.c
tests_bench_relay_SOURCES = tests/bench/relay.c
EXTRA_DIST += tests/bench/RESULTS.md tests/bench/run tests/bench/package.json tests/bench/package-lock.json \
	tests/bench/plot.gp tests/bench/rates.tsv tests/bench/calls.svg tests/bench/bytes.svg

bench: mcpd$(EXEEXT) $(bench_programs)
	top_builddir='$(abs_top_builddir)' $(PYTHON) $(srcdir)/tests/bench/run $(BENCH_ARGS)
.PHONY: bench

# The official conformance suite. What npm installs there is not distributed.
EXTRA_DIST += tests/conformance/fixture.mjs tests/conformance/legacy-server.mjs \
	tests/conformance/modern-server.mjs tests/conformance/modern-client.mjs \
	tests/conformance/legacy-client.mjs tests/conformance/package.json \
	tests/conformance/package-lock.json tests/conformance/.npmrc tests/conformance/relays.json \
	tests/conformance/RESULTS.md
dist_check_SCRIPTS += tests/conformance/run.py
if HAVE_PYTHON
TESTS += tests/conformance/run.py
endif
