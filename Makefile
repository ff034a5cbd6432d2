# `make demo` and `make test` each set up everything they need, on Debian 12 with Python 3.11+ and make.
.DELETE_ON_ERROR:
.SHELLFLAGS = -eu -c
PYTHON ?= python3
BIN := .venv/bin
CAMERA ?= replay
JOBS ?= 2

.PHONY: help setup demo test lint format bench soak lock clean
help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/ready  ## .venv with gate-scanner and ledger-node in it, from the hashed lock
.venv/ready: requirements/dev.lock setup.cfg pyproject.toml requirements/setup.sh
	PYTHON=$(PYTHON) sh requirements/setup.sh
	touch $@

demo: setup  ## two gates, a show of 12,500 seats, eight kinds of trouble; CAMERA=0 uses your webcam
	$(BIN)/python -m tests.show.demo --camera $(CAMERA)

test: setup  ## every test, in random order
	$(BIN)/python -m pytest -n $(JOBS) -m "not soak"

lint: setup  ## style, format, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

format: setup  ## what lint would complain about, mended where a tool can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## every figure beside the limit measured in the same run
	$(BIN)/python -m benchmarks

soak: setup  ## the long ones: kill -9 at every moment, hours of scans
	$(BIN)/python -m pytest -n $(JOBS) -m soak --timeout 3600

lock: setup  ## solve the dependencies anew, for both machines and both Pythons
	sh requirements/lock.sh

clean:  ## forget the environment and what the demo wrote
	rm -rf .venv .demo build *.egg-info
