# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/process/cgroup.c daemon/process/cgroup.h \
	daemon/process/child.c \
	daemon/process/child_tree.c \
	daemon/process/children.c daemon/process/children.h \
	daemon/process/children_impl.h \
	daemon/process/children_keeper.h \
	daemon/process/children_log.c daemon/process/children_log.h \
	daemon/process/children_orphans.c daemon/process/children_orphans.h \
	daemon/process/children_places.c daemon/process/children_places.h \
	daemon/process/children_set.c \
	daemon/process/children_spawn.c daemon/process/children_spawn.h \
	daemon/process/children_watch.c daemon/process/children_watch.h \
	daemon/process/peerproc.c daemon/process/peerproc.h \
	daemon/process/pipesize.c daemon/process/pipesize.h \
	daemon/process/sandbox.c daemon/process/sandbox.h \
	daemon/process/sandbox_hide.c \
	daemon/process/sandbox_impl.h \
	daemon/process/sandbox_judge.c \
	daemon/process/sandbox_landlock.c \
	daemon/process/sandbox_rules.c
