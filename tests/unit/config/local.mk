# SPDX-License-Identifier: ISC
# The unit tests of daemon/config/.
check_PROGRAMS += tests/unit/config/test_config
TESTS += tests/unit/config/test_config
tests_unit_config_test_config_SOURCES = tests/unit/config/test_config.c
tests_unit_config_test_config_CPPFLAGS = $(unit_cppflags)
tests_unit_config_test_config_CFLAGS = $(unit_cflags)
tests_unit_config_test_config_LDFLAGS = $(failalloc_ldflags)
tests_unit_config_test_config_LDADD = $(unit_ldadd)
