# SPDX-License-Identifier: ISC
# Man pages are mdoc, kept as X.in because they name installed paths. A new page is one line here:
#	man_MANS += man/mcpctl.1
# and the file man/mcpctl.1.in, which may say @bindir@, @sbindir@, @sysconfdir@, @runstatedir@,
# @localstatedir@, @docdir@, @pkgdatadir@ and @PACKAGE_VERSION@.
man_MANS += man/mcpd.8
man_MANS += man/mcpctl.1
man_MANS += man/mcpd-control.7
man_MANS += man/mcpd-howto.7
man_MANS += man/mcpd-security.7
man_MANS += man/mcpd-troubleshooting.7
man_MANS += man/mcpd-tutorial.7
man_MANS += man/mcpd.json.5
man_MANS += man/mcpd.conf.5

EXTRA_DIST += $(man_MANS:=.in)
CLEANFILES += $(man_MANS)
$(man_MANS): $(man_MANS:=.in) Makefile
	$(subst_file)
