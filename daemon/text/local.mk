# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/text/basicauth.c daemon/text/basicauth.h \
	daemon/text/challenge.c daemon/text/challenge.h \
	daemon/text/headerlines.c daemon/text/headerlines.h \
	daemon/text/headervalue.c daemon/text/headervalue.h \
	daemon/text/httpfield.c daemon/text/httpfield.h \
	daemon/text/jsonpath.c daemon/text/jsonpath.h \
	daemon/text/mediatype.c daemon/text/mediatype.h \
	daemon/text/pattern.c daemon/text/pattern.h \
	daemon/text/pattern_ecma.c daemon/text/pattern_ecma.h \
	daemon/text/placeholder.c daemon/text/placeholder.h \
	daemon/text/schema.c daemon/text/schema.h \
	daemon/text/schema_check.c \
	daemon/text/schema_equal.c \
	daemon/text/schema_impl.h \
	daemon/text/schema_type.c \
	daemon/text/schema_walk.c \
	daemon/text/uritemplate.c daemon/text/uritemplate.h \
	daemon/text/url.c daemon/text/url.h
