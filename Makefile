# make demo | test | test-long | lint | bench | clean. Each makes its environment in .venv first; nothing is done by hand.
VENV   ?= .venv
BIN    := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
RANKS  ?= 2
WORKERS ?= auto

# Open MPI refuses to run as root, or more ranks than cores, until told; other MPIs ignore these
export PRTE_MCA_rmaps_default_mapping_policy = :oversubscribe
ifeq ($(shell id -u),0)
export OMPI_ALLOW_RUN_AS_ROOT = 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM = 1
endif
# one thread a rank: the ranks are the parallelism
export OMP_NUM_THREADS = 1

.PHONY: demo test test-long lint bench clean

demo: $(VENV)/.demo
	$(BIN)/mpirun -n $(RANKS) $(BIN)/hybrid demo

# one worker a core; what starts ranks of its own comes afterwards, with all cores to itself
test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not long and not mpi"
	$(BIN)/python -m pytest -m "mpi and not long"

test-long: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not mpi"
	$(BIN)/python -m pytest -m mpi

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "hybrid needs Python 3.11, 3.12 or 3.13; install one, or give make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[demo]"
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	@touch $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[bench]"
	@touch $@

clean:
	rm -rf $(VENV) results .pytest_cache .mypy_cache .ruff_cache
