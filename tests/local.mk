# Tests speak TAP. One block for each, so that additions do not collide.
#
# A test program finds its surroundings in the environment: top_srcdir and top_builddir (absolute),
# MCPD and MCPCTL (the programs under test). MCPD_TEST_REQUIRE=node turns a test that would be
# skipped for want of Node into a failure.
TEST_EXTENSIONS = .py .sh
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	MCPD='$(abs_top_builddir)/mcpd'; export MCPD; \
	MCPCTL='$(abs_top_builddir)/mcpctl'; export MCPCTL; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE; \
	UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS;
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/cmocka-tap
EXTRA_DIST += tests/cmocka-tap
LOG_DRIVER = env CMOCKA_MESSAGE_OUTPUT=TAP $(tap_driver)
PY_LOG_DRIVER = $(tap_driver)
PY_LOG_COMPILER = $(PYTHON)
SH_LOG_DRIVER = $(tap_driver)
SH_LOG_COMPILER = $(SHELL)
unit_cppflags = $(AM_CPPFLAGS) $(DAEMON_CPPFLAGS) -I$(top_srcdir)/tests/unit
unit_cflags = $(LIB_CFLAGS) $(CMOCKA_CFLAGS)
unit_ldadd = $(DAEMON_LIBS) $(CMOCKA_LIBS)
# Tests in which the n-th allocation fails (tests/unit/failalloc.h).
failalloc_ldflags = -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=strdup

# The tests that need neither Python nor Node nor a running daemon: make check-unit.
check-unit: $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check TESTS="`echo '$(TESTS)' | tr ' ' '\n' | grep -E '^tests/(unit|fuzz)/' | tr '\n' ' '`"
# The same under valgrind, for a build without sanitizers.
check-valgrind:
	$(MAKE) $(AM_MAKEFLAGS) check-unit \
		LOG_COMPILER='$(LOG_COMPILER) valgrind -q --leak-check=full --error-exitcode=1'
.PHONY: check-unit check-valgrind

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_mcpclient
TESTS += tests/unit/test_mcpclient
tests_unit_test_mcpclient_SOURCES = tests/unit/test_mcpclient.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_mcpclient_CPPFLAGS = $(unit_cppflags)
tests_unit_test_mcpclient_CFLAGS = $(unit_cflags)
tests_unit_test_mcpclient_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_mcpclient_LDADD = $(unit_ldadd)

if HAVE_PYTHON
check_PROGRAMS += tests/unit/test_backend_stdio
TESTS += tests/unit/test_backend_stdio
tests_unit_test_backend_stdio_SOURCES = tests/unit/test_backend_stdio.c tests/unit/support.c \
	tests/unit/support.h
tests_unit_test_backend_stdio_CPPFLAGS = $(unit_cppflags)
tests_unit_test_backend_stdio_CFLAGS = $(unit_cflags)
tests_unit_test_backend_stdio_LDADD = $(unit_ldadd)
endif

check_PROGRAMS += tests/unit/test_cgroup
TESTS += tests/unit/test_cgroup
tests_unit_test_cgroup_SOURCES = tests/unit/test_cgroup.c tests/unit/support.c tests/unit/support.h
tests_unit_test_cgroup_CPPFLAGS = $(unit_cppflags)
tests_unit_test_cgroup_CFLAGS = $(unit_cflags)
tests_unit_test_cgroup_LDFLAGS = -Wl,--wrap=mkdirat -Wl,--wrap=unlinkat
tests_unit_test_cgroup_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_sandbox
TESTS += tests/unit/test_sandbox
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c tests/unit/support.c tests/unit/support.h
tests_unit_test_sandbox_CPPFLAGS = $(unit_cppflags)
tests_unit_test_sandbox_CFLAGS = $(unit_cflags)
tests_unit_test_sandbox_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_children
TESTS += tests/unit/test_children
tests_unit_test_children_SOURCES = tests/unit/test_children.c tests/unit/support.c tests/unit/support.h
tests_unit_test_children_CPPFLAGS = $(unit_cppflags)
tests_unit_test_children_CFLAGS = $(unit_cflags)
tests_unit_test_children_LDFLAGS = -Wl,--wrap=fork -Wl,--wrap=kill
tests_unit_test_children_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_web
TESTS += tests/unit/test_web
tests_unit_test_web_SOURCES = tests/unit/test_web.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_web_CPPFLAGS = $(unit_cppflags)
tests_unit_test_web_CFLAGS = $(unit_cflags)
tests_unit_test_web_LDFLAGS = $(AM_LDFLAGS) $(failalloc_ldflags)
tests_unit_test_web_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_credentials
TESTS += tests/unit/test_credentials
tests_unit_test_credentials_SOURCES = tests/unit/test_credentials.c tests/unit/support.c tests/unit/support.h \
	tests/unit/http_fixture.c tests/unit/http_fixture.h tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_credentials_CPPFLAGS = $(unit_cppflags)
