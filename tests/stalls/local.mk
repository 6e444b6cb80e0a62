# SPDX-License-Identifier: ISC
# The integration tests while random system calls take longer: a few with every `make check`, all with
#	make stalls ROUNDS=20 SEED=1
# or some of them with T='test_gate test_scopes'. Not for a build with sanitizers, which come before what is preloaded.
check_PROGRAMS += tests/stalls/stalls.so
tests_stalls_stalls_so_SOURCES = tests/stalls/stalls.c
# It defines what _FORTIFY_SOURCE has inline.
tests_stalls_stalls_so_CPPFLAGS = $(AM_CPPFLAGS) -U_FORTIFY_SOURCE
tests_stalls_stalls_so_CFLAGS = $(AM_CFLAGS) -fPIC
# clang warns of -pie, which -shared overrides.
tests_stalls_stalls_so_LDFLAGS = $(AM_LDFLAGS) -shared -Wno-unused-command-line-argument
dist_check_SCRIPTS += tests/stalls/test_stalls.py
if HAVE_PYTHON
TESTS += tests/stalls/test_stalls.py
endif
# Without SEED the time of the day is the seed.
ROUNDS = 1
stalls: all tests/stalls/stalls.so$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) seed='$(SEED)'; \
	$(PYTHON) $(top_srcdir)/tests/stalls/test_stalls.py --rounds '$(ROUNDS)' --seed "$${seed:-`date +%s`}" \
		$(STALLS_ARGS) $(T)
.PHONY: stalls
