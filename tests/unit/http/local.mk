# SPDX-License-Identifier: ISC
# The unit tests of daemon/http/.
check_PROGRAMS += tests/unit/http/test_backoff
TESTS += tests/unit/http/test_backoff
tests_unit_http_test_backoff_SOURCES = tests/unit/http/test_backoff.c
tests_unit_http_test_backoff_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_backoff_CFLAGS = $(unit_cflags)
tests_unit_http_test_backoff_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_connections
TESTS += tests/unit/http/test_connections
tests_unit_http_test_connections_SOURCES = tests/unit/http/test_connections.c
tests_unit_http_test_connections_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_connections_CFLAGS = $(unit_cflags)
tests_unit_http_test_connections_LDFLAGS = -Wl,--wrap=evhttp_connection_get_addr -Wl,--wrap=clock_ms
tests_unit_http_test_connections_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_eventstream
TESTS += tests/unit/http/test_eventstream
tests_unit_http_test_eventstream_SOURCES = tests/unit/http/test_eventstream.c
tests_unit_http_test_eventstream_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_eventstream_CFLAGS = $(unit_cflags)
tests_unit_http_test_eventstream_LDADD = $(session_ldadd)

check_PROGRAMS += tests/unit/http/test_exchange
TESTS += tests/unit/http/test_exchange
tests_unit_http_test_exchange_SOURCES = tests/unit/http/test_exchange.c
tests_unit_http_test_exchange_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_exchange_CFLAGS = $(unit_cflags)
tests_unit_http_test_exchange_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_fetch
TESTS += tests/unit/http/test_fetch
tests_unit_http_test_fetch_SOURCES = tests/unit/http/test_fetch.c
tests_unit_http_test_fetch_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_fetch_CFLAGS = $(unit_cflags)
tests_unit_http_test_fetch_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_ms
tests_unit_http_test_fetch_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_framing
TESTS += tests/unit/http/test_framing
tests_unit_http_test_framing_SOURCES = tests/unit/http/test_framing.c
tests_unit_http_test_framing_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_framing_CFLAGS = $(unit_cflags)
tests_unit_http_test_framing_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_gate
TESTS += tests/unit/http/test_gate
tests_unit_http_test_gate_SOURCES = tests/unit/http/test_gate.c
tests_unit_http_test_gate_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_gate_CFLAGS = $(unit_cflags)
tests_unit_http_test_gate_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_guard
TESTS += tests/unit/http/test_guard
tests_unit_http_test_guard_SOURCES = tests/unit/http/test_guard.c
tests_unit_http_test_guard_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_guard_CFLAGS = $(unit_cflags)
tests_unit_http_test_guard_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_http_nomem
TESTS += tests/unit/http/test_http_nomem
tests_unit_http_test_http_nomem_SOURCES = tests/unit/http/test_http_nomem.c
tests_unit_http_test_http_nomem_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_http_nomem_CFLAGS = $(unit_cflags)
tests_unit_http_test_http_nomem_LDFLAGS = $(failalloc_ldflags)
tests_unit_http_test_http_nomem_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_httpd
TESTS += tests/unit/http/test_httpd
tests_unit_http_test_httpd_SOURCES = tests/unit/http/test_httpd.c
tests_unit_http_test_httpd_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_httpd_CFLAGS = $(unit_cflags)
tests_unit_http_test_httpd_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_httphead
TESTS += tests/unit/http/test_httphead
tests_unit_http_test_httphead_SOURCES = tests/unit/http/test_httphead.c
tests_unit_http_test_httphead_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_httphead_CFLAGS = $(unit_cflags)
tests_unit_http_test_httphead_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_outage
TESTS += tests/unit/http/test_outage
tests_unit_http_test_outage_SOURCES = tests/unit/http/test_outage.c
tests_unit_http_test_outage_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_outage_CFLAGS = $(unit_cflags)
tests_unit_http_test_outage_LDFLAGS = -Wl,--wrap=clock_ms
tests_unit_http_test_outage_LDADD = $(unit_ldadd)

check_PROGRAMS += tests/unit/http/test_peer
TESTS += tests/unit/http/test_peer
tests_unit_http_test_peer_SOURCES = tests/unit/http/test_peer.c
tests_unit_http_test_peer_CPPFLAGS = $(unit_cppflags)
tests_unit_http_test_peer_CFLAGS = $(unit_cflags)
tests_unit_http_test_peer_LDADD = $(unit_ldadd)
