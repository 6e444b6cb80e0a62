# SPDX-License-Identifier: ISC
# The unit tests of daemon/server/.
check_PROGRAMS += tests/unit/server/test_followup
TESTS += tests/unit/server/test_followup
tests_unit_server_test_followup_SOURCES = tests/unit/server/test_followup.c
tests_unit_server_test_followup_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_followup_CFLAGS = $(unit_cflags)
tests_unit_server_test_followup_LDFLAGS = $(failalloc_ldflags)
tests_unit_server_test_followup_LDADD = $(session_ldadd)

check_PROGRAMS += tests/unit/server/test_oom
TESTS += tests/unit/server/test_oom
tests_unit_server_test_oom_SOURCES = tests/unit/server/test_oom.c
tests_unit_server_test_oom_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_oom_CFLAGS = $(unit_cflags)
tests_unit_server_test_oom_LDFLAGS = $(failalloc_ldflags) -Wl,--wrap=pool_take -Wl,--wrap=pool_give
tests_unit_server_test_oom_LDADD = $(session_ldadd)

check_PROGRAMS += tests/unit/server/test_server
TESTS += tests/unit/server/test_server
tests_unit_server_test_server_SOURCES = tests/unit/server/test_server.c
tests_unit_server_test_server_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_server_CFLAGS = $(unit_cflags)
tests_unit_server_test_server_LDFLAGS = $(failalloc_ldflags)
tests_unit_server_test_server_LDADD = $(session_ldadd)

check_PROGRAMS += tests/unit/server/test_session_close
TESTS += tests/unit/server/test_session_close
tests_unit_server_test_session_close_SOURCES = tests/unit/server/test_session_close.c
tests_unit_server_test_session_close_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_session_close_CFLAGS = $(unit_cflags)
tests_unit_server_test_session_close_LDFLAGS = $(failalloc_ldflags)
tests_unit_server_test_session_close_LDADD = $(session_ldadd)

check_PROGRAMS += tests/unit/server/test_tasks
TESTS += tests/unit/server/test_tasks
tests_unit_server_test_tasks_SOURCES = tests/unit/server/test_tasks.c
tests_unit_server_test_tasks_CPPFLAGS = $(unit_cppflags)
tests_unit_server_test_tasks_CFLAGS = $(unit_cflags)
tests_unit_server_test_tasks_LDFLAGS = $(failalloc_ldflags)
tests_unit_server_test_tasks_LDADD = $(session_ldadd)