tests_unit_test_credentials_CFLAGS = $(unit_cflags)
tests_unit_test_credentials_LDFLAGS = $(AM_LDFLAGS) $(failalloc_ldflags) -Wl,--wrap=time \
	-Wl,--wrap=clock_ms -Wl,--wrap=fetch_start -Wl,--wrap=fetch_cancel \
	-Wl,--wrap=store_when_durable
tests_unit_test_credentials_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_records
TESTS += tests/unit/test_records
tests_unit_test_records_SOURCES = tests/unit/test_records.c $(session_fixture)
tests_unit_test_records_CPPFLAGS = $(unit_cppflags)
tests_unit_test_records_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_records_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_records_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_names
TESTS += tests/unit/test_names
tests_unit_test_names_SOURCES = tests/unit/test_names.c tests/unit/support.c tests/unit/support.h
tests_unit_test_names_CPPFLAGS = $(unit_cppflags)
tests_unit_test_names_CFLAGS = $(unit_cflags)
tests_unit_test_names_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_url
TESTS += tests/unit/test_url
tests_unit_test_url_SOURCES = tests/unit/test_url.c tests/unit/support.c tests/unit/support.h
tests_unit_test_url_CPPFLAGS = $(unit_cppflags)
tests_unit_test_url_CFLAGS = $(unit_cflags)
tests_unit_test_url_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_users
TESTS += tests/unit/test_users
tests_unit_test_users_SOURCES = tests/unit/test_users.c tests/unit/support.c tests/unit/support.h
tests_unit_test_users_CPPFLAGS = $(unit_cppflags)
tests_unit_test_users_CFLAGS = $(unit_cflags)
tests_unit_test_users_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_store
TESTS += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c tests/unit/support.c tests/unit/support.h
tests_unit_test_store_CPPFLAGS = $(unit_cppflags)
tests_unit_test_store_CFLAGS = $(unit_cflags) $(SQLITE_CFLAGS)
tests_unit_test_store_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_jwt
TESTS += tests/unit/test_jwt
tests_unit_test_jwt_SOURCES = tests/unit/test_jwt.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_jwt_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_jwt_CPPFLAGS = $(unit_cppflags)
tests_unit_test_jwt_CFLAGS = $(unit_cflags) $(JOSE_CFLAGS)
tests_unit_test_jwt_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_err
TESTS += tests/unit/test_err
tests_unit_test_err_SOURCES = tests/unit/test_err.c tests/unit/support.c tests/unit/support.h
tests_unit_test_err_CPPFLAGS = $(unit_cppflags)
tests_unit_test_err_CFLAGS = $(unit_cflags)
tests_unit_test_err_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_protocol
TESTS += tests/unit/test_protocol
tests_unit_test_protocol_SOURCES = tests/unit/test_protocol.c tests/unit/support.c tests/unit/support.h
tests_unit_test_protocol_CPPFLAGS = $(unit_cppflags)
tests_unit_test_protocol_CFLAGS = $(unit_cflags)
tests_unit_test_protocol_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_sse
TESTS += tests/unit/test_sse
tests_unit_test_sse_SOURCES = tests/unit/test_sse.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_sse_CPPFLAGS = $(unit_cppflags)
tests_unit_test_sse_CFLAGS = $(unit_cflags)
tests_unit_test_sse_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_sse_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_pool
TESTS += tests/unit/test_pool
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_pool_CPPFLAGS = $(unit_cppflags)
tests_unit_test_pool_CFLAGS = $(unit_cflags)
tests_unit_test_pool_LDFLAGS = $(failalloc_ldflags) -Wl,--wrap=server_new -Wl,--wrap=server_free \
	-Wl,--wrap=server_close -Wl,--wrap=server_tasks -Wl,--wrap=server_has_task \
	-Wl,--wrap=memcmp -Wl,--wrap=bcmp -Wl,--wrap=strcmp
