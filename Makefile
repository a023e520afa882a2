# `make demo` and `make test` each set up all they need in .venv, from pyproject.toml.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test check bench clean

demo: $(VENV)/core
	$(BIN)/skyscript demo

test: $(VENV)/readers
	$(BIN)/pytest

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/readers
	$(BIN)/pytest -m bench -s tests/bench

$(VENV)/core: pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/dev: $(VENV)/core
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

# The libraries whose readers must load what we write, and the models' own; torch makes this long.
$(VENV)/readers: $(VENV)/dev
	$(BIN)/pip install --quiet --editable '.[dev,readers,train,laion,vocab]'
	touch $@

clean:
	rm -rf $(VENV) skyscript-demo
