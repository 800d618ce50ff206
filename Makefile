# Everything a newcomer needs: `make demo` to see it, `make test` to trust it.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint format words bench-send soak compose-day audit licences sbom test-lowest clean
.DEFAULT_GOAL := help

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: .venv/.installed ## Send today's digest to invented readers, then serve site, admin and inbox.
	@$(BIN)/digest demo --port $(PORT)

test: .venv/.installed-dev ## Run the whole suite; what needs an absent server is skipped with its reason.
	@$(BIN)/pytest -n auto --dist loadfile -m 'not alone'
	@$(BIN)/pytest -m alone

soak: .venv/.installed-dev ## Kill senders at random, a thousand times on each database; SOAK="--help" says more.
	@$(BIN)/python -m tests.faults.soak $(SOAK)

compose-day: .venv/.installed-dev ## Play a day of docker-compose.yml without Docker, five times, killing one of each; DAY="--help" says more.
	@$(BIN)/python -m tests.compose.day --times 5 $(DAY)

lint: .venv/.installed-dev ## Check style, types and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.installed-dev ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

words: .venv/.installed-dev ## Gather the words of pages and mail into the catalogues; ADD=fr begins a language.
	@$(BIN)/python -m tests.language.words $(ADD)

bench-send: .venv/.installed ## Measure sending beside smtp-source, Django's mail and post_office (needs Postfix's smtp-sink).
	@$(BIN)/python benchmarks/send.py

audit: .venv/.installed-dev ## Ask for known faults of what is installed (needs the network).
	@$(BIN)/python -m tests.supply.audit

licences: .venv/.installed-dev ## Write docs/licences.md anew from what the packages state.
	@$(BIN)/python -m tests.supply.licences

sbom: .venv/.installed-dev ## Write the parts list of an installation, dist/firstlight.cdx.json (CycloneDX).
	@mkdir -p dist
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/firstlight.cdx.json $(BIN)/python

test-lowest: .venv-lowest/.installed ## Run a part of the suite with the lowest versions that pyproject.toml allows.
	@.venv-lowest/bin/python -m pytest -q -p no:cacheprovider -W default $(LOWEST)

clean: ## Remove the environment and everything the demo made.
	rm -rf .venv .venv-lowest var/demo

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Firstlight needs Python 3.11 or later; name one with: make PYTHON=...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing Firstlight into .venv (about a minute)"
	@$(PIP) --editable .
	@touch $@

.venv/.installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing Firstlight and its test tools into .venv (about a minute)"
	@$(PIP) --editable '.[dev]'
	@touch $@ .venv/.installed

# Deprecations count with the tested versions only: what is oldest always has some.
LOWEST := tests/sources tests/mail/test_message.py tests/mail/test_smtp.py tests/test_tokens.py tests/flows/test_compose.py tests/flows/test_warm_up.py tests/web/test_public.py tests/test_cli_init.py
.venv-lowest/.installed: pyproject.toml constraints-lowest.txt
	@$(PYTHON) -m venv .venv-lowest
	@.venv-lowest/bin/pip install --quiet --disable-pip-version-check --constraint constraints-lowest.txt --editable '.[dev]'
	@touch $@
