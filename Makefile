# Everything runs from a fresh clone with Python 3.11, make and a package index.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# One thread per process: results depend on the number of threads, and tests run in two processes.
export OMP_NUM_THREADS ?= 1

# The plainest instructions of every numerical library: sums are rounded as on another processor.
OTHER_PROCESSOR := ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE OPENBLAS_CORETYPE=Nehalem

.DEFAULT_GOAL := help
.PHONY: help demo test test-numerics test-slow test-durability bench docs format clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs]'
	touch $@

demo: $(STAMP)  ## design molecules with a gap of 2.0-2.5 eV; writes demo_out/report.html
	$(BIN)/bayesmat demo

test: $(STAMP)  ## format, lint, types, fast tests with doctests, the README at smoke size
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	SMOKE_TEST=1 $(BIN)/python -m pytest -n 2 -m 'not slow'

test-numerics: $(STAMP)  ## the fast tests with the vector instructions of another processor
	SMOKE_TEST=1 $(OTHER_PROCESSOR) $(BIN)/python -m pytest -n 2 -m 'not slow'

test-slow: $(STAMP)  ## statistical tests: calibration, samplers against exact answers; the notebooks
	$(BIN)/python -m pytest -n 2 -m slow

test-durability: $(STAMP)  ## a campaign under SIGKILL, many writers, a full disk and damaged files
	$(BIN)/python -m benchmarks.durability --quick

bench: $(STAMP)  ## quick benchmarks; full ones: python -m benchmarks.NAME
	$(BIN)/python -m benchmarks.spine --quick
	$(BIN)/python -m benchmarks.campaign --quick
	$(BIN)/python -m benchmarks.inference --quick
	$(BIN)/python -m benchmarks.fits --quick
	$(BIN)/python -m benchmarks.calibration --quick
	$(BIN)/python -m benchmarks.conditions --quick
	$(BIN)/python -m benchmarks.functions --quick
	$(BIN)/python -m benchmarks.recipes --quick
	$(BIN)/python -m benchmarks.transfer --quick
	$(BIN)/python -m benchmarks.nuts --quick

docs: $(STAMP)  ## build the manual into site/, warnings are errors
	$(BIN)/mkdocs build --strict

format: $(STAMP)  ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove everything that make created
	rm -rf $(VENV) site demo_out build dist .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
