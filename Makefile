# `make help` explains. Settings are environment variables or words on the line: make run PORT=8010 INSTAINSTRU_HOME=/tmp/second
PYTHON ?= python3
BIN := .venv/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run reset test crash faults races truth sabotage check format lock simulate bench openapi fuzz examples

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Settings (PORT, INSTAINSTRU_HOME, DATABASE_URL, STRIPE_MODE, ...) are listed in README.md."

run: ## Start everything: database, Stripe sandbox, web server, jobs. Ctrl-C stops it, the data stays
	@.ci/venv run
	@exec $(BIN)/python -m instainstru.run

reset: ## Delete the data of this copy and start over (not while it runs)
	@.ci/venv run
	@exec $(BIN)/python -m instainstru.run reset

test: ## All tests, on a real PostgreSQL and the real sandbox; ARGS="-k name" passes words to pytest
	@.ci/venv dev
	@$(BIN)/python -m pytest -n $${TEST_WORKERS:-auto} $(ARGS)

crash: ## Kill every money operation at every boundary and look at what follows; ARGS="--only cancel --resume --sample 5"
	@.ci/venv dev
	@exec $(BIN)/python -m tests.harness.crash $(ARGS)

faults: ## Every Stripe call of every money operation meets every fault, then database and jobs go down; ARGS as for crash
	@.ci/venv dev
	@$(BIN)/python -m tests.harness.faults $(ARGS)
	@$(BIN)/python -m tests.harness.outages $(ARGS)

races: ## Every two money operations that can meet, at every boundary, with the mutex and without; ARGS as for crash
	@.ci/venv dev
	@exec $(BIN)/python -m tests.harness.races $(ARGS)

truth: ## Three races through HTTP, 1,000 times each, mutex on, off, and Redis killed; ARGS="--times 50 --mode redis"
	@.ci/venv dev
	@exec $(BIN)/python -m tests.harness.truth $(ARGS)

sabotage: ## One protection at a time is switched off: a harness must notice
	@.ci/venv dev
	@exec $(BIN)/python -m tests.harness.sabotage $(ARGS)

simulate: ## A simulated market with everything going wrong; SEED= DAYS= PEOPLE= OUT=
	@.ci/venv dev
	@$(BIN)/python -m tests.simulation

bench: ## Lists, details and job selections in a small and a large market; SMALL=2000 LARGE=200000
	@.ci/venv dev
	@$(BIN)/python -m tests.bench

fuzz: ## Every endpoint as everybody, with requests that nobody would send; FUZZ_EXAMPLES=25 FUZZ_SEED=1 FUZZ_ONLY=payments/
	@.ci/venv dev
	@$(BIN)/python -m pytest -q -n $${TEST_WORKERS:-auto} tests/api/contract/fuzz_long.py

examples: ## Ask every endpoint once and write docs/api/openapi_examples.json, which the schema shows
	@.ci/venv dev
	@WRITE_EXAMPLES=1 $(BIN)/python -m pytest -q tests/api/contract/test_examples.py
	@$(BIN)/python manage.py write_docs

openapi: ## Write docs/api/openapi.json and the pages that are made from the code
	@.ci/venv dev
	@$(BIN)/python manage.py write_docs

check: ## Style, types, layers, migrations, templates, known holes in libraries
	@.ci/venv dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.tooling.house_rules
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check
	$(BIN)/python manage.py write_docs --check
	$(BIN)/djlint --check --lint --quiet .
	$(BIN)/python -m tests.tooling.known_holes

format: ## Write code and templates in the house style
	@.ci/venv dev
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .
	-$(BIN)/djlint --reformat --quiet .

lock: ## Compile requirements*.in into exact pins with hashes
	@.ci/venv dev
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt
	@for name in requirements requirements-dev; do \
		sed -i "1i # This file is compiled from $$name.in by \`make lock\`." $$name.txt; \
	done

COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --python-version 3.11 \
	--no-header --no-emit-index-url --no-emit-find-links
