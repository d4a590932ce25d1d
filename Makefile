# Two targets do everything on a fresh Debian or Ubuntu: `make demo` and `make test`.
# Each makes what it needs in .venv, from the lock file; nothing outside this folder changes,
# but for Debian's python3-venv where Python comes without it.

SHELL := /bin/bash
VENV := .venv
NABU := .venv-nabu
PYTHON := $(VENV)/bin/python
SOURCES := $(shell find src definitions configs schemas -type f -not -name '*.pyc') pyproject.toml README.md
DEMO := nxscribe-demo

.PHONY: demo test test-all reconstruct kills fuzz schemas check lint types imports tests lock clean

demo: $(VENV)/.package
	@$(VENV)/bin/nxscribe demo --output $(DEMO)

test: check
	$(PYTHON) -m pytest -n 2 --dist loadscope -m 'not long and not soak' --cov --cov-report=term:skip-covered

# With nabu's reconstruction, wherever nabu can be installed: it wants a compiler and OpenCL's headers from Debian. Last,
# since it takes all processors.
test-all: check
	$(PYTHON) -m pytest -n 2 --dist loadscope -m 'not soak' --cov --cov-report=term:skip-covered
	@if timeout 400 $(MAKE) --no-print-directory $(NABU)/.installed; then $(MAKE) --no-print-directory reconstruct; \
	    else echo 'nabu cannot be installed here: the proof by its reconstruction is left out' >&2; fi

# The ESRF's nabu reconstructs the simulated tomography from its master alone.
reconstruct: $(VENV)/.package $(NABU)/.installed
	NABU=$(abspath $(NABU))/bin/nabu $(PYTHON) -m pytest tests/techniques/test_reconstruction.py

# Daemon and writer killed 500 times (KILLS=n for another number): half an hour or more.
kills: $(VENV)/.package
	NXSCRIBE_KILLS=$(or $(KILLS),500) $(PYTHON) -m pytest tests/faults/test_kills.py -m soak -s

check: lint types imports

lint: $(VENV)/.package
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.package
	$(VENV)/bin/mypy

imports: $(VENV)/.package
	$(VENV)/bin/lint-imports

# What editors know of config and definitions, from the readers' own tables; the XSD knows the ESRF's fields by name.
schemas: $(VENV)/.dependencies
	PYTHONPATH=src $(PYTHON) -m nxscribe.service.schemas schemas $$(find $(VENV) -name hdf5_cfg.xml)

# Both dialects' readers against mutated definitions; atheris is made for the running Python where it has no wheel.
FUZZ_S := 3600
fuzz: $(VENV)/.package
	test -x build/fuzz/bin/python || $(PYTHON) -m venv build/fuzz
	build/fuzz/bin/python -m pip install --quiet atheris pyyaml msgspec numpy pint
	PYTHONPATH=src build/fuzz/bin/python tests/fuzz/readers.py build/corpus build/findings \
	  $$(find definitions configs tests/fuzz/found -name '*.xml' -o -name '*.yaml') \
	  $$(find $(VENV) -name hdf5_cfg.xml) -- \
	  -max_total_time=$(FUZZ_S) -max_len=20000 -timeout=30 -rss_limit_mb=1500 -dict=tests/fuzz/dialects.dict

lock: $(VENV)/.dependencies
	$(PYTHON) -m pip install --quiet uv
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --custom-compile-command "make lock" --all-extras --group dev pyproject.toml -o requirements/dev.lock
	printf 'nabu\npyopencl[pocl]\npyvkfft\n' | VKFFT_BACKEND=opencl $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --custom-compile-command "make lock" - -o requirements/nabu.lock

clean:
	rm -rf $(VENV) $(NABU) $(DEMO) build dist

# --- what the targets above stand on ---

# Debian splits venv off Python: then, and only then, a package is installed.
$(VENV)/bin/python:
	@python=$$(for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done); \
	test -n "$$python" || { echo "nxscribe needs Python 3.11 or later, and found none: apt-get install python3" >&2; exit 1; }; \
	$$python -c 'import ensurepip' 2>/dev/null || { \
	    sudo=$$(test $$(id -u) = 0 || echo sudo); \
	    $$sudo apt-get update -qq && $$sudo apt-get install -y -qq python3-venv; }; \
	$$python -m venv $(VENV)

$(VENV)/.dependencies: requirements/dev.lock | $(VENV)/bin/python
	@echo 'Installing the locked dependencies into $(VENV), once'
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Apart, for nothing else needs it. Its Fourier transform, pyvkfft, is built here, against OpenCL's headers.
$(NABU)/.installed: requirements/nabu.lock | $(VENV)/bin/python
	@echo 'Installing nabu into $(NABU), once'
	@echo '#include <CL/cl.h>' | g++ -xc++ - -shared -fPIC -lOpenCL -o /dev/null 2>/dev/null || { \
	    sudo=$$(test $$(id -u) = 0 || echo sudo -n); export DEBIAN_FRONTEND=noninteractive; \
	    $$sudo apt-get update -qq && \
	    $$sudo apt-get install -y -qq --no-install-recommends g++ opencl-headers ocl-icd-opencl-dev >/dev/null; }
	@$(PYTHON) -m venv $(NABU)
	@VKFFT_BACKEND=opencl $(NABU)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.package: $(VENV)/.dependencies $(SOURCES)
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall .
	@touch $@
