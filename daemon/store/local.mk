# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/store/store.c daemon/store/store.h \
	daemon/store/store_impl.h \
	daemon/store/store_key.c \
	daemon/store/store_sql.c
