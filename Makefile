# kbsync: from a clone and Python 3.11 or newer, nothing else prepared.
PYTHON ?= python3
VENV := .venv
# Commands of the tests wait for servers and disks, so more run at once than there are cores.
WORKERS ?= 6
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test image sim crash fuzz coverage bench lint types contracts docs pictures site dist clean distclean

help:
	@echo "make demo        mirror a folder into the embedded knowledge base, search it, mirror again"
	@echo "make test        run the test suite; KBSYNC_ALL_STORIES=1 asks second places too, as .ci/run does"
	@echo "make image       build the image, and run what its tests ask of it; as root, some minutes"
	@echo "make sim N=10000 play so many drawn histories against the engine, and name what broke"
	@echo "make crash       kill a first mirror of 500 documents 50 times, and count: KILLS=50 DOCUMENTS=500"
	@echo "make fuzz        fuzz every parser for SECONDS=60 each, guided by coverage"
	@echo "make coverage    measure branch coverage of planning and engine; under 98 % it fails"
	@echo "make bench       measure beside rsync, rclone and others: SIZE=toy|usual|full ROWS=daemon,... KEEP=folder PAGE=1"
	@echo "make lint        check style and format"
	@echo "make types       check types"
	@echo "make contracts   check which room imports which"
	@echo "make pictures    take pictures of the status page and of a terminal into build/shots, and those of docs/images"
	@echo "make docs        write docs/messages.md, the rooms of docs/design.md and the tables of other pages anew"
	@echo "make site        build the documentation into build/site; a broken link fails it"
	@echo "make dist        build the source package and the wheel into dist/, and check them"
	@echo "make clean       remove what tools left behind; make distclean: and $(VENV)"
	@echo "Another Python than $(PYTHON): make PYTHON=/path/to/python test"

demo: $(VENV)/.with-embedded
	$(BIN)/kbsync demo

# At first the tests are compiled once for all workers, which load them in a third of the time.
unexport PYTHONDONTWRITEBYTECODE
# The tests' folders are in memory where so many KiB are free; with all stories they are on the disk.
ROOM := 4194304
test: $(VENV)/.with-test
	-@[ -d tests/e2e/__pycache__ ] || $(BIN)/pytest --collect-only -qq >/dev/null
	@[ -n "$$KBSYNC_ALL_STORIES" ] || \
		echo "left out: what is marked once_a_change; to ask that too: KBSYNC_ALL_STORIES=1 make test"
	@free=$$(df --output=avail /dev/shm 2>/dev/null | tail -n 1); \
	if [ "$${free:-0}" -gt $(ROOM) ] && [ -z "$$TMPDIR$$KBSYNC_ALL_STORIES" ]; then \
		TMPDIR=$$(mktemp -d /dev/shm/kb-XXXXXX) && export TMPDIR && chmod 1777 "$$TMPDIR" && \
		trap 'rm -rf "$$TMPDIR"' EXIT INT TERM && set -- --basetemp "$$TMPDIR/t"; fi; \
	$(BIN)/pytest -n $(WORKERS) --dist worksteal "$$@"

image: $(VENV)/.with-test
	KBSYNC_IMAGE=1 $(BIN)/pytest -n 0 tests/deploy/test_image.py

# Histories of the simulator, from the first seed on: make sim N=10000 SEED=0; ends with a digest of all traces
N ?= 1000
SEED ?= 0
sim: $(VENV)/.with-test
	$(BIN)/python -m tests.sim --count $(N) --seed $(SEED) --digest

KILLS ?= 50
DOCUMENTS ?= 500
crash: $(VENV)/.with-test
	$(BIN)/python -m tests.crash --kills $(KILLS) --documents $(DOCUMENTS) --seed $(SEED)

SECONDS ?= 60
fuzz: $(VENV)/.with-fuzz
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

coverage: $(VENV)/.with-test
	$(BIN)/pytest -q -n 2 -p no:cacheprovider --timeout 600 \
		--cov=kbsync/planning --cov=kbsync/engine --cov-branch \
		--cov-report=term-missing:skip-covered --cov-fail-under=98 \
		tests/unit/planning tests/unit/engine tests/property/test_planner.py tests/golden/plan

# Figures of another version in the same run: BEFORE=/path/to/its/.venv/bin/python. PAGE=1 writes docs/performance.*
SIZE ?= usual
bench: $(VENV)/.with-bench
	$(BIN)/python -m benchmarks --size $(SIZE) $(if $(ROWS),--rows $(ROWS)) $(if $(RUNS),--runs $(RUNS)) \
		$(if $(KEEP),--keep $(KEEP)) $(if $(BEFORE),--before $(BEFORE)) $(if $(PAGE),--page)

lint: $(VENV)/.with-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.with-test
	$(BIN)/mypy

contracts: $(VENV)/.with-test
	$(BIN)/lint-imports

docs: $(VENV)/.with-test
	$(BIN)/python -m kbsync.messages > docs/messages.md.new
	mv docs/messages.md.new docs/messages.md
	$(BIN)/python -m tests.docs.rooms
	$(BIN)/python -m tests.docs.versions
	$(BIN)/python -m tests.docs.configuration
	$(BIN)/python -m tests.docs.commands
	$(BIN)/python -m benchmarks.page

# Every view of the status page and of a terminal, as their tests take them: into build/shots. Two are in docs.
pictures: $(VENV)/.with-test
	KBSYNC_SHOTS=$(CURDIR)/build/shots $(BIN)/pytest -n 0 -k "first_upload or what_is_seen" \
		tests/e2e/test_status_page.py tests/e2e/test_terminal_pictures.py
	mkdir -p docs/images
	cp build/shots/first-upload.png docs/images/status-page.png
	cp build/shots/halted.png docs/images/halted.png

site: $(VENV)/.with-docs
	$(BIN)/zensical build --strict

dist: $(VENV)/.with-test
	rm -rf dist share
	$(BIN)/python -m tests.packages.shared_files share
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

# A stamp is as new as the last installation, so only a changed pyproject.toml installs again.
$(VENV)/.with-%: pyproject.toml | $(BIN)/pip
	$(PIP) --editable '.[$*]'
	@touch $@

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { \
		echo "kbsync needs Python 3.11 or newer; there is no $(PYTHON) here." \
			"Next: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "kbsync needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Next: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "$(PYTHON) cannot make a virtual environment." \
			"Next: install its venv package (on Debian: apt-get install python3-venv)" >&2; exit 1; }

clean:
	rm -rf build dist share .cache bench.json .demo .fuzz .coverage .coverage.* .hypothesis .pytest_cache .mypy_cache .ruff_cache
	rm -rf .import_linter_cache *.egg-info
	find kbsync tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
