# Two commands: `make book` and `make test`.  They need python3.11 (or later), pip and make; the first run makes .venv.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PROFILE ?= quick
DEVICE ?= auto
SEED ?= 0
JOBS ?=
CHAPTER ?=
COURSE ?=
ASSIGNMENT ?=
PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name) 2>/dev/null)))
PY := .venv/bin/python
READY := .venv/.ready
PEERS := .venv/.peers
GRADERS := .venv/graders/.ready
quoted = '$(subst ','\'',$1)'
RUN = --profile $(call quoted,$(PROFILE)) --device $(call quoted,$(DEVICE)) --seed $(call quoted,$(SEED)) \
	$(if $(CHAPTER),--chapter $(call quoted,$(CHAPTER)))
export OMP_NUM_THREADS := 1
# Nobody's private Python stands before the book's own.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONOPTIMIZE PYTHONWARNINGS PYTHONSTARTUP PIP_TARGET PIP_PREFIX PIP_USER

# A misspelt option, such as CHAPTERS=x, would otherwise be passed over in silence.
OPTIONS := PROFILE DEVICE SEED JOBS CHAPTER COURSE ASSIGNMENT PYTHON
GIVEN := $(foreach name,$(filter-out MAKE% .% SHELL,$(.VARIABLES)),$(if $(findstring command line,$(origin $(name))),$(name)))
$(foreach name,$(filter-out $(OPTIONS),$(GIVEN)),$(error $(name)= is no option; there are $(OPTIONS)))

.PHONY: help book test mutants coursework hostile-test site-test test-oldest gpu-check pdf pairs pins bench clean

help: ## show this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'
	@echo '  options of make book: PROFILE=quick|full DEVICE=auto|cpu|cuda SEED=0 CHAPTER=lattice/phi4 JOBS=2'

book: $(READY) ## execute what changed and build the site
	@$(PY) -m tools.execute $(RUN) $(if $(JOBS),--jobs $(call quoted,$(JOBS)))
	@$(PY) -m tools.site $(RUN)

test: $(READY) ## lint, types, the laws, docstring examples, pairs, workflows
	$(PY) -m ruff check
	$(PY) -m mypy fieldkit coursework
	$(PY) -m tools.pairs --check
	@if [ -d .github/workflows ]; then set -x; .venv/bin/zizmor --offline --quiet .github/workflows && .venv/bin/actionlint; fi
	$(PY) -m pytest -n 2 --ignore=tests/site -m 'not saboteur and not hostile'

mutants: $(READY) ## every claim against wrong physics put into its source, CHAPTER=... or all (forty minutes)
	$(PY) -m pytest -n 2 -m saboteur tests/test_mutants.py $(if $(CHAPTER),-k $(call quoted,$(CHAPTER)))

coursework: $(READY) ## a notebook for each student of COURSE=folder (roster.csv), ASSIGNMENT=lattice/machine or all
	@[ -n $(call quoted,$(COURSE)) ] || { echo 'name the folder of your course: make coursework COURSE=~/ftnn'; exit 2; }
	@$(PY) -m coursework.release $(call quoted,$(COURSE)) $(if $(ASSIGNMENT),--assignment $(call quoted,$(ASSIGNMENT)))

hostile-test: $(READY) ## all hostile notebooks and the whole class of the coursework's tests (half an hour)
	$(PY) -m pytest -n 2 -m hostile tests/coursework

site-test: _build/site/index.html $(READY) ## walk the built site with a real browser
	@command -v chromium > /dev/null || $(MAKE) --no-print-directory chromium
	$(PY) -m pytest tests/site -n 2

test-oldest: ## the library's laws with the oldest packages that it allows
	@$(PYTHON) tools/oldest.py

_build/site/index.html:
	@echo 'there is no site to walk yet; build it first: make book'; exit 1

.PHONY: chromium
chromium:
	@as=$$([ $$(id -u) = 0 ] || echo sudo); if command -v apt-get > /dev/null && { [ -z "$$as" ] || sudo -n true 2> /dev/null; }; \
	then $$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends chromium > /dev/null; \
	else echo 'make site-test drives Chromium; install it first: sudo apt install chromium'; exit 1; fi

gpu-check: $(READY) ## does the book run on this GPU, how fast, within 15 GB? (12 min; to try it: DEVICE=cpu)
	@$(PY) -m tools.gpu_check $(if $(filter cpu,$(DEVICE)),--device cpu --small)

pdf: $(READY) ## print the built site as one PDF, linked from its front page
	@command -v chromium > /dev/null || $(MAKE) --no-print-directory chromium
	@$(PY) -m tools.pdf

pairs: $(READY) ## write the .ipynb beside each chapter
	@$(PY) -m tools.pairs

pins: $(READY) ## ask the package index whether all pins install on every Python from 3.11.0 to 3.13
	@$(PY) -m tools.pins

bench: $(PEERS) $(GRADERS) ## measure speeds, ratios within one run
	@for name in $$(ls benchmarks | sed -n "s/^\([a-z].*\)\.py$$/\1/p"); do $(PY) -m benchmarks.$$name || exit 1; done

clean: ## remove what was built, keep .venv
	rm -rf _build

# A .venv that is half made or whose Python is gone is made anew; one that is only older than the requirements is brought up to them.
ifneq ($(shell test -f $(READY) && $(PY) -I -c 'import pip' 2> /dev/null && echo whole),whole)
.PHONY: $(READY)
endif

$(READY): requirements.txt constraints.txt
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo 'the book needs Python 3.11 or later; install python3.11, or name it: make PYTHON=/path/to/python3.11'; exit 1; }
	@$(PYTHON) tools/install.py

$(PEERS): requirements-benchmarks.txt $(READY)
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-benchmarks.txt -c constraints.txt
	@touch $@

# They bring a server of notebooks, so they have an environment of their own; without them the benchmark says so.
$(GRADERS): requirements-graders.txt $(READY)
	@$(PY) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-graders.txt
	@touch $@
