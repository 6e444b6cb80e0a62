# SPDX-License-Identifier: ISC
# The unit tests of daemon/backend/.
check_PROGRAMS += tests/unit/backend/test_backend_exec
TESTS += tests/unit/backend/test_backend_exec
tests_unit_backend_test_backend_exec_SOURCES = tests/unit/backend/test_backend_exec.c
tests_unit_backend_test_backend_exec_CPPFLAGS = $(unit_cppflags)
tests_unit_backend_test_backend_exec_CFLAGS = $(unit_cflags)
tests_unit_backend_test_backend_exec_LDFLAGS = $(failalloc_ldflags)
tests_unit_backend_test_backend_exec_LDADD = $(unit_ldadd)

if HAVE_PYTHON
check_PROGRAMS += tests/unit/backend/test_backend_stdio
TESTS += tests/unit/backend/test_backend_stdio
tests_unit_backend_test_backend_stdio_SOURCES = tests/unit/backend/test_backend_stdio.c
tests_unit_backend_test_backend_stdio_CPPFLAGS = $(unit_cppflags)
tests_unit_backend_test_backend_stdio_CFLAGS = $(unit_cflags)
tests_unit_backend_test_backend_stdio_LDADD = $(unit_ldadd)
endif

check_PROGRAMS += tests/unit/backend/test_web
TESTS += tests/unit/backend/test_web
tests_unit_backend_test_web_SOURCES = tests/unit/backend/test_web.c
tests_unit_backend_test_web_CPPFLAGS = $(unit_cppflags)
tests_unit_backend_test_web_CFLAGS = $(unit_cflags)
tests_unit_backend_test_web_LDFLAGS = $(AM_LDFLAGS) $(failalloc_ldflags)
tests_unit_backend_test_web_LDADD = $(unit_ldadd)
