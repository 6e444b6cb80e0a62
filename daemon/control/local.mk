# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/control/control.c daemon/control/control.h \
	daemon/control/control_commands.c \
	daemon/control/control_conn.c \
	daemon/control/control_impl.h \
	daemon/control/control_key.c daemon/control/control_key.h \
	daemon/control/control_log.c \
	daemon/control/control_rows.c \
	daemon/control/control_secrets.c \
	daemon/control/control_socket.c daemon/control/control_socket.h \
	daemon/control/control_tokens.c \
	daemon/control/control_tools.c \
	daemon/control/control_users.c