tests_unit_test_pool_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_share
TESTS += tests/unit/test_share
tests_unit_test_share_SOURCES = tests/unit/test_share.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_share_CPPFLAGS = $(unit_cppflags)
tests_unit_test_share_CFLAGS = $(unit_cflags)
tests_unit_test_share_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_share_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_challenge
TESTS += tests/unit/test_challenge
tests_unit_test_challenge_SOURCES = tests/unit/test_challenge.c tests/unit/support.c tests/unit/support.h
tests_unit_test_challenge_CPPFLAGS = $(unit_cppflags)
tests_unit_test_challenge_CFLAGS = $(unit_cflags)
tests_unit_test_challenge_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_once
TESTS += tests/unit/test_once
tests_unit_test_once_SOURCES = tests/unit/test_once.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_once_CPPFLAGS = $(unit_cppflags)
tests_unit_test_once_CFLAGS = $(unit_cflags)
tests_unit_test_once_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_once_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_lines
TESTS += tests/unit/test_lines
tests_unit_test_lines_SOURCES = tests/unit/test_lines.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_lines_CPPFLAGS = $(unit_cppflags)
tests_unit_test_lines_CFLAGS = $(unit_cflags)
tests_unit_test_lines_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_lines_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_jsonrpc
TESTS += tests/unit/test_jsonrpc
tests_unit_test_jsonrpc_SOURCES = tests/unit/test_jsonrpc.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_jsonrpc_CPPFLAGS = $(unit_cppflags)
tests_unit_test_jsonrpc_CFLAGS = $(unit_cflags)
tests_unit_test_jsonrpc_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_jsonrpc_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_tasks
TESTS += tests/unit/test_tasks
tests_unit_test_tasks_SOURCES = tests/unit/test_tasks.c \
	tests/unit/endpoint_fixture.c tests/unit/endpoint_fixture.h \
	tests/unit/session_fixture.c tests/unit/session_fixture.h \
	tests/unit/fake_backend.c tests/unit/fake_backend.h \
	tests/unit/fake_exchange.c tests/unit/fake_exchange.h \
	tests/unit/support.c tests/unit/support.h tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_tasks_CPPFLAGS = $(unit_cppflags)
tests_unit_test_tasks_CFLAGS = $(unit_cflags)
tests_unit_test_tasks_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_tasks_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_oom
TESTS += tests/unit/test_oom
tests_unit_test_oom_SOURCES = tests/unit/test_oom.c \
	tests/unit/endpoint_fixture.c tests/unit/endpoint_fixture.h \
	tests/unit/session_fixture.c tests/unit/session_fixture.h \
	tests/unit/fake_backend.c tests/unit/fake_backend.h \
	tests/unit/fake_exchange.c tests/unit/fake_exchange.h \
	tests/unit/support.c tests/unit/support.h tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_oom_CPPFLAGS = $(unit_cppflags)
