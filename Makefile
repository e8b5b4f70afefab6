# What a person types here. Everything stays in .venv; nothing else of the machine is touched,
# except that `make install` links the command, and that `make test` as root on Debian installs the
# packages that its tests need.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup up install wheel test lint docs bench soak parts

# The first that runs and is new enough: a version manager leaves names that do not run.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
    command -v "$$python" && break; done)
PIP := .venv/bin/python -m pip --disable-pip-version-check install --quiet
# With CI=true a test that cannot run is a failure.
CI ?= false
JOBS ?= 100
MINUTES ?= 5

help: ## say what can be made (this)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile
	echo "  Arguments go in ARGS: make up ARGS='--port 9000'"

setup: .venv/installed ## make .venv and install V-Asset into it

up: .venv/installed ## run all of V-Asset on this machine; Ctrl-C stops it
	@exec .venv/bin/vasset up $(ARGS)

# Where the shell looks: for all if that is writable, else for the user alone.
BIN ?= $(shell test -w /usr/local/bin && echo /usr/local/bin || echo "$$HOME/.local/bin")

install: .venv/installed ## put the command `vasset` on the PATH
	@mkdir -p "$(BIN)"
	ln -sfn "$(CURDIR)/.venv/bin/vasset" "$(BIN)/vasset"
	echo "$(BIN)/vasset"
	case ":$$PATH:" in
	    *":$(BIN):"*) ;;
	    *) echo "It is not on your PATH yet: export PATH=\"$(BIN):\$$PATH\"" ;;
	esac

wheel: .venv/bin/python ## build dist/vasset-*.whl, for pipx install
	@.venv/bin/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir dist .
	ls dist/vasset-*.whl

# Three processes, because most tests wait for others; each file stays in one, with its fixtures.
# In their own order, by which the long files of few tests are not the last.
test: .venv/tested parts ## run every test
	@exec .venv/bin/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/tested ## check form, types and the stairs of imports
	@.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/pyright
	.venv/bin/lint-imports
	.venv/bin/deno lint --quiet web/page/static

docs: .venv/installed ## write docs/configure.md anew, from settings.toml
	@.venv/bin/python -m vasset.reference > docs/configure.md.new
	mv docs/configure.md.new docs/configure.md

bench: .venv/measured parts ## measure, as docs/performance.md reports
	@exec .venv/bin/python -m benchmarks $(ARGS)

soak: .venv/tested parts ## let faults rain on a fleet under load: JOBS=500 MINUTES=25 SEED=1
	@exec .venv/bin/python -m tests.proof.soak --jobs $(JOBS) --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

.venv/bin/python:
	@if [ -z "$(PYTHON)" ]; then
	    echo "V-Asset needs Python 3.11 or later: make PYTHON=/path/to/python3 ..." >&2
	    exit 1
	fi
	# Debian keeps ensurepip, without which venv makes no pip, in a package of its own.
	if ! "$(PYTHON)" -c 'import ensurepip' 2>/dev/null; then
	    package="$$(basename "$(PYTHON)")-venv"
	    if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	        echo "Python's venv is missing: apt-get install $$package" >&2
	        exit 1
	    fi
	    apt-get update -qq
	    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$$package" >/dev/null
	fi
	"$(PYTHON)" -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing V-Asset into .venv (about a minute the first time)"
	$(PIP) -c constraints.txt -e .
	touch $@

.venv/tested: .venv/installed
	@echo "Installing what the tests need into .venv"
	$(PIP) -c constraints.txt -e '.[test]'
	touch $@

.venv/measured: .venv/tested
	@echo "Installing what is measured against into .venv"
	$(PIP) -c constraints.txt -e '.[bench]'
	touch $@

# What is no Python package (ffmpeg has a wheel): program and Debian's package. The tests start
# servers of their own, so those of the packages are kept from starting: policy-rc.d now, and
# `disable` at the next boot.
PROGRAMS := rabbitmq-server:rabbitmq-server nginx:nginx-light aria2c:aria2 wget:wget curl:curl \
    chromium:chromium rsync:rsync promtool:prometheus systemd-analyze:systemd pgbouncer:pgbouncer

parts:
	@missing=()
	for part in $(PROGRAMS); do
	    PATH="$$PATH:/usr/sbin:/usr/lib/rabbitmq/bin" command -v "$${part%:*}" >/dev/null ||
	        missing+=("$${part#*:}")
	done
	if [ "$${#missing[@]}" = 0 ]; then
	    exit 0
	fi
	if [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
	    policy=/usr/sbin/policy-rc.d
	    if [ ! -e "$$policy" ]; then
	        trap 'rm -f "$$policy"' EXIT
	        printf '#!/bin/sh\nexit 101\n' > "$$policy"
	        chmod 755 "$$policy"
	    fi
	    echo "Installing for the tests: $${missing[*]}"
	    if apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -qq -y --no-install-recommends "$${missing[@]}" >/dev/null; then
	        if command -v systemctl >/dev/null; then
	            for service in rabbitmq-server nginx prometheus; do
	                case " $${missing[*]} " in
	                    *" $$service"*) systemctl disable --quiet "$$service" 2>/dev/null || true ;;
	                esac
	            done
	        fi
	        exit 0
	    fi
	fi
	echo "left out: the tests that need $${missing[*]} (apt-get install $${missing[*]})"
	[ "$(CI)" != true ]
