# Two commands need nothing but Python 3.11 or later: `make run` and `make test`.
.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOB := PYTHONPATH=./ APP_SETTINGS=ProdConfig $(BIN)/python model_mapreduce_job/ml_model_map_reduce_job.py
MODEL ?= iris_model
INPUT ?= ./data/input.ldjson
OUTPUT ?= ./data/output.ldjson

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z][a-zA-Z0-9_-]*:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-22s %s\n", $$1, $$2}'

$(VENV)/run.stamp: requirements.txt setup.py examples/iris_model/setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp test_requirements.txt
	$(BIN)/python -m pip install --quiet -r test_requirements.txt
	@touch $@

.PHONY: run
run: $(VENV)/run.stamp  ## predict data/input.ldjson into data/output.ldjson
	$(JOB) --model_qualified_name $(MODEL) $(INPUT) > $(OUTPUT)

.PHONY: test
test: $(VENV)/test.stamp  ## the whole test suite that needs no cluster, with branch coverage
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -m "not cluster"
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

.PHONY: lint
lint: $(VENV)/test.stamp  ## ruff, ruff format, mypy strict, bandit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml model_mapreduce_job examples

.PHONY: clean
clean:  ## remove what was built
	rm -rf $(VENV) build dist data/output.ldjson
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