tests_unit_test_oom_CFLAGS = $(unit_cflags)
tests_unit_test_oom_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_oom_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_log
TESTS += tests/unit/test_log
tests_unit_test_log_SOURCES = tests/unit/test_log.c tests/unit/support.c tests/unit/support.h
tests_unit_test_log_CPPFLAGS = $(unit_cppflags)
tests_unit_test_log_CFLAGS = $(unit_cflags)
tests_unit_test_log_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_descriptors
TESTS += tests/unit/test_descriptors
tests_unit_test_descriptors_SOURCES = tests/unit/test_descriptors.c
tests_unit_test_descriptors_CPPFLAGS = $(unit_cppflags)
tests_unit_test_descriptors_CFLAGS = $(unit_cflags)
tests_unit_test_descriptors_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_peer
TESTS += tests/unit/test_peer
tests_unit_test_peer_SOURCES = tests/unit/test_peer.c
tests_unit_test_peer_CPPFLAGS = $(unit_cppflags)
tests_unit_test_peer_CFLAGS = $(unit_cflags)
tests_unit_test_peer_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_framing
TESTS += tests/unit/test_framing
tests_unit_test_framing_SOURCES = tests/unit/test_framing.c
tests_unit_test_framing_CPPFLAGS = $(unit_cppflags)
tests_unit_test_framing_CFLAGS = $(unit_cflags)
tests_unit_test_framing_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_config
TESTS += tests/unit/test_config
tests_unit_test_config_SOURCES = tests/unit/test_config.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_config_CPPFLAGS = $(unit_cppflags)
tests_unit_test_config_CFLAGS = $(unit_cflags)
tests_unit_test_config_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_config_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_environ
TESTS += tests/unit/test_environ
tests_unit_test_environ_SOURCES = tests/unit/test_environ.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_environ_CPPFLAGS = $(unit_cppflags)
tests_unit_test_environ_CFLAGS = $(unit_cflags)
tests_unit_test_environ_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_environ_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_schema
TESTS += tests/unit/test_schema
tests_unit_test_schema_SOURCES = tests/unit/test_schema.c tests/unit/support.c tests/unit/support.h
tests_unit_test_schema_CPPFLAGS = $(unit_cppflags)
tests_unit_test_schema_CFLAGS = $(unit_cflags)
tests_unit_test_schema_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_backoff
TESTS += tests/unit/test_backoff
tests_unit_test_backoff_SOURCES = tests/unit/test_backoff.c tests/unit/support.c tests/unit/support.h
tests_unit_test_backoff_CPPFLAGS = $(unit_cppflags)
tests_unit_test_backoff_CFLAGS = $(unit_cflags)
tests_unit_test_backoff_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_outage
TESTS += tests/unit/test_outage
tests_unit_test_outage_SOURCES = tests/unit/test_outage.c tests/unit/support.c tests/unit/support.h
tests_unit_test_outage_CPPFLAGS = $(unit_cppflags)
tests_unit_test_outage_CFLAGS = $(unit_cflags)
tests_unit_test_outage_LDFLAGS = -Wl,--wrap=clock_ms
tests_unit_test_outage_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_pace
TESTS += tests/unit/test_pace
tests_unit_test_pace_SOURCES = tests/unit/test_pace.c tests/unit/support.c tests/unit/support.h
tests_unit_test_pace_CPPFLAGS = $(unit_cppflags)
tests_unit_test_pace_CFLAGS = $(unit_cflags)
tests_unit_test_pace_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_turns
TESTS += tests/unit/test_turns
tests_unit_test_turns_SOURCES = tests/unit/test_turns.c tests/unit/support.c tests/unit/support.h
tests_unit_test_turns_CPPFLAGS = $(unit_cppflags)
tests_unit_test_turns_CFLAGS = $(unit_cflags)
tests_unit_test_turns_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_pattern
TESTS += tests/unit/test_pattern
tests_unit_test_pattern_SOURCES = tests/unit/test_pattern.c tests/unit/support.c tests/unit/support.h
tests_unit_test_pattern_CPPFLAGS = $(unit_cppflags)
tests_unit_test_pattern_CFLAGS = $(unit_cflags)
tests_unit_test_pattern_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_placeholder
TESTS += tests/unit/test_placeholder
tests_unit_test_placeholder_SOURCES = tests/unit/test_placeholder.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_placeholder_CPPFLAGS = $(unit_cppflags)
tests_unit_test_placeholder_CFLAGS = $(unit_cflags)
tests_unit_test_placeholder_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_placeholder_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_utf8
TESTS += tests/unit/test_utf8
tests_unit_test_utf8_SOURCES = tests/unit/test_utf8.c tests/unit/support.c tests/unit/support.h
tests_unit_test_utf8_CPPFLAGS = $(unit_cppflags)
tests_unit_test_utf8_CFLAGS = $(unit_cflags)
tests_unit_test_utf8_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_backend_exec
TESTS += tests/unit/test_backend_exec
tests_unit_test_backend_exec_SOURCES = tests/unit/test_backend_exec.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_backend_exec_CPPFLAGS = $(unit_cppflags)
tests_unit_test_backend_exec_CFLAGS = $(unit_cflags)
tests_unit_test_backend_exec_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_backend_exec_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_httphead
TESTS += tests/unit/test_httphead
tests_unit_test_httphead_SOURCES = tests/unit/test_httphead.c
tests_unit_test_httphead_CPPFLAGS = $(unit_cppflags)
tests_unit_test_httphead_CFLAGS = $(unit_cflags)
tests_unit_test_httphead_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_exchange
TESTS += tests/unit/test_exchange
tests_unit_test_exchange_SOURCES = tests/unit/test_exchange.c tests/unit/http_fixture.c tests/unit/http_fixture.h
tests_unit_test_exchange_CPPFLAGS = $(unit_cppflags)
tests_unit_test_exchange_CFLAGS = $(unit_cflags)
tests_unit_test_exchange_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_http_nomem
TESTS += tests/unit/test_http_nomem
tests_unit_test_http_nomem_SOURCES = tests/unit/test_http_nomem.c \
	tests/unit/http_fixture.c tests/unit/http_fixture.h tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_http_nomem_CPPFLAGS = $(unit_cppflags)
