# SPDX-License-Identifier: ISC
# What goes around the daemon: systemd's files.
contrib_in = contrib/systemd/mcpd.service contrib/tmpfiles.d/mcpd.conf
EXTRA_DIST += $(contrib_in:=.in) contrib/sysusers.d/mcpd.conf
CLEANFILES += $(contrib_in)

$(contrib_in): $(contrib_in:=.in) Makefile
	$(subst_file)

if WITH_SYSTEMD
systemdsystemunit_DATA = contrib/systemd/mcpd.service
tmpfiles_DATA = contrib/tmpfiles.d/mcpd.conf
sysusers_DATA = contrib/sysusers.d/mcpd.conf
endif

examplesdir = $(docdir)/examples
dist_examples_DATA = contrib/examples/auth.json contrib/examples/mcpd.json contrib/examples/commands.json \
	contrib/examples/credentials.json contrib/examples/sandbox.json contrib/examples/README

# Completion for shells, which asks mcpctl.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = contrib/completions/bash/mcpctl
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = contrib/completions/zsh/_mcpctl
