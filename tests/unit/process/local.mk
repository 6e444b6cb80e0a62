# SPDX-License-Identifier: ISC
# The unit tests of daemon/process/.
check_PROGRAMS += tests/unit/process/test_cgroup
TESTS += tests/unit/process/test_cgroup
tests_unit_process_test_cgroup_SOURCES = tests/unit/process/test_cgroup.c
tests_unit_process_test_cgroup_CPPFLAGS = $(unit_cppflags)
tests_unit_process_test_cgroup_CFLAGS = $(unit_cflags)
tests_unit_process_test_cgroup_LDFLAGS = -Wl,--wrap=mkdirat -Wl,--wrap=unlinkat
tests_unit_process_test_cgroup_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/process/test_children
TESTS += tests/unit/process/test_children
tests_unit_process_test_children_SOURCES = tests/unit/process/test_children.c
tests_unit_process_test_children_CPPFLAGS = $(unit_cppflags)
tests_unit_process_test_children_CFLAGS = $(unit_cflags)
tests_unit_process_test_children_LDFLAGS = -Wl,--wrap=fork -Wl,--wrap=kill
tests_unit_process_test_children_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/process/test_peerproc
TESTS += tests/unit/process/test_peerproc
tests_unit_process_test_peerproc_SOURCES = tests/unit/process/test_peerproc.c
tests_unit_process_test_peerproc_CPPFLAGS = $(unit_cppflags)
tests_unit_process_test_peerproc_CFLAGS = $(unit_cflags)
tests_unit_process_test_peerproc_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/process/test_sandbox
TESTS += tests/unit/process/test_sandbox
tests_unit_process_test_sandbox_SOURCES = tests/unit/process/test_sandbox.c
tests_unit_process_test_sandbox_CPPFLAGS = $(unit_cppflags)
tests_unit_process_test_sandbox_CFLAGS = $(unit_cflags)
tests_unit_process_test_sandbox_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fdopendir
tests_unit_process_test_sandbox_LDADD = $(unit_ldadd)
