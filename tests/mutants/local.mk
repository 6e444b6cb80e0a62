# SPDX-License-Identifier: ISC
# make mutants SEED=1 N=20 ONLY='daemon/http/*': changes one thing in the sources at a time, and looks whether a test notices.
EXTRA_DIST += tests/mutants/mutants.py
mutants:
	$(PYTHON) $(srcdir)/tests/mutants/mutants.py $(srcdir) $(abs_builddir)/mutants \
		$(if $(SEED),--seed $(SEED)) $(if $(N),--number $(N)) $(if $(ONLY),--only '$(ONLY)') \
		$(if $(SKIP),--skip $(SKIP))
.PHONY: mutants
