# `make run` and `make test` need nothing but Python 3.11, 3.12 or 3.13; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# The first Python on PATH that the job runs on.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c '$(FITS)' 2>/dev/null && echo $(p))))
VENV ?= .venv
BIN := $(VENV)/bin
JOB := PYTHONPATH=./$${PYTHONPATH:+:$$PYTHONPATH} APP_SETTINGS=$(or $(APP_SETTINGS),ProdConfig) $(BIN)/python model_mapreduce_job/ml_model_map_reduce_job.py
MODEL ?= iris_model
INPUT ?= ./data/input.ldjson
OUTPUT ?= ./data/output.ldjson

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z][a-zA-Z0-9_-]*:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

# Versions and the sums of their files are those of locks/; the project's own packages are built without a network.
INSTALL := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation
LOCKED := $(INSTALL) --require-hashes

$(VENV)/run.stamp: requirements.txt setup.py examples/iris_model/setup.py locks/run.txt
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11, 3.12 or 3.13 is needed, and none is on PATH. Install one, or say PYTHON=/path/to/python."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(LOCKED) -r locks/run.txt
	$(INSTALL) --no-deps -r requirements.txt
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp test_requirements.txt locks/test.txt
	$(LOCKED) -r locks/test.txt
	@touch $@

.PHONY: lock
lock:  ## write locks/ anew, from the ranges in setup.py and the requirements files (needs a network)
	python3 -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	UV=.venv-lock/bin/uv locks/renew

.PHONY: run
run: $(VENV)/run.stamp  ## predict data/input.ldjson into data/output.ldjson
	@$(JOB) --model_qualified_name $(MODEL) $(INPUT) > $(OUTPUT)

.PHONY: run-model
run-model: $(VENV)/run.stamp  ## predict a csv with a model file alone, into data/output.csv
	@$(JOB) --model_file examples/model_files/churn.onnx --output_protocol csv --header examples/model_files/customers.csv > data/output.csv

.PHONY: run-hadoop run-spark
run-hadoop: build/bundle.tar.gz  ## the same on the Hadoop that HADOOP_HOME or PATH names
	@$(JOB) -r hadoop --model_qualified_name $(MODEL) $(INPUT) > $(OUTPUT)

run-spark: $(VENV)/spark.stamp  ## the same on Spark, on two cores of this machine
	@PATH="$(abspath $(BIN)):$$PATH" $(JOB) -r spark --spark-master 'local[2]' --model_qualified_name $(MODEL) $(INPUT) > $(OUTPUT)

$(VENV)/spark.stamp: $(VENV)/run.stamp locks/spark.txt
	$(LOCKED) -r locks/spark.txt
	@touch $@

.PHONY: bundle
bundle:  ## the archive that tasks on a cluster run in: build/bundle.tar.gz (MODEL_FILE=PATH for its library)
	rm -f build/bundle.tar.gz
	$(MAKE) --no-print-directory build/bundle.tar.gz

build/bundle.tar.gz: $(VENV)/run.stamp
	PYTHONPATH=./$${PYTHONPATH:+:$$PYTHONPATH} APP_SETTINGS=$(or $(APP_SETTINGS),ProdConfig) $(BIN)/python -m model_mapreduce_job.bundle $@ $(MODEL_FILE:%=--model_file=%)

.PHONY: run-emr
run-emr: $(VENV)/emr.stamp  ## the same on AWS EMR, as mrjob.conf says
	@$(JOB) --conf-path=./mrjob.conf -r emr --iam-service-role EMR_DefaultRole --model_qualified_name $(MODEL) $(INPUT) > $(OUTPUT)

$(VENV)/emr.stamp: $(VENV)/run.stamp locks/emr.txt
	$(LOCKED) -r locks/emr.txt
	@touch $@

.PHONY: cluster-up cluster-status cluster-down
cluster-up: $(VENV)/run.stamp  ## start a Hadoop on this machine (JDK 17, Maven; as root with CLUSTER_AS_ROOT=1)
	$(BIN)/python cluster/cluster.py up
cluster-status: $(VENV)/run.stamp  ## its daemons, ports and health
	$(BIN)/python cluster/cluster.py status
cluster-down: $(VENV)/run.stamp  ## stop it
	$(BIN)/python cluster/cluster.py down

.PHONY: jar
jar: $(VENV)/run.stamp  ## build the jar of the package's own Java, which a job on Hadoop brings (JDK 17, Maven)
	$(BIN)/python cluster/cluster.py jar

