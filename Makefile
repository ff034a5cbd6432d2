# `make demo` and `make test` each set up what they need, on Debian 12 or 13 with Python 3.11+ and make.
.DELETE_ON_ERROR:
.SHELLFLAGS = -eu -c
export PYTHON ?= python3
BIN := .venv/bin
CAMERA ?= replay
FOLDER ?= .demo
JOBS ?= 2

.PHONY: help setup demo test lint format fresh bench matrix model soak vm lock clean
help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## .venv with gate-scanner, ledger-node, the tools and a browser, from the hashed locks
	@sh requirements/setup.sh dev

demo:  ## two gates, a show of 12,500 seats, eight kinds of trouble; CAMERA=0: your webcam, FOLDER=/a/new/one: not in .demo
	@sh requirements/setup.sh demo
	@$(BIN)/python -m tests.show --camera $(CAMERA) --folder "$(FOLDER)"

test: setup  ## every test, in random order
	$(BIN)/python -m pytest -n $(JOBS) -m "not soak and not machine"

fresh: setup  ## both commands on a bare Debian 12 that has never seen this project; needs root
	$(BIN)/python -m pytest --capture=no -m "machine and not soak"

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

matrix: setup  ## the tests on Debian 12 and 13, x86-64 and emulated arm64, and on the next Python; needs root
	$(BIN)/python -m tests.machines.matrix --jobs $(JOBS) $(MACHINES)

model:  ## the protocols, searched with an intruder on the network; needs the package maude
	@$(PYTHON) docs/model/check.py

soak: setup  ## the long ones: kill -9 at every moment, hours of scans
	$(BIN)/python -m pytest -n $(JOBS) -m soak --timeout 3600

vm: setup  ## the installed gate on an emulated PC with simulated pins, as root; in `make soak` too
	$(BIN)/python -m tests.vm

lock: setup  ## solve the dependencies anew, for both machines and both Pythons
	sh requirements/lock.sh

clean:  ## forget the environment and what the demo wrote
	rm -rf .venv .demo build *.egg-info
