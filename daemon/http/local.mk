# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/http/backoff.c daemon/http/backoff.h \
	daemon/http/connections.c daemon/http/connections.h \
	daemon/http/eventstream.c daemon/http/eventstream.h \
	daemon/http/exchange.c daemon/http/exchange.h \
	daemon/http/exchange_impl.h \
	daemon/http/exchange_request.c \
	daemon/http/fetch.c daemon/http/fetch.h \
	daemon/http/framing.c daemon/http/framing.h \
	daemon/http/framing_reader.c daemon/http/framing_reader.h \
	daemon/http/gate.c daemon/http/gate.h \
	daemon/http/gate_end.c daemon/http/gate_held.c \
	daemon/http/gate_impl.h \
	daemon/http/guard.c daemon/http/guard.h \
	daemon/http/httpc.c daemon/http/httpc.h \
	daemon/http/httpd.c daemon/http/httpd.h \
	daemon/http/httphead.c daemon/http/httphead.h \
	daemon/http/listener.c daemon/http/listener.h \
	daemon/http/outage.c daemon/http/outage.h \
	daemon/http/peer.c daemon/http/peer.h \
	daemon/http/reply.c daemon/http/reply.h