# What each suite has measured lies in a directory of its own. AGAIN=1 runs what has failed once more, one test
# after the other, and adds to what was measured.
MEASURED := $(CURDIR)/.measured
measure = $(if $(AGAIN),,rm -rf $(MEASURED)/$@ && )mkdir -p $(MEASURED)/$@ && COVERAGE_FILE=$(MEASURED)/$@/.coverage $(BIN)/python -m coverage
# One more than there are cores: some tests wait for another process most of the time.
WORKERS ?= $(shell expr $$(nproc) + 1)
BY_FILE := --dist loadfile --no-loadscope-reorder
ALONE := -n 0 --last-failed --last-failed-no-failures none
# what to look at first when a suite takes too long
SLOWEST := --durations 25 --durations-min 5
# What runs only where there is a Hadoop or a Spark.
NEED_CLUSTER := */runners/hadoop/runner.py,*/runners/spark/*.py

# The suites start thousands of processes, none of which has to compile the project's modules again.
test test-cluster: export PYTHONDONTWRITEBYTECODE :=

.PHONY: test
test: $(VENV)/test.stamp  ## the whole test suite that needs no cluster, with branch coverage
	$(measure) run -m pytest $(if $(AGAIN),$(ALONE),-n $(WORKERS) $(BY_FILE)) -m "not cluster" $(SLOWEST) $(PYTEST_ARGS)
	COVERAGE_FILE=$(MEASURED)/$@/.coverage $(BIN)/python -m coverage combine --append --quiet
	COVERAGE_FILE=$(MEASURED)/$@/.coverage $(BIN)/python -m coverage report --omit='$(NEED_CLUSTER)'

.PHONY: coverage
coverage: $(VENV)/test.stamp  ## what `make test` and `make test-cluster` have measured together, of all of the package
	COVERAGE_FILE=$(MEASURED)/.coverage $(BIN)/python -m coverage combine --keep --quiet $(wildcard $(MEASURED)/*/.coverage)
	COVERAGE_FILE=$(MEASURED)/.coverage $(BIN)/python -m coverage report

.PHONY: test-versions
test-versions:  ## the test suite on each other Python, 3.11 to 3.13, that this machine has
	./tests/on_every_python

.PHONY: test-cluster
test-cluster: $(VENV)/cluster.stamp  ## the job on a real Hadoop and a real Spark on this machine, and what they do when parts fail
	$(measure) run -m pytest $(if $(AGAIN),$(ALONE),-n 2 $(BY_FILE)) -m cluster $(SLOWEST) $(PYTEST_ARGS) tests/cluster tests/test_real_models.py
	COVERAGE_FILE=$(MEASURED)/$@/.coverage $(BIN)/python -m coverage combine --append --quiet

$(VENV)/cluster.stamp: $(VENV)/test.stamp cluster/requirements.txt locks/all.txt
	$(LOCKED) -r locks/all.txt
	@touch $@

.PHONY: lint
lint: $(VENV)/test.stamp  ## ruff, ruff format, mypy strict, bandit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml model_mapreduce_job examples

.PHONY: test-faults
test-faults: $(VENV)/test.stamp  ## runs with kills, limits, failing disks, changed files: SEEDS=n or SECONDS=s of them
	PYTHONPATH=tests $(BIN)/python -m faults --first $(or $(FIRST),0) $(if $(SECONDS),--seconds $(SECONDS),--seeds $(or $(SEEDS),50)) $(if $(KINDS),--kinds $(KINDS)) $(if $(RESULTS),--results $(RESULTS))

.PHONY: fuzz
fuzz: $(VENV)/test.stamp  ## the property tests of each reader, with new examples for SECONDS seconds (60), or those of SEED
	$(BIN)/python tests/fuzz.py --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

.PHONY: screenshot
screenshot: $(VENV)/test.stamp  ## docs/report.png, the page of a run (needs Chromium)
	$(BIN)/python docs/make_screenshot.py

.PHONY: benchmark-profile
benchmark-profile: $(VENV)/test.stamp  ## what a profile adds to a task's CPU time
	PYTHONPATH=.:examples/iris_model:examples/wide_model:benchmarks $(BIN)/python benchmarks/profile_cost.py

.PHONY: benchmark
benchmark: $(VENV)/test.stamp  ## the mapper beside a hand-written loop and the plain mrjob job
	$(BIN)/python benchmarks/benchmark.py

.PHONY: benchmark-model-files
benchmark-model-files: $(VENV)/test.stamp  ## model files beside the lines that one writes with pandas and the same library
	$(BIN)/python benchmarks/model_files.py

.PHONY: benchmark-peers
benchmark-peers: $(VENV)/run.stamp  ## the job beside Polars, Dask, PySpark, Ray Data and Beam, and Parquet beside Polars
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/tables.py

.PHONY: benchmark-cluster
benchmark-cluster: $(VENV)/cluster.stamp  ## the job on Hadoop beside a streaming job whose mapper is cat
	$(BIN)/python benchmarks/benchmark_cluster.py

.PHONY: clean
clean:  ## remove what was built
	rm -rf $(VENV) build dist .measured $(OUTPUT)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
