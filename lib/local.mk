# SPDX-License-Identifier: ISC
# What daemon and cli share. Sees nothing but itself.
noinst_LIBRARIES += lib/libmcpd-shared.a
LIB_CPPFLAGS = -I$(top_srcdir)
LIB_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
LIB_LIBS = lib/libmcpd-shared.a $(EVENT_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)
lib_libmcpd_shared_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIB_CPPFLAGS) -DRUNSTATEDIR='"$(runstatedir)"'
lib_libmcpd_shared_a_CFLAGS = $(LIB_CFLAGS)
lib_libmcpd_shared_a_SOURCES = \
	lib/bufadd.c lib/bufadd.h \
	lib/ctlclient.c lib/ctlclient.h \
	lib/ctlspec.c lib/ctlspec.h \
	lib/digest.c lib/digest.h \
	lib/err.c lib/err.h \
	lib/hash.h \
	lib/jsonmembers.c lib/jsonmembers.h \
	lib/jsonrpc.c lib/jsonrpc.h \
	lib/jsonscan.c lib/jsonscan.h \
	lib/jsontext.c lib/jsontext.h \
	lib/jsoncost.c \
	lib/jsonread.c \
	lib/jsonwrite.c \
	lib/lines.c lib/lines.h \
	lib/escape.c \
	lib/log.c lib/log.h lib/logout.c lib/logout.h \
	lib/paths.c lib/paths.h \
	lib/protocol.c lib/protocol.h \
	lib/sse.c lib/sse.h \
	lib/ssereader.c lib/ssereader.h \
	lib/stdfds.c lib/stdfds.h \
	lib/utf8.c lib/utf8.h \
	lib/wipe.h
