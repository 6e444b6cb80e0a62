# SPDX-License-Identifier: ISC
# The unit tests of daemon/server/.
check_PROGRAMS += tests/unit/server/test_again
TESTS += tests/unit/server/test_again
tests_unit_server_test_again_SOURCES = tests/unit/server/test_again.c $(session_fixture)
tests_unit_server_test_again_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_again_CFLAGS = $(unit_cflags)
tests_unit_server_test_again_LDFLAGS = $(failalloc_ldflags)
tests_unit_server_test_again_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/server/test_oom
TESTS += tests/unit/server/test_oom
tests_unit_server_test_oom_SOURCES = tests/unit/server/test_oom.c \
	tests/unit/endpoint_fixture.c tests/unit/endpoint_fixture.h \
	tests/unit/session_fixture.c tests/unit/session_fixture.h \
	tests/unit/fake_backend.c tests/unit/fake_backend.h \
	tests/unit/fake_exchange.c tests/unit/fake_exchange.h \
	tests/unit/support.c tests/unit/support.h tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_server_test_oom_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_oom_CFLAGS = $(unit_cflags)
tests_unit_server_test_oom_LDFLAGS = $(failalloc_ldflags)
tests_unit_server_test_oom_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/server/test_server
TESTS += tests/unit/server/test_server
tests_unit_server_test_server_SOURCES = tests/unit/server/test_server.c $(session_fixture)
tests_unit_server_test_server_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_server_CFLAGS = $(unit_cflags)
tests_unit_server_test_server_LDFLAGS = $(failalloc_ldflags)
tests_unit_server_test_server_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/server/test_session_close
TESTS += tests/unit/server/test_session_close
tests_unit_server_test_session_close_SOURCES = tests/unit/server/test_session_close.c $(session_fixture)
tests_unit_server_test_session_close_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_session_close_CFLAGS = $(unit_cflags)
tests_unit_server_test_session_close_LDFLAGS = $(failalloc_ldflags)
tests_unit_server_test_session_close_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/server/test_tasks
TESTS += tests/unit/server/test_tasks
tests_unit_server_test_tasks_SOURCES = tests/unit/server/test_tasks.c \
	tests/unit/endpoint_fixture.c tests/unit/endpoint_fixture.h \
	tests/unit/session_fixture.c tests/unit/session_fixture.h \
	tests/unit/fake_backend.c tests/unit/fake_backend.h \
	tests/unit/fake_exchange.c tests/unit/fake_exchange.h \
	tests/unit/support.c tests/unit/support.h tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_server_test_tasks_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_tasks_CFLAGS = $(unit_cflags)
tests_unit_server_test_tasks_LDFLAGS = $(failalloc_ldflags)
tests_unit_server_test_tasks_LDADD = $(unit_ldadd)