tests_unit_test_http_nomem_CFLAGS = $(unit_cflags)
tests_unit_test_http_nomem_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_http_nomem_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_ssereader
TESTS += tests/unit/test_ssereader
tests_unit_test_ssereader_SOURCES = tests/unit/test_ssereader.c tests/unit/support.c tests/unit/support.h
tests_unit_test_ssereader_CPPFLAGS = $(unit_cppflags)
tests_unit_test_ssereader_CFLAGS = $(unit_cflags)
tests_unit_test_ssereader_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_upstream
TESTS += tests/unit/test_upstream
tests_unit_test_upstream_SOURCES = tests/unit/test_upstream.c tests/unit/support.c tests/unit/support.h \
	tests/unit/http_fixture.c tests/unit/http_fixture.h
tests_unit_test_upstream_CPPFLAGS = $(unit_cppflags)
tests_unit_test_upstream_CFLAGS = $(unit_cflags)
tests_unit_test_upstream_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_gate
TESTS += tests/unit/test_gate
tests_unit_test_gate_SOURCES = tests/unit/test_gate.c tests/unit/http_fixture.c tests/unit/http_fixture.h
tests_unit_test_gate_CPPFLAGS = $(unit_cppflags)
tests_unit_test_gate_CFLAGS = $(unit_cflags)
tests_unit_test_gate_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_connections
TESTS += tests/unit/test_connections
tests_unit_test_connections_SOURCES = tests/unit/test_connections.c
tests_unit_test_connections_CPPFLAGS = $(unit_cppflags)
tests_unit_test_connections_CFLAGS = $(unit_cflags)
tests_unit_test_connections_LDFLAGS = -Wl,--wrap=evhttp_connection_get_addr -Wl,--wrap=clock_ms
tests_unit_test_connections_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_httpd
TESTS += tests/unit/test_httpd
tests_unit_test_httpd_SOURCES = tests/unit/test_httpd.c tests/unit/http_fixture.c tests/unit/http_fixture.h
tests_unit_test_httpd_CPPFLAGS = $(unit_cppflags)
tests_unit_test_httpd_CFLAGS = $(unit_cflags)
tests_unit_test_httpd_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_defer
TESTS += tests/unit/test_defer
tests_unit_test_defer_SOURCES = tests/unit/test_defer.c tests/unit/support.c tests/unit/support.h
tests_unit_test_defer_CPPFLAGS = $(unit_cppflags)
tests_unit_test_defer_CFLAGS = $(unit_cflags)
tests_unit_test_defer_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_delayq
TESTS += tests/unit/test_delayq
tests_unit_test_delayq_SOURCES = tests/unit/test_delayq.c tests/unit/support.c tests/unit/support.h
tests_unit_test_delayq_CPPFLAGS = $(unit_cppflags)
tests_unit_test_delayq_CFLAGS = $(unit_cflags)
tests_unit_test_delayq_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_cleanup
TESTS += tests/unit/test_cleanup
tests_unit_test_cleanup_SOURCES = tests/unit/test_cleanup.c tests/unit/support.c tests/unit/support.h
tests_unit_test_cleanup_CPPFLAGS = $(unit_cppflags)
tests_unit_test_cleanup_CFLAGS = $(unit_cflags)
tests_unit_test_cleanup_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_call
TESTS += tests/unit/test_call
tests_unit_test_call_SOURCES = tests/unit/test_call.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_call_CPPFLAGS = $(unit_cppflags)
tests_unit_test_call_CFLAGS = $(unit_cflags)
tests_unit_test_call_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_call_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_question
TESTS += tests/unit/test_question
tests_unit_test_question_SOURCES = tests/unit/test_question.c tests/unit/support.c tests/unit/support.h
tests_unit_test_question_CPPFLAGS = $(unit_cppflags)
tests_unit_test_question_CFLAGS = $(unit_cflags)
tests_unit_test_question_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_era
TESTS += tests/unit/test_era
tests_unit_test_era_SOURCES = tests/unit/test_era.c tests/unit/support.c tests/unit/support.h
tests_unit_test_era_CPPFLAGS = $(unit_cppflags)
tests_unit_test_era_CFLAGS = $(unit_cflags)
tests_unit_test_era_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_mcpheaders
TESTS += tests/unit/test_mcpheaders
tests_unit_test_mcpheaders_SOURCES = tests/unit/test_mcpheaders.c tests/unit/support.c \
	tests/unit/support.h
