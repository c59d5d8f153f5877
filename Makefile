# `make demo` is the place to start; `make help` lists the rest.

VENV   := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
DEMO   := $(VENV)/.installed-demo
DEV    := $(VENV)/.installed-dev
JOBS   ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench docs clean distclean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

$(DEMO) $(DEV): $(VENV)/.installed-%: pyproject.toml
	@PYTHON="$(PYTHON)" tools/setup.sh $*

setup: $(DEV)  ## Make .venv with everything for development

demo: $(DEMO)  ## Train a convolutional network on handwritten digits
	@$(VENV)/bin/millstream run examples/mnist_deep.py

test: $(DEV)  ## Run the tests
	@$(PYTHON_IN_VENV) -m pytest -q -n $(JOBS)

check: $(DEV)  ## Lint, format, types, layers, generated tables
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(PYTHON_IN_VENV) -m millstream.tools.gen_api --check
	$(VENV)/bin/pyright

format: $(DEV)  ## Format the sources
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(DEV)  ## Measure speed; BENCH="--peer tf2=/path/to/python" compares
	@$(PYTHON_IN_VENV) benchmarks/run.py $(BENCH)

docs: $(DEV)  ## Build the manual into site/
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet
	@echo "site/index.html"

clean:  ## Remove what was built
	rm -rf build dist site out .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean  ## Remove the virtual environment too
	rm -rf $(VENV) .setup
