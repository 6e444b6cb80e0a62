# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/credentials/credentials.c daemon/credentials/credentials.h \
	daemon/credentials/credentials_impl.h \
	daemon/credentials/credentials_line.c \
	daemon/credentials/grant.c daemon/credentials/grant.h \
	daemon/credentials/granted.c \
	daemon/credentials/userenv.c daemon/credentials/userenv.h
