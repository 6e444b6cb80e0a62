# SPDX-License-Identifier: ISC
# Everything but main() is a library, so that tests link the real thing.
noinst_LIBRARIES += cli/libmcpctl.a
CLI_CPPFLAGS = $(LIB_CPPFLAGS)
CLI_LIBS = cli/libmcpctl.a $(LIB_LIBS) $(READLINE_LIBS) $(CRYPTO_LIBS)
cli_libmcpctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(CLI_CPPFLAGS)
cli_libmcpctl_a_CFLAGS = $(LIB_CFLAGS) $(READLINE_CFLAGS)
cli_libmcpctl_a_SOURCES = \
	cli/complain.c cli/complain.h \
	cli/complete.c cli/complete.h \
	cli/configcheck.c cli/configcheck.h \
	cli/context.h \
	cli/help.c cli/help.h \
	cli/history.c cli/history.h \
	cli/local.c cli/local.h \
	cli/mcpctl.c cli/mcpctl.h \
	cli/output.c cli/output.h \
	cli/output_json.c \
	cli/output_kv.c \
	cli/output_table.c \
	cli/parse.c cli/parse.h \
	cli/remote.c cli/remote.h \
	cli/run.c cli/run.h \
	cli/secret.c cli/secret.h \
	cli/shell.c cli/shell.h \
	cli/status.c cli/status.h \
	cli/text.c cli/text.h \
	cli/words.c cli/words.h

bin_PROGRAMS += mcpctl
mcpctl_SOURCES = cli/main.c
mcpctl_CPPFLAGS = $(AM_CPPFLAGS) $(CLI_CPPFLAGS)
mcpctl_CFLAGS = $(LIB_CFLAGS)
mcpctl_LDADD = $(CLI_LIBS)
