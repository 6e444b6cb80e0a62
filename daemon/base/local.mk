# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/base/bearer.c daemon/base/bearer.h \
	daemon/base/budget.c daemon/base/budget.h \
	daemon/base/cleanup.c daemon/base/cleanup.h \
	daemon/base/clock.c daemon/base/clock.h \
	daemon/base/container.h \
	daemon/base/defer.c daemon/base/defer.h \
	daemon/base/delayq.c daemon/base/delayq.h \
	daemon/base/descriptors.c daemon/base/descriptors.h \
	daemon/base/dumpable.c daemon/base/dumpable.h \
	daemon/base/environ.c daemon/base/environ.h \
	daemon/base/heap.c daemon/base/heap.h \
	daemon/base/mask.c daemon/base/mask.h \
	daemon/base/nearest.c daemon/base/nearest.h \
	daemon/base/netaddr.c daemon/base/netaddr.h \
	daemon/base/once.c daemon/base/once.h \
	daemon/base/pace.c daemon/base/pace.h \
	daemon/base/procinfo.c daemon/base/procinfo.h \
	daemon/base/ratelimit.c daemon/base/ratelimit.h \
	daemon/base/same.h \
	daemon/base/seal.c daemon/base/seal.h \
	daemon/base/share.c daemon/base/share.h \
	daemon/base/stopping.c daemon/base/stopping.h \
	daemon/base/turns.c daemon/base/turns.h