tests_unit_test_mcpheaders_CPPFLAGS = $(unit_cppflags)
tests_unit_test_mcpheaders_CFLAGS = $(unit_cflags)
tests_unit_test_mcpheaders_LDADD = $(unit_ldadd)
check_PROGRAMS += tests/unit/test_headervalue
TESTS += tests/unit/test_headervalue
tests_unit_test_headervalue_SOURCES = tests/unit/test_headervalue.c tests/unit/support.c tests/unit/support.h
tests_unit_test_headervalue_CPPFLAGS = $(unit_cppflags)
tests_unit_test_headervalue_CFLAGS = $(unit_cflags)
tests_unit_test_headervalue_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_upstream_judge
TESTS += tests/unit/test_upstream_judge
tests_unit_test_upstream_judge_SOURCES = tests/unit/test_upstream_judge.c tests/unit/support.c tests/unit/support.h
tests_unit_test_upstream_judge_CPPFLAGS = $(unit_cppflags)
tests_unit_test_upstream_judge_CFLAGS = $(unit_cflags)
tests_unit_test_upstream_judge_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_xheader
TESTS += tests/unit/test_xheader
tests_unit_test_xheader_SOURCES = tests/unit/test_xheader.c tests/unit/support.c tests/unit/support.h
tests_unit_test_xheader_CPPFLAGS = $(unit_cppflags)
tests_unit_test_xheader_CFLAGS = $(unit_cflags)
tests_unit_test_xheader_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_seal
TESTS += tests/unit/test_seal
tests_unit_test_seal_SOURCES = tests/unit/test_seal.c tests/unit/support.c tests/unit/support.h
tests_unit_test_seal_CPPFLAGS = $(unit_cppflags)
tests_unit_test_seal_CFLAGS = $(unit_cflags)
tests_unit_test_seal_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_offer
TESTS += tests/unit/test_offer
tests_unit_test_offer_SOURCES = tests/unit/test_offer.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_offer_CPPFLAGS = $(unit_cppflags)
tests_unit_test_offer_CFLAGS = $(unit_cflags)
tests_unit_test_offer_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_offer_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_uritemplate
TESTS += tests/unit/test_uritemplate
tests_unit_test_uritemplate_SOURCES = tests/unit/test_uritemplate.c tests/unit/support.c tests/unit/support.h
tests_unit_test_uritemplate_CPPFLAGS = $(unit_cppflags)
tests_unit_test_uritemplate_CFLAGS = $(unit_cflags)
tests_unit_test_uritemplate_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_catalog
TESTS += tests/unit/test_catalog
tests_unit_test_catalog_SOURCES = tests/unit/test_catalog.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_catalog_CPPFLAGS = $(unit_cppflags)
tests_unit_test_catalog_CFLAGS = $(unit_cflags)
tests_unit_test_catalog_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_catalog_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_translate
TESTS += tests/unit/test_translate
tests_unit_test_translate_SOURCES = tests/unit/test_translate.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_translate_CPPFLAGS = $(unit_cppflags)
tests_unit_test_translate_CFLAGS = $(unit_cflags)
tests_unit_test_translate_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_translate_LDADD = $(unit_ldadd)

session_fixture = tests/unit/session_fixture.c tests/unit/session_fixture.h \
	tests/unit/fake_backend.c tests/unit/fake_backend.h \
	tests/unit/fake_exchange.c tests/unit/fake_exchange.h \
	tests/unit/failalloc.c tests/unit/failalloc.h tests/unit/support.c tests/unit/support.h
