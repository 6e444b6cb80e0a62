# SPDX-License-Identifier: ISC
# The unit tests of lib/.
check_PROGRAMS += tests/unit/lib/test_ctlclient
TESTS += tests/unit/lib/test_ctlclient
tests_unit_lib_test_ctlclient_SOURCES = tests/unit/lib/test_ctlclient.c
tests_unit_lib_test_ctlclient_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_ctlclient_CFLAGS = $(unit_cflags)
tests_unit_lib_test_ctlclient_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_ctlspec
TESTS += tests/unit/lib/test_ctlspec
tests_unit_lib_test_ctlspec_SOURCES = tests/unit/lib/test_ctlspec.c
tests_unit_lib_test_ctlspec_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_ctlspec_CFLAGS = $(unit_cflags)
tests_unit_lib_test_ctlspec_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_err
TESTS += tests/unit/lib/test_err
tests_unit_lib_test_err_SOURCES = tests/unit/lib/test_err.c
tests_unit_lib_test_err_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_err_CFLAGS = $(unit_cflags)
tests_unit_lib_test_err_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_jsonscan
TESTS += tests/unit/lib/test_jsonscan
tests_unit_lib_test_jsonscan_SOURCES = tests/unit/lib/test_jsonscan.c
tests_unit_lib_test_jsonscan_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_jsonscan_CFLAGS = $(unit_cflags)
tests_unit_lib_test_jsonscan_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_jsontext
TESTS += tests/unit/lib/test_jsontext
tests_unit_lib_test_jsontext_SOURCES = tests/unit/lib/test_jsontext.c
tests_unit_lib_test_jsontext_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_jsontext_CFLAGS = $(unit_cflags)
tests_unit_lib_test_jsontext_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_jsonrpc
TESTS += tests/unit/lib/test_jsonrpc
tests_unit_lib_test_jsonrpc_SOURCES = tests/unit/lib/test_jsonrpc.c
tests_unit_lib_test_jsonrpc_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_jsonrpc_CFLAGS = $(unit_cflags)
tests_unit_lib_test_jsonrpc_LDFLAGS = $(failalloc_ldflags)
tests_unit_lib_test_jsonrpc_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_lines
TESTS += tests/unit/lib/test_lines
tests_unit_lib_test_lines_SOURCES = tests/unit/lib/test_lines.c
tests_unit_lib_test_lines_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_lines_CFLAGS = $(unit_cflags)
tests_unit_lib_test_lines_LDFLAGS = $(failalloc_ldflags)
tests_unit_lib_test_lines_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_log
TESTS += tests/unit/lib/test_log
tests_unit_lib_test_log_SOURCES = tests/unit/lib/test_log.c
tests_unit_lib_test_log_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_log_CFLAGS = $(unit_cflags)
tests_unit_lib_test_log_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_protocol
TESTS += tests/unit/lib/test_protocol
tests_unit_lib_test_protocol_SOURCES = tests/unit/lib/test_protocol.c
tests_unit_lib_test_protocol_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_protocol_CFLAGS = $(unit_cflags)
tests_unit_lib_test_protocol_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_sse
TESTS += tests/unit/lib/test_sse
tests_unit_lib_test_sse_SOURCES = tests/unit/lib/test_sse.c
tests_unit_lib_test_sse_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_sse_CFLAGS = $(unit_cflags)
tests_unit_lib_test_sse_LDFLAGS = $(failalloc_ldflags)
tests_unit_lib_test_sse_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_ssereader
TESTS += tests/unit/lib/test_ssereader
tests_unit_lib_test_ssereader_SOURCES = tests/unit/lib/test_ssereader.c
tests_unit_lib_test_ssereader_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_ssereader_CFLAGS = $(unit_cflags)
tests_unit_lib_test_ssereader_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/lib/test_utf8
TESTS += tests/unit/lib/test_utf8
tests_unit_lib_test_utf8_SOURCES = tests/unit/lib/test_utf8.c
tests_unit_lib_test_utf8_CPPFLAGS = $(unit_cppflags)
tests_unit_lib_test_utf8_CFLAGS = $(unit_cflags)
tests_unit_lib_test_utf8_LDADD = $(unit_ldadd)
