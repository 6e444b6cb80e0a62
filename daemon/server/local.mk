# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/server/methods.c daemon/server/methods.h \
	daemon/server/request.c daemon/server/request.h \
	daemon/server/server.c daemon/server/server.h \
	daemon/server/server_followup.c \
	daemon/server/server_impl.h daemon/server/server_request.h \
	daemon/server/server_links.c \
	daemon/server/server_tasks.c \
	daemon/server/tasks.c daemon/server/tasks.h