check_PROGRAMS += tests/unit/test_session_close
TESTS += tests/unit/test_session_close
tests_unit_test_session_close_SOURCES = tests/unit/test_session_close.c $(session_fixture)
tests_unit_test_session_close_CPPFLAGS = $(unit_cppflags)
tests_unit_test_session_close_CFLAGS = $(unit_cflags)
tests_unit_test_session_close_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_session_close_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_transport
TESTS += tests/unit/test_transport
tests_unit_test_transport_SOURCES = tests/unit/test_transport.c \
	tests/unit/fake_exchange.c tests/unit/fake_exchange.h \
	tests/unit/failalloc.c tests/unit/failalloc.h tests/unit/support.c tests/unit/support.h
tests_unit_test_transport_CPPFLAGS = $(unit_cppflags)
tests_unit_test_transport_CFLAGS = $(unit_cflags)
tests_unit_test_transport_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_transport_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_again
TESTS += tests/unit/test_again
tests_unit_test_again_SOURCES = tests/unit/test_again.c $(session_fixture)
tests_unit_test_again_CPPFLAGS = $(unit_cppflags)
tests_unit_test_again_CFLAGS = $(unit_cflags)
tests_unit_test_again_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_again_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_server
TESTS += tests/unit/test_server
tests_unit_test_server_SOURCES = tests/unit/test_server.c $(session_fixture)
tests_unit_test_server_CPPFLAGS = $(unit_cppflags)
tests_unit_test_server_CFLAGS = $(unit_cflags)
tests_unit_test_server_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_server_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_ctlspec
TESTS += tests/unit/test_ctlspec
tests_unit_test_ctlspec_SOURCES = tests/unit/test_ctlspec.c tests/unit/support.c tests/unit/support.h
tests_unit_test_ctlspec_CPPFLAGS = $(unit_cppflags)
tests_unit_test_ctlspec_CFLAGS = $(unit_cflags)
tests_unit_test_ctlspec_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_ctlclient
TESTS += tests/unit/test_ctlclient
tests_unit_test_ctlclient_SOURCES = tests/unit/test_ctlclient.c tests/unit/support.c tests/unit/support.h
tests_unit_test_ctlclient_CPPFLAGS = $(unit_cppflags)
tests_unit_test_ctlclient_CFLAGS = $(unit_cflags)
tests_unit_test_ctlclient_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_mask
TESTS += tests/unit/test_mask
tests_unit_test_mask_SOURCES = tests/unit/test_mask.c tests/unit/support.h
tests_unit_test_mask_CPPFLAGS = $(unit_cppflags)
tests_unit_test_mask_CFLAGS = $(unit_cflags)
tests_unit_test_mask_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_leftovers
TESTS += tests/unit/test_leftovers
tests_unit_test_leftovers_SOURCES = tests/unit/test_leftovers.c tests/unit/support.c tests/unit/support.h \
	tests/unit/failalloc.c tests/unit/failalloc.h
tests_unit_test_leftovers_CPPFLAGS = $(unit_cppflags)
tests_unit_test_leftovers_CFLAGS = $(unit_cflags)
tests_unit_test_leftovers_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_leftovers_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_peerproc
TESTS += tests/unit/test_peerproc
tests_unit_test_peerproc_SOURCES = tests/unit/test_peerproc.c tests/unit/support.h
tests_unit_test_peerproc_CPPFLAGS = $(unit_cppflags)
tests_unit_test_peerproc_CFLAGS = $(unit_cflags)
tests_unit_test_peerproc_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/test_control
TESTS += tests/unit/test_control
tests_unit_test_control_SOURCES = tests/unit/test_control.c $(session_fixture)
tests_unit_test_control_CPPFLAGS = $(unit_cppflags)
tests_unit_test_control_CFLAGS = $(unit_cflags)
tests_unit_test_control_LDFLAGS = $(failalloc_ldflags)
tests_unit_test_control_LDADD = $(unit_ldadd)

