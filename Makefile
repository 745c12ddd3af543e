# The two commands of a newcomer: make run, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: run setup test check accept bench lock clean

run: setup  ## set everything up, improve the demo prompt before your eyes, and go on serving
	$(BIN)/agon demo

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev-ready: requirements-dev.lock $(VENV)/.ready
	$(PIP) install --require-hashes -r requirements-dev.lock
	touch $@

test: $(VENV)/.dev-ready  ## the whole suite; what needs a missing service says so when it skips
	$(BIN)/python -m pytest -n 3 --dist worksteal

check: $(VENV)/.dev-ready  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

accept: $(VENV)/.dev-ready  ## every bar of the project in full (about 40 minutes on two cores)
	$(BIN)/python -m benchmarks.accept

bench: $(VENV)/.dev-ready  ## what a call and an evaluation cost, beside plain loops and other tools (about 10 minutes)
	$(BIN)/python -m benchmarks.wire
	-$(BIN)/python -m benchmarks.engine
	-$(BIN)/python -m benchmarks.engine --production
	$(BIN)/python -m benchmarks.faults

lock:  ## pin every dependency with its hashes (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
