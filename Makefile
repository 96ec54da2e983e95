# Everything a person types. Needs make and Python 3.11 or newer; `make` alone says what there is.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# The interpreter that makes the virtual environment; empty: the first suitable one on the PATH.
PYTHON ?=
# More words for the program behind a target, e.g. make test ARGS="-k outbox".
ARGS ?=
# Integration tests that mostly wait and measure nothing: they may share the machine. The longest come first, so that
# short ones fill both cores to the end.
BESIDE := $(addprefix tests/integration/test_,kill9.py compose_stack.py patrol_kill9.py postgres.py board_queries.py \
  influx_ranges.py phone_browser.py phone_inspection.py phone_readings.py typed_kill9.py \
  console_schema.py replicas.py spine.py fire_gateway.py migrate.py \
  migrate_readings.py bad_input.py broker_security.py console_browser.py grafana.py influx_down.py \
  influx_left_behind.py influx_setup.py influx_store.py order_browser.py phone_forgets.py readers.py \
  sensor_topics.py simulated_utd.py \
  simulator.py tls.py)
# Real servers for the integration tests: Debian packages.
SERVERS := mosquitto mosquitto-clients postgresql influxdb chromium fonts-noto-cjk

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint services bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.ready ## a simulated site, end to end, on this machine; Ctrl-C stops it
	@$(BIN)/gengfu demo $(ARGS)

test: $(VENV)/.ready-dev ## lint, types, layers, documents, then every test (ARGS="-k word" for some)
	@$(MAKE) --no-print-directory lint
	@echo "── pytest: units, stories and what can run beside them, on all cores"
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(BESIDE) tests/scenario tests/unit $(ARGS) || [ $$? -eq 5 ]
	@echo "── pytest: with real servers, one after the other"
	@$(BIN)/python -m pytest tests/integration $(BESIDE:%=--ignore=%) $(ARGS) || [ $$? -eq 5 ]

lint: $(VENV)/.ready-dev ## ruff, mypy, import layers, generated documents
	@echo "── ruff check"
	@$(BIN)/ruff check --quiet .
	@echo "── ruff format"
	@$(BIN)/ruff format --quiet --check . || { echo "run: $(BIN)/ruff format ." >&2; exit 1; }
	@echo "── mypy"
	@$(BIN)/mypy
	@echo "── import layers"
	@$(BIN)/lint-imports
	@echo "── generated documents"
	@$(BIN)/python -m gateway.contract.schema --check
	@$(BIN)/python -m services.report.schema --check
	@$(BIN)/python -m dashboards --check

services: ## install the real servers that integration tests start (Debian; asks sudo unless root)
	@missing=; for package in $(SERVERS); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q '^install ok installed$$' || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then echo "servers: all installed"; exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "No apt-get here. Install by hand:$$missing" >&2; exit 1; fi; \
	sudo=; if [ "$$(id -u)" -ne 0 ]; then sudo=sudo; fi; \
	echo "servers: installing$$missing"; \
	$$sudo apt-get -qq update && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing >/dev/null

bench: $(VENV)/.ready-dev ## figures of this machine: messages per second, time to alert, replay
	@$(BIN)/python -m benchmarks.ingest $(ARGS)

clean: ## remove the virtual environment and caches; data in var/ stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Gengfu into $(VENV) (once; a minute or two) …"
	@$(PIP) install --editable . --constraint constraints.txt
	@touch $@ && echo "Installed."

$(VENV)/.ready-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Gengfu and its development tools into $(VENV) (once; a minute or two) …"
	@$(PIP) install --editable '.[dev]' --constraint constraints.txt
	@touch $(VENV)/.ready $@ && echo "Installed."

$(BIN)/python:
	@for one in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3); do \
	  if "$$one" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$one" --version) …"; exec "$$one" -m venv $(VENV); \
	  fi; \
	done; \
	echo "Gengfu needs Python 3.11 or newer with venv (Debian: apt-get install python3 python3-venv)," >&2; \
	echo "or name one: make PYTHON=/path/to/python3 …" >&2; exit 1
