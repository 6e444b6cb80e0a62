bin_PROGRAMS += mcpctl
mcpctl_SOURCES = cli/main.c
mcpctl_CPPFLAGS = $(AM_CPPFLAGS) $(LIB_CPPFLAGS) -I$(top_srcdir)/cli
mcpctl_CFLAGS = $(LIB_CFLAGS) $(READLINE_CFLAGS)
mcpctl_LDADD = $(LIB_LIBS) $(READLINE_LIBS)
