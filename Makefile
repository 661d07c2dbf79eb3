# Two commands: `make book` and `make test`.  They need python3.11 (or later), pip and make; the first run makes .venv.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PROFILE ?= quick
DEVICE ?= auto
SEED ?= 0
JOBS ?=
CHAPTER ?=
PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name) 2>/dev/null)))
PY := .venv/bin/python
READY := .venv/.ready
PEERS := .venv/.peers
RUN = --profile '$(PROFILE)' --device '$(DEVICE)' --seed '$(SEED)' $(if $(CHAPTER),--chapter '$(CHAPTER)')
export OMP_NUM_THREADS := 1

.PHONY: help book test site-test pdf pairs bench clean

help: ## show this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'
	@echo '  options of make book: PROFILE=quick|full DEVICE=auto|cpu|cuda SEED=0 CHAPTER=lattice/phi4 JOBS=2'

book: $(READY) ## execute what changed and build the site
	@$(PY) -m tools.execute $(RUN) $(if $(JOBS),--jobs '$(JOBS)')
	@$(PY) -m tools.site $(RUN)

test: $(READY) ## lint, types, the laws, docstring examples, pairs, workflows
	$(PY) -m ruff check
	$(PY) -m mypy fieldkit
	$(PY) -m tools.pairs --check
	@if [ -d .github/workflows ]; then set -x; .venv/bin/zizmor --offline --quiet .github/workflows && .venv/bin/actionlint; fi
	$(PY) -m pytest -n 2 --ignore=tests/site

site-test: $(READY) ## walk the built site with a real browser
	@command -v chromium > /dev/null || $(MAKE) --no-print-directory chromium
	$(PY) -m pytest tests/site -n 2

.PHONY: chromium
chromium:
	@as=$$([ $$(id -u) = 0 ] || echo sudo); if command -v apt-get > /dev/null && { [ -z "$$as" ] || sudo -n true 2> /dev/null; }; \
	then $$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends chromium > /dev/null; \
	else echo 'make site-test drives Chromium; install it first: sudo apt install chromium'; exit 1; fi

pdf: $(READY) ## print the built site as one PDF, linked from its front page
	@command -v chromium > /dev/null || $(MAKE) --no-print-directory chromium
	@$(PY) -m tools.pdf

pairs: $(READY) ## write the .ipynb beside each chapter
	@$(PY) -m tools.pairs

bench: $(PEERS) ## measure speeds, ratios within one run
	@for name in $$(ls benchmarks | sed -n "s/^\([a-z].*\)\.py$$/\1/p"); do $(PY) -m benchmarks.$$name || exit 1; done

clean: ## remove what was built, keep .venv
	rm -rf _build

# A .venv that is half made or whose Python is gone is made anew; one that is only older than the requirements is brought up to them.
ifneq ($(shell test -f $(READY) && $(PY) -c 'import pip' 2> /dev/null && echo whole),whole)
.PHONY: $(READY)
fresh = rm -rf .venv && $(PYTHON) -m venv .venv || { echo 'this Python makes no virtual environments; on Debian: sudo apt install python3-venv'; exit 1; }
endif

$(READY): requirements.txt constraints.txt
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo 'the book needs Python 3.11 or later; install python3.11, or name it: make PYTHON=/path/to/python3.11'; exit 1; }
	@echo 'installing requirements.txt into .venv (a minute or two)'
	@$(or $(fresh),true)
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

$(PEERS): requirements-benchmarks.txt $(READY)
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-benchmarks.txt -c constraints.txt
	@touch $@
