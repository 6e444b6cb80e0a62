# SPDX-License-Identifier: ISC
# Everything but main() is a library, so that tests and fuzzers link the real daemon.
noinst_LIBRARIES += daemon/libmcpd.a
DAEMON_CPPFLAGS = $(LIB_CPPFLAGS) $(DAEMON_DEFINES) -I$(top_srcdir)/daemon
DAEMON_LIBS = daemon/libmcpd.a $(LIB_LIBS) $(SYSTEMD_LIBS) $(CRYPTO_LIBS) $(CURL_LIBS) $(JOSE_LIBS) $(SQLITE_LIBS) $(PCRE2_LIBS)
daemon_libmcpd_a_CPPFLAGS = $(AM_CPPFLAGS) $(DAEMON_CPPFLAGS)
daemon_libmcpd_a_CFLAGS = $(LIB_CFLAGS) $(SYSTEMD_CFLAGS) $(CRYPTO_CFLAGS) $(CURL_CFLAGS) $(JOSE_CFLAGS) $(SQLITE_CFLAGS) $(PCRE2_CFLAGS)
daemon_libmcpd_a_SOURCES = \
	daemon/endpoint.c daemon/endpoint.h \
	daemon/scopes.c daemon/scopes.h \
	daemon/leftovers.c daemon/leftovers.h \
	daemon/mcpd.c daemon/mcpd.h \
	daemon/notify.c daemon/notify.h \
	daemon/options.c daemon/options.h \
	daemon/body.c daemon/body.h \
	daemon/detach.c daemon/detach.h

include $(top_srcdir)/daemon/base/local.mk
include $(top_srcdir)/daemon/text/local.mk
include $(top_srcdir)/daemon/config/local.mk
include $(top_srcdir)/daemon/http/local.mk
include $(top_srcdir)/daemon/mcp/local.mk
include $(top_srcdir)/daemon/process/local.mk
include $(top_srcdir)/daemon/store/local.mk
include $(top_srcdir)/daemon/auth/local.mk
include $(top_srcdir)/daemon/credentials/local.mk
include $(top_srcdir)/daemon/client/local.mk
include $(top_srcdir)/daemon/backend/local.mk
include $(top_srcdir)/daemon/server/local.mk
include $(top_srcdir)/daemon/legacy/local.mk
include $(top_srcdir)/daemon/modern/local.mk
include $(top_srcdir)/daemon/control/local.mk

sbin_PROGRAMS += mcpd
mcpd_SOURCES = daemon/main.c
mcpd_CPPFLAGS = $(AM_CPPFLAGS) $(DAEMON_CPPFLAGS)
mcpd_CFLAGS = $(LIB_CFLAGS)
mcpd_LDADD = $(DAEMON_LIBS)
DAEMON_DEFINES = -DMCPD_CONFIG_FILE='"$(sysconfdir)/mcpd/mcpd.json"'