cli_cppflags = $(unit_cppflags) -I$(top_srcdir)/cli
cli_ldadd = $(CLI_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_parse
TESTS += tests/unit/test_parse
tests_unit_test_parse_SOURCES = tests/unit/test_parse.c tests/unit/support.h
tests_unit_test_parse_CPPFLAGS = $(cli_cppflags)
tests_unit_test_parse_CFLAGS = $(unit_cflags)
tests_unit_test_parse_LDADD = $(cli_ldadd)

check_PROGRAMS += tests/unit/test_secret
TESTS += tests/unit/test_secret
tests_unit_test_secret_SOURCES = tests/unit/test_secret.c tests/unit/support.h
tests_unit_test_secret_CPPFLAGS = $(cli_cppflags)
tests_unit_test_secret_CFLAGS = $(unit_cflags)
tests_unit_test_secret_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=read -Wl,--wrap=poll
tests_unit_test_secret_LDADD = $(cli_ldadd)

check_PROGRAMS += tests/unit/test_output
TESTS += tests/unit/test_output
tests_unit_test_output_SOURCES = tests/unit/test_output.c tests/unit/support.c tests/unit/support.h
tests_unit_test_output_CPPFLAGS = $(cli_cppflags)
tests_unit_test_output_CFLAGS = $(unit_cflags)
tests_unit_test_output_LDADD = $(cli_ldadd) $(DAEMON_LIBS)

endif
include $(top_srcdir)/tests/fuzz/local.mk
include $(top_srcdir)/tests/integration/local.mk
include $(top_srcdir)/tests/hostile/local.mk
include $(top_srcdir)/tests/mutants/local.mk

dist_check_SCRIPTS += tests/integration/test_mcpctl.py
if HAVE_PYTHON
TESTS += tests/integration/test_mcpctl.py
endif

# The tree itself: documents, code.
dist_check_SCRIPTS += tests/static/test_man.sh tests/static/test_code.py tests/static/test_config_docs.py
dist_check_SCRIPTS += tests/static/test_unit_file.py tests/static/test_ctl_docs.py tests/static/test_threats.py \
	tests/static/test_format.py tests/static/test_walks.py
TESTS += tests/static/test_man.sh
check_PROGRAMS += tests/static/config_keys
tests_static_config_keys_SOURCES = tests/static/config_keys.c
tests_static_config_keys_CPPFLAGS = $(AM_CPPFLAGS) $(DAEMON_CPPFLAGS)
tests_static_config_keys_CFLAGS = $(LIB_CFLAGS)
tests_static_config_keys_LDADD = $(DAEMON_LIBS)
if HAVE_PYTHON
TESTS += tests/static/test_config_docs.py
TESTS += tests/static/test_ctl_docs.py
TESTS += tests/static/test_unit_file.py
TESTS += tests/static/test_code.py
TESTS += tests/static/test_threats.py
TESTS += tests/static/test_format.py tests/static/test_walks.py
endif

# Speed and memory (see tests/bench/run). Built by `make check` too, so that it goes on compiling.
check_PROGRAMS += tests/bench/bare tests/bench/echo tests/bench/load
tests_bench_bare_SOURCES = tests/bench/bare.c
tests_bench_bare_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_bench_bare_LDADD = $(EVENT_LIBS)
tests_bench_echo_SOURCES = tests/bench/echo.c
tests_bench_echo_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_echo_LDADD = $(JANSSON_LIBS)
tests_bench_load_SOURCES = tests/bench/load.c tests/bench/load.h tests/bench/wire.c
tests_bench_load_CFLAGS = $(AM_CFLAGS)
EXTRA_DIST += tests/bench/run tests/bench/package.json tests/bench/package-lock.json

bench: mcpd$(EXEEXT) tests/bench/bare$(EXEEXT) tests/bench/echo$(EXEEXT) tests/bench/load$(EXEEXT)
	top_builddir='$(abs_top_builddir)' $(PYTHON) $(srcdir)/tests/bench/run $(BENCH_ARGS)
.PHONY: bench

# The official conformance suite. What npm installs there is not distributed.
EXTRA_DIST += tests/conformance/fixture.mjs tests/conformance/legacy-server.mjs \
	tests/conformance/modern-server.mjs tests/conformance/modern-client.mjs \
	tests/conformance/legacy-client.mjs tests/conformance/package.json \
	tests/conformance/package-lock.json tests/conformance/.npmrc tests/conformance/relays.json \
	tests/conformance/RESULTS.md
dist_check_SCRIPTS += tests/conformance/run.py
if HAVE_PYTHON
TESTS += tests/conformance/run.py
endif
