# SPDX-License-Identifier: ISC
# A hostile mix beside honest clients: a short one with every `make check`, a long one with
#	make hostile SECONDS=3600 SEED=1
EXTRA_DIST += tests/hostile/world.py tests/hostile/honest.py tests/hostile/attacks.py \
	tests/hostile/badserver.py tests/hostile/thief.py
dist_check_SCRIPTS += tests/hostile/test_hostile.py
if HAVE_PYTHON
TESTS += tests/hostile/test_hostile.py
endif
# Seconds for each of the two daemons. Without SEED the time of the day is the seed.
SECONDS = 300
SEED =
hostile: all
	$(AM_TESTS_ENVIRONMENT) seed='$(SEED)'; \
	$(PYTHON) $(top_srcdir)/tests/hostile/test_hostile.py --seconds '$(SECONDS)' --seed "$${seed:-`date +%s`}"
.PHONY: hostile
