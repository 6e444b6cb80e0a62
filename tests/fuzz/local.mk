# SPDX-License-Identifier: ISC
# Fuzz targets (configure --enable-fuzzer), and their corpora as tests without libFuzzer.
fuzz_cppflags = $(AM_CPPFLAGS) $(DAEMON_CPPFLAGS) -I$(top_srcdir)/tests/fuzz
EXTRA_DIST += tests/fuzz/corpus

check_PROGRAMS += tests/fuzz/replay_jsonrpc
TESTS += tests/fuzz/replay_jsonrpc
tests_fuzz_replay_jsonrpc_SOURCES = tests/fuzz/fuzz_jsonrpc.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_jsonrpc_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"jsonrpc"'
tests_fuzz_replay_jsonrpc_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_jsonrpc_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_jsonrpc
tests_fuzz_fuzz_jsonrpc_SOURCES = tests/fuzz/fuzz_jsonrpc.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_jsonrpc_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_jsonrpc_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_jsonrpc_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jsonrpc_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_jsontext
TESTS += tests/fuzz/replay_jsontext
tests_fuzz_replay_jsontext_SOURCES = tests/fuzz/fuzz_jsontext.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_jsontext_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"jsontext"'
tests_fuzz_replay_jsontext_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_jsontext_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_jsontext
tests_fuzz_fuzz_jsontext_SOURCES = tests/fuzz/fuzz_jsontext.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_jsontext_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_jsontext_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_jsontext_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jsontext_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_jwt
TESTS += tests/fuzz/replay_jwt
tests_fuzz_replay_jwt_SOURCES = tests/fuzz/fuzz_jwt.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_jwt_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"jwt"'
tests_fuzz_replay_jwt_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_jwt_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_jwt
tests_fuzz_fuzz_jwt_SOURCES = tests/fuzz/fuzz_jwt.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_jwt_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_jwt_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_jwt_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jwt_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_gate
TESTS += tests/fuzz/replay_gate
tests_fuzz_replay_gate_SOURCES = tests/fuzz/fuzz_gate.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_gate_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"gate"'
tests_fuzz_replay_gate_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_gate_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_gate
tests_fuzz_fuzz_gate_SOURCES = tests/fuzz/fuzz_gate.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_gate_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_gate_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_gate_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_gate_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_lines
TESTS += tests/fuzz/replay_lines
tests_fuzz_replay_lines_SOURCES = tests/fuzz/fuzz_lines.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_lines_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"lines"'
tests_fuzz_replay_lines_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_lines_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_lines
tests_fuzz_fuzz_lines_SOURCES = tests/fuzz/fuzz_lines.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_lines_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_lines_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_lines_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_lines_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_config
TESTS += tests/fuzz/replay_config
tests_fuzz_replay_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_config_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"config"'
tests_fuzz_replay_config_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_config_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_config_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_config_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_config_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_schema
TESTS += tests/fuzz/replay_schema
tests_fuzz_replay_schema_SOURCES = tests/fuzz/fuzz_schema.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_schema_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"schema"'
tests_fuzz_replay_schema_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_schema_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_schema
tests_fuzz_fuzz_schema_SOURCES = tests/fuzz/fuzz_schema.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_schema_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_schema_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_schema_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_schema_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_text
TESTS += tests/fuzz/replay_text
tests_fuzz_replay_text_SOURCES = tests/fuzz/fuzz_text.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_text_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"text"'
tests_fuzz_replay_text_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_text_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_text
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_text_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_text_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_text_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_text_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_translate
TESTS += tests/fuzz/replay_translate
tests_fuzz_replay_translate_SOURCES = tests/fuzz/fuzz_translate.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_translate_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"translate"'
tests_fuzz_replay_translate_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_translate_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_translate
tests_fuzz_fuzz_translate_SOURCES = tests/fuzz/fuzz_translate.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_translate_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_translate_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_translate_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_translate_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_era
TESTS += tests/fuzz/replay_era
tests_fuzz_replay_era_SOURCES = tests/fuzz/fuzz_era.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_era_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"era"'
tests_fuzz_replay_era_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_era_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_era
tests_fuzz_fuzz_era_SOURCES = tests/fuzz/fuzz_era.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_era_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_era_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_era_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_era_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_headervalue
TESTS += tests/fuzz/replay_headervalue
tests_fuzz_replay_headervalue_SOURCES = tests/fuzz/fuzz_headervalue.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_headervalue_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"headervalue"'
tests_fuzz_replay_headervalue_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_headervalue_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_headervalue
tests_fuzz_fuzz_headervalue_SOURCES = tests/fuzz/fuzz_headervalue.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_headervalue_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_headervalue_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_headervalue_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_headervalue_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_mcpclient
TESTS += tests/fuzz/replay_mcpclient
tests_fuzz_replay_mcpclient_SOURCES = tests/fuzz/fuzz_mcpclient.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_mcpclient_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"mcpclient"'
tests_fuzz_replay_mcpclient_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_mcpclient_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_mcpclient
tests_fuzz_fuzz_mcpclient_SOURCES = tests/fuzz/fuzz_mcpclient.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_mcpclient_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_mcpclient_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_mcpclient_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_mcpclient_LDADD = $(DAEMON_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += tests/fuzz/replay_endpoint
TESTS += tests/fuzz/replay_endpoint
tests_fuzz_replay_endpoint_SOURCES = tests/fuzz/fuzz_endpoint.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_endpoint_CPPFLAGS = $(unit_cppflags) -I$(top_srcdir)/tests/fuzz -DFUZZ_NAME='"endpoint"'
tests_fuzz_replay_endpoint_CFLAGS = $(unit_cflags)
tests_fuzz_replay_endpoint_LDADD = $(session_ldadd)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_endpoint
tests_fuzz_fuzz_endpoint_SOURCES = tests/fuzz/fuzz_endpoint.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_endpoint_CPPFLAGS = $(unit_cppflags) -I$(top_srcdir)/tests/fuzz
tests_fuzz_fuzz_endpoint_CFLAGS = $(unit_cflags)
tests_fuzz_fuzz_endpoint_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_endpoint_LDADD = $(session_ldadd)
endif

check_PROGRAMS += tests/fuzz/replay_http
TESTS += tests/fuzz/replay_http
tests_fuzz_replay_http_SOURCES = tests/fuzz/fuzz_http.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_http_CPPFLAGS = $(unit_cppflags) -I$(top_srcdir)/tests/fuzz -DFUZZ_NAME='"http"'
tests_fuzz_replay_http_CFLAGS = $(unit_cflags)
tests_fuzz_replay_http_LDADD = $(unit_ldadd)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_http_CPPFLAGS = $(unit_cppflags) -I$(top_srcdir)/tests/fuzz
tests_fuzz_fuzz_http_CFLAGS = $(unit_cflags)
tests_fuzz_fuzz_http_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_http_LDADD = $(unit_ldadd)
endif
endif

check_PROGRAMS += tests/fuzz/replay_command
TESTS += tests/fuzz/replay_command
tests_fuzz_replay_command_SOURCES = tests/fuzz/fuzz_command.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_command_CPPFLAGS = $(fuzz_cppflags) $(CLI_CPPFLAGS) -DFUZZ_NAME='"command"'
tests_fuzz_replay_command_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_command_LDADD = $(CLI_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_command
tests_fuzz_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_command_CPPFLAGS = $(fuzz_cppflags) $(CLI_CPPFLAGS)
tests_fuzz_fuzz_command_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_command_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_command_LDADD = $(CLI_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_output
TESTS += tests/fuzz/replay_output
tests_fuzz_replay_output_SOURCES = tests/fuzz/fuzz_output.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_output_CPPFLAGS = $(fuzz_cppflags) $(CLI_CPPFLAGS) -DFUZZ_NAME='"output"'
tests_fuzz_replay_output_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_output_LDADD = $(CLI_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_output
tests_fuzz_fuzz_output_SOURCES = tests/fuzz/fuzz_output.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_output_CPPFLAGS = $(fuzz_cppflags) $(CLI_CPPFLAGS)
tests_fuzz_fuzz_output_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_output_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_output_LDADD = $(CLI_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_ssereader
TESTS += tests/fuzz/replay_ssereader
tests_fuzz_replay_ssereader_SOURCES = tests/fuzz/fuzz_ssereader.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_ssereader_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"ssereader"'
tests_fuzz_replay_ssereader_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_ssereader_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_ssereader
tests_fuzz_fuzz_ssereader_SOURCES = tests/fuzz/fuzz_ssereader.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_ssereader_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_ssereader_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_ssereader_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_ssereader_LDADD = $(DAEMON_LIBS)
endif

check_PROGRAMS += tests/fuzz/replay_header
TESTS += tests/fuzz/replay_header
tests_fuzz_replay_header_SOURCES = tests/fuzz/fuzz_header.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_header_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"header"'
tests_fuzz_replay_header_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_header_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_header
tests_fuzz_fuzz_header_SOURCES = tests/fuzz/fuzz_header.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_header_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_header_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_header_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_header_LDADD = $(DAEMON_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += tests/fuzz/replay_control
TESTS += tests/fuzz/replay_control
tests_fuzz_replay_control_SOURCES = tests/fuzz/fuzz_control.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_control_CPPFLAGS = $(unit_cppflags) -I$(top_srcdir)/tests/fuzz -DFUZZ_NAME='"control"'
tests_fuzz_replay_control_CFLAGS = $(unit_cflags)
tests_fuzz_replay_control_LDADD = $(session_ldadd)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_control
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_control_CPPFLAGS = $(unit_cppflags) -I$(top_srcdir)/tests/fuzz
tests_fuzz_fuzz_control_CFLAGS = $(unit_cflags)
tests_fuzz_fuzz_control_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_control_LDADD = $(session_ldadd)
endif
endif

check_PROGRAMS += tests/fuzz/replay_seal
TESTS += tests/fuzz/replay_seal
tests_fuzz_replay_seal_SOURCES = tests/fuzz/fuzz_seal.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_replay_seal_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_NAME='"seal"'
tests_fuzz_replay_seal_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_replay_seal_LDADD = $(DAEMON_LIBS)
if ENABLE_FUZZER
noinst_PROGRAMS += tests/fuzz/fuzz_seal
tests_fuzz_fuzz_seal_SOURCES = tests/fuzz/fuzz_seal.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_seal_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_seal_CFLAGS = $(LIB_CFLAGS)
tests_fuzz_fuzz_seal_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_seal_LDADD = $(DAEMON_LIBS)
endif
