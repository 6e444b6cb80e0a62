# SPDX-License-Identifier: ISC
# The unit tests of daemon/control/.
check_PROGRAMS += tests/unit/control/test_control
TESTS += tests/unit/control/test_control
tests_unit_control_test_control_SOURCES = tests/unit/control/test_control.c
tests_unit_control_test_control_CPPFLAGS = $(unit_cppflags)
tests_unit_control_test_control_CFLAGS = $(unit_cflags)
tests_unit_control_test_control_LDFLAGS = $(failalloc_ldflags)
tests_unit_control_test_control_LDADD = $(session_ldadd)
