# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/auth/auth.c daemon/auth/auth.h \
	daemon/auth/auth_answer.c \
	daemon/auth/auth_conclude.c \
	daemon/auth/auth_impl.h \
	daemon/auth/auth_introspect.c \
	daemon/auth/auth_jwt.c \
	daemon/auth/auth_open.c \
	daemon/auth/auth_queue.c \
	daemon/auth/auth_token.c \
	daemon/auth/claims.c daemon/auth/claims.h \
	daemon/auth/issuer.c daemon/auth/issuer.h \
	daemon/auth/jwt.c daemon/auth/jwt.h \
	daemon/auth/tokens.c daemon/auth/tokens.h \
	daemon/auth/users.c daemon/auth/users.h
