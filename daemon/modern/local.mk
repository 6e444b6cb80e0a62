# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/modern/listen.c daemon/modern/listen.h \
	daemon/modern/modern.c daemon/modern/modern.h \
	daemon/modern/modern_answer.c \
	daemon/modern/modern_check.c \
	daemon/modern/modern_impl.h \
	daemon/modern/modern_park.c \
	daemon/modern/mreq.c daemon/modern/mreq.h \
	daemon/modern/pool.c daemon/modern/pool.h \
	daemon/modern/reqstate.c daemon/modern/reqstate.h \
	daemon/modern/topic.c daemon/modern/topic.h
