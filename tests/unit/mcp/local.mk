# SPDX-License-Identifier: ISC
# The unit tests of daemon/mcp/.
check_PROGRAMS += tests/unit/mcp/test_call
TESTS += tests/unit/mcp/test_call
tests_unit_mcp_test_call_SOURCES = tests/unit/mcp/test_call.c
tests_unit_mcp_test_call_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_call_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_call_LDFLAGS = $(failalloc_ldflags)
tests_unit_mcp_test_call_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_capability
TESTS += tests/unit/mcp/test_capability
tests_unit_mcp_test_capability_SOURCES = tests/unit/mcp/test_capability.c
tests_unit_mcp_test_capability_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_capability_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_capability_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_catalog
TESTS += tests/unit/mcp/test_catalog
tests_unit_mcp_test_catalog_SOURCES = tests/unit/mcp/test_catalog.c
tests_unit_mcp_test_catalog_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_catalog_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_catalog_LDFLAGS = $(failalloc_ldflags)
tests_unit_mcp_test_catalog_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_era
TESTS += tests/unit/mcp/test_era
tests_unit_mcp_test_era_SOURCES = tests/unit/mcp/test_era.c
tests_unit_mcp_test_era_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_era_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_era_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_mcpheaders
TESTS += tests/unit/mcp/test_mcpheaders
tests_unit_mcp_test_mcpheaders_SOURCES = tests/unit/mcp/test_mcpheaders.c
tests_unit_mcp_test_mcpheaders_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_mcpheaders_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_mcpheaders_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_message
TESTS += tests/unit/mcp/test_message
tests_unit_mcp_test_message_SOURCES = tests/unit/mcp/test_message.c
tests_unit_mcp_test_message_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_message_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_message_LDFLAGS = $(failalloc_ldflags)
tests_unit_mcp_test_message_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_names
TESTS += tests/unit/mcp/test_names
tests_unit_mcp_test_names_SOURCES = tests/unit/mcp/test_names.c
tests_unit_mcp_test_names_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_names_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_names_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_offer
TESTS += tests/unit/mcp/test_offer
tests_unit_mcp_test_offer_SOURCES = tests/unit/mcp/test_offer.c
tests_unit_mcp_test_offer_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_offer_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_offer_LDFLAGS = $(failalloc_ldflags)
tests_unit_mcp_test_offer_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_question
TESTS += tests/unit/mcp/test_question
tests_unit_mcp_test_question_SOURCES = tests/unit/mcp/test_question.c
tests_unit_mcp_test_question_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_question_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_question_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_translate
TESTS += tests/unit/mcp/test_translate
tests_unit_mcp_test_translate_SOURCES = tests/unit/mcp/test_translate.c
tests_unit_mcp_test_translate_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_translate_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_translate_LDFLAGS = $(failalloc_ldflags)
tests_unit_mcp_test_translate_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_xheader
TESTS += tests/unit/mcp/test_xheader
tests_unit_mcp_test_xheader_SOURCES = tests/unit/mcp/test_xheader.c
tests_unit_mcp_test_xheader_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_xheader_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_xheader_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/mcp/test_post
TESTS += tests/unit/mcp/test_post
tests_unit_mcp_test_post_SOURCES = tests/unit/mcp/test_post.c
tests_unit_mcp_test_post_CPPFLAGS = $(unit_cppflags)
tests_unit_mcp_test_post_CFLAGS = $(unit_cflags)
tests_unit_mcp_test_post_LDFLAGS = $(failalloc_ldflags)
tests_unit_mcp_test_post_LDADD = $(unit_ldadd)
