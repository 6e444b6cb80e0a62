# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/legacy/asks.c daemon/legacy/asks.h \
	daemon/legacy/legacy.c daemon/legacy/legacy.h \
	daemon/legacy/records.c daemon/legacy/records.h \
	daemon/legacy/registry.c daemon/legacy/registry.h \
	daemon/legacy/replay.c daemon/legacy/replay.h \
	daemon/legacy/session.c daemon/legacy/session.h \
	daemon/legacy/sessions.c daemon/legacy/sessions.h \
	daemon/legacy/stream.c daemon/legacy/stream.h \
	daemon/legacy/transport.c daemon/legacy/transport.h
