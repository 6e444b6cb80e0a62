# SPDX-License-Identifier: ISC
daemon_libmcpd_a_SOURCES += \
	daemon/mcp/call.c daemon/mcp/call.h \
	daemon/mcp/capability.c daemon/mcp/capability.h \
	daemon/mcp/catalog.c daemon/mcp/catalog.h \
	daemon/mcp/clientparams.c daemon/mcp/clientparams.h \
	daemon/mcp/era.c daemon/mcp/era.h \
	daemon/mcp/mcpheaders.c daemon/mcp/mcpheaders.h \
	daemon/mcp/message.c daemon/mcp/message.h \
	daemon/mcp/names.c daemon/mcp/names.h \
	daemon/mcp/offer.c daemon/mcp/offer.h \
	daemon/mcp/post.c daemon/mcp/post.h \
	daemon/mcp/question.c daemon/mcp/question.h \
	daemon/mcp/toolresult.c daemon/mcp/toolresult.h \
	daemon/mcp/translate.c daemon/mcp/translate.h \
	daemon/mcp/translate_ask.c \
	daemon/mcp/translate_carried.c \
	daemon/mcp/translate_impl.h \
	daemon/mcp/translate_tools.c \
	daemon/mcp/xheader.c daemon/mcp/xheader.h
