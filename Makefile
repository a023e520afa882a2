# `make demo` and `make test` each set up all they need in .venv, from pyproject.toml.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

# As many test processes as there are processors; a file's tests stay together, as do its fixtures.
# Files with many slow tests come first (tests/conftest.py), not those with many tests.
# Modules are compiled once, not by each process: most tests of the command line start one.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-fast coverage check bench docs azurite clean

demo: $(VENV)/core
	$(BIN)/skyscript demo

test: $(VENV)/readers
	$(PYTEST)

# Without whole runs, trainings, services with faults and whatever takes more than half a second.
test-fast: $(VENV)/readers
	$(PYTEST) -m 'not slow and not online and not gpu and not bench'

# The whole suite, and what of the code it runs, branches included; fails under 90 %.
coverage: $(VENV)/readers
	$(PYTEST) --cov --cov-report=term

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/readers
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/pytest -m bench -s tests/bench
	$(BIN)/python -m tests.bench.table

docs: $(VENV)/docs
	$(BIN)/mkdocs build

# Microsoft's emulator of Azure's storage, for the tests that are skipped without it; needs npm.
azurite:
	npm install --silent --no-audit --no-fund --prefix $(VENV)/azurite azurite@3.37.0

$(VENV)/core: pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/dev: $(VENV)/core
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

# The libraries whose readers must load what we write, and the models' own; torch makes this long.
$(VENV)/readers: $(VENV)/dev
	$(BIN)/pip install --quiet --editable '.[dev,readers,train,laion,vocab,ray]'
	touch $@

$(VENV)/docs: $(VENV)/core
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) skyscript-demo
