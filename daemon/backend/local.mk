# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/backend/backend.c daemon/backend/backend.h \
	daemon/backend/backend_confine.c \
	daemon/backend/backend_exec.c \
	daemon/backend/backend_impl.h \
	daemon/backend/backend_kinds.c \
	daemon/backend/backend_stdio.c \
	daemon/backend/backend_web.c \
	daemon/backend/channel_child.c \
	daemon/backend/channel_upstream.c \
	daemon/backend/confine.c daemon/backend/confine.h \
	daemon/backend/exec_result.c daemon/backend/exec_result.h \
	daemon/backend/stdio_channel.h \
	daemon/backend/stdio_events.c \
	daemon/backend/stdio_holder.c daemon/backend/stdio_holder.h \
	daemon/backend/stdio_impl.h \
	daemon/backend/stdio_instance.c \
	daemon/backend/stdio_learn.c \
	daemon/backend/stdio_state.c \
	daemon/backend/stdio_subs.c \
	daemon/backend/view.c daemon/backend/view.h \
	daemon/backend/web_impl.h \
	daemon/backend/web_learn.c \
	daemon/backend/web_result.c daemon/backend/web_result.h \
	daemon/backend/web_tools.c daemon/backend/web_tools.h
