# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/config/config.c daemon/config/config.h \
	daemon/config/config_auth.c daemon/config/config_auth.h \
	daemon/config/config_backend.h \
	daemon/config/config_backends.c \
	daemon/config/config_confine.c \
	daemon/config/config_credential.c \
	daemon/config/config_headers.c \
	daemon/config/config_http.c \
	daemon/config/config_impl.h \
	daemon/config/config_kinds.c \
	daemon/config/config_store.c \
	daemon/config/config_table.c \
	daemon/config/config_tools.c \
	daemon/config/config_types.c \
	daemon/config/config_web.c
