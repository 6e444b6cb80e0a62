# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/client/listing.c daemon/client/listing.h \
	daemon/client/mcpclient.c daemon/client/mcpclient.h \
	daemon/client/mcpclient_asks.c \
	daemon/client/mcpclient_base.c \
	daemon/client/mcpclient_dialect.h \
	daemon/client/mcpclient_envelope.c \
	daemon/client/mcpclient_handshake.c \
	daemon/client/mcpclient_impl.h \
	daemon/client/mcpclient_legacy.c \
	daemon/client/mcpclient_listen.c \
	daemon/client/mcpclient_modern.c \
	daemon/client/mcpclient_pending.c daemon/client/mcpclient_pending.h \
	daemon/client/mcpclient_requests.c \
	daemon/client/mcpclient_rounds.c \
	daemon/client/upstream.c daemon/client/upstream.h \
	daemon/client/upstream_answer.c \
	daemon/client/upstream_impl.h \
	daemon/client/upstream_judge.c daemon/client/upstream_judge.h \
	daemon/client/upstream_leg.c \
	daemon/client/upstream_session.c
