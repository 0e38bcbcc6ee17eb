# Two commands set up everything: `make demo` and `make test`. Both create .venv from the hashed locks.

PYTHON ?= python3.11
BIN = .venv/bin
WORKSPACE ?= var/demo/workspace.yaml
FAST = not slow and not faults and not load and not spark

.PHONY: help demo test test-slow lint format bench bench-shapley bench-quality bench-training bench-http bench-ingest audit-power faults load serve locks clean

help:            ## say what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: .venv/demo-ready            ## the main job end to end on a simulated product
	$(BIN)/trialwise demo

test: .venv/tests-ready           ## the tests of every commit, within about 5 minutes
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "$(FAST)"

test-slow: .venv/tests-ready      ## the rest that CI runs: real data, whole journeys, the kernel uncompiled
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow"
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "$(FAST)" tests/features tests/models

lint: .venv/tests-ready           ## ruff, ruff format, mypy strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/tests-ready         ## let ruff lay out the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/tests-ready          ## ratios measured side by side in one run
	$(BIN)/python -m tests.benchmarks.bench_features

bench-shapley: .venv/tests-ready  ## scores and Shapley values of trees against LightGBM's own, one thread each
	$(BIN)/python -m tests.benchmarks.bench_shapley

bench-ingest: .venv/tests-ready   ## durable ingestion over HTTP as a share of the driver's own inserts, SQLite and PostgreSQL
	$(BIN)/python -m tests.benchmarks.bench_ingest

BENCH_QUALITY ?=
bench-quality: .venv/tests-ready  ## our AUC and log-loss beside four rivals' on real data: make bench-quality BENCH_QUALITY="--sets 365"
	$(BIN)/python -m tests.benchmarks.bench_quality $(BENCH_QUALITY)

bench-training: .venv/tests-ready ## what a training on 1 M looks x 100 features costs: CPU, time and memory
	$(BIN)/python -m tests.benchmarks.bench_training

bench-http: .venv/tests-ready     ## scores over HTTP against mlflow models serve, a core each
	$(BIN)/python -m tests.benchmarks.bench_http

SEEDS ?= 100
audit-power: .venv/tests-ready    ## how many of ten planted kinds of leaks the audit finds: make audit-power SEEDS=100
	$(BIN)/python -m training.audit_power --seeds $(SEEDS)

faults: .venv/tests-ready         ## kill -9 and worse, in full; prints its seeds
	$(BIN)/python -m pytest -s -m faults

LOAD_SECONDS ?= 60
load: .venv/tests-ready           ## mixed load on a real server: percentiles and growth; the bar: make load LOAD_SECONDS=900
	LOAD_SECONDS=$(LOAD_SECONDS) $(BIN)/python -m pytest -s -m load

serve: .venv/demo-ready           ## serve a workspace on loopback without keys: make serve WORKSPACE=my.yaml
	$(BIN)/trialwise serve -w $(WORKSPACE) --open

.venv/bin/python:
	@echo "Creating .venv with $(PYTHON)"
	$(PYTHON) -m venv .venv

.venv/demo-ready: deploy/demo.lock pyproject.toml | .venv/bin/python
	@echo "Installing Trialwise and what the demo needs into .venv (a minute or two)"
	$(BIN)/pip install --quiet --require-hashes -r deploy/demo.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/tests-ready: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing Trialwise and everything its tests need into .venv (a minute or two)"
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

LOCK = uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --extra build
locks:                            ## compile the three locks from pyproject.toml (needs uv)
	UV_CUSTOM_COMPILE_COMMAND="make locks" $(LOCK) -o requirements.lock \
		--extra training --extra serving --extra postgres --extra spark --extra notebooks --extra tracing --extra demo --extra dev
	UV_CUSTOM_COMPILE_COMMAND="make locks" $(LOCK) -c requirements.lock -o deploy/demo.lock \
		--extra training --extra serving --extra notebooks --extra demo
	UV_CUSTOM_COMPILE_COMMAND="make locks" $(LOCK) -c requirements.lock -o deploy/serve.lock \
		--extra serving --extra postgres

clean:                            ## remove the environment and caches; var/ (your data and models) stays
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
