# SPDX-License-Identifier: ISC
# The unit tests of daemon/auth/.
check_PROGRAMS += tests/unit/auth/test_jwt
TESTS += tests/unit/auth/test_jwt
tests_unit_auth_test_jwt_SOURCES = tests/unit/auth/test_jwt.c
tests_unit_auth_test_jwt_LDFLAGS = $(failalloc_ldflags)
tests_unit_auth_test_jwt_CPPFLAGS = $(unit_cppflags)
tests_unit_auth_test_jwt_CFLAGS = $(unit_cflags) $(JOSE_CFLAGS)
tests_unit_auth_test_jwt_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/auth/test_users
TESTS += tests/unit/auth/test_users
tests_unit_auth_test_users_SOURCES = tests/unit/auth/test_users.c
tests_unit_auth_test_users_CPPFLAGS = $(unit_cppflags)
tests_unit_auth_test_users_CFLAGS = $(unit_cflags)
tests_unit_auth_test_users_LDADD = $(unit_ldadd)
