# SPDX-License-Identifier: ISC
# The unit tests of daemon/text/.
check_PROGRAMS += tests/unit/text/test_basicauth
TESTS += tests/unit/text/test_basicauth
tests_unit_text_test_basicauth_SOURCES = tests/unit/text/test_basicauth.c
tests_unit_text_test_basicauth_CPPFLAGS = $(unit_cppflags)
tests_unit_text_test_basicauth_CFLAGS = $(unit_cflags)
tests_unit_text_test_basicauth_LDFLAGS = $(failalloc_ldflags)
tests_unit_text_test_basicauth_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/text/test_challenge
TESTS += tests/unit/text/test_challenge
tests_unit_text_test_challenge_SOURCES = tests/unit/text/test_challenge.c
tests_unit_text_test_challenge_CPPFLAGS = $(unit_cppflags)
tests_unit_text_test_challenge_CFLAGS = $(unit_cflags)
tests_unit_text_test_challenge_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/text/test_headervalue
TESTS += tests/unit/text/test_headervalue
tests_unit_text_test_headervalue_SOURCES = tests/unit/text/test_headervalue.c
tests_unit_text_test_headervalue_CPPFLAGS = $(unit_cppflags)
tests_unit_text_test_headervalue_CFLAGS = $(unit_cflags)
tests_unit_text_test_headervalue_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/text/test_mediatype
TESTS += tests/unit/text/test_mediatype
tests_unit_text_test_mediatype_SOURCES = tests/unit/text/test_mediatype.c
tests_unit_text_test_mediatype_CPPFLAGS = $(unit_cppflags)
tests_unit_text_test_mediatype_CFLAGS = $(unit_cflags)
tests_unit_text_test_mediatype_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/text/test_pattern
TESTS += tests/unit/text/test_pattern
tests_unit_text_test_pattern_SOURCES = tests/unit/text/test_pattern.c
tests_unit_text_test_pattern_CPPFLAGS = $(unit_cppflags)
tests_unit_text_test_pattern_CFLAGS = $(unit_cflags)
tests_unit_text_test_pattern_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/text/test_placeholder
TESTS += tests/unit/text/test_placeholder
tests_unit_text_test_placeholder_SOURCES = tests/unit/text/test_placeholder.c
tests_unit_text_test_placeholder_CPPFLAGS = $(unit_cppflags)
tests_unit_text_test_placeholder_CFLAGS = $(unit_cflags)
tests_unit_text_test_placeholder_LDFLAGS = $(failalloc_ldflags)
tests_unit_text_test_placeholder_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/text/test_schema
TESTS += tests/unit/text/test_schema
tests_unit_text_test_schema_SOURCES = tests/unit/text/test_schema.c
tests_unit_text_test_schema_CPPFLAGS = $(unit_cppflags)
tests_unit_text_test_schema_CFLAGS = $(unit_cflags)
tests_unit_text_test_schema_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/text/test_uritemplate
TESTS += tests/unit/text/test_uritemplate
tests_unit_text_test_uritemplate_SOURCES = tests/unit/text/test_uritemplate.c
tests_unit_text_test_uritemplate_CPPFLAGS = $(unit_cppflags)
tests_unit_text_test_uritemplate_CFLAGS = $(unit_cflags)
tests_unit_text_test_uritemplate_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/text/test_url
TESTS += tests/unit/text/test_url
tests_unit_text_test_url_SOURCES = tests/unit/text/test_url.c
tests_unit_text_test_url_CPPFLAGS = $(unit_cppflags)
tests_unit_text_test_url_CFLAGS = $(unit_cflags)
tests_unit_text_test_url_LDADD = $(unit_ldadd)
