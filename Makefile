# Everything a person does here by hand; `make` alone lists it. Needs Python 3.11 or newer and nothing else: browser
# tests are left out, with a line that says so, where there is no Chromium.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DURATION ?= 60
SEED ?= 1
MINUTES ?= 1
PYTEST_ARGS ?=
TRAIN_ARGS ?=
BENCH_ARGS ?=
ARCHIVE_ARGS ?=
EVENT_ARGS ?=
BENCH ?= fanout latency idle ingest storm stall members ceremony translate overload archive moderation

# One stamp for each set of requirements; older than pyproject.toml, it is made anew.
RUN_READY := $(VENV)/.ready-run
TEST_READY := $(VENV)/.ready-test
TRAIN_READY := $(VENV)/.ready-train

# pip says a line for each package it collects; on a terminal they overwrite each other, elsewhere they are left out.
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off
SHOW := awk -v tty="$$([ -t 1 ] && echo 1 || true)" \
  '/^(Collecting|Building|Installing)/ && tty {printf "\r\033[K  %3d  %.70s", ++n, $$0; fflush()} END {if (tty) printf "\r\033[K"}'

.DEFAULT_GOAL := help
.PHONY: help run test event bench fast lint docs kill-test kill-test-cluster bench-idle bench-ceremony bench-fanout bench-latency bench-ingest bench-storm bench-stall bench-members bench-rooms bench-capacity bench-translate bench-archive bench-moderation bench-overload screenshots train train-tiny evaluate everyday clean

help:  ## list these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  DIQIUCUN_PORT and DIQIUCUN_DATA_DIR choose port and data directory of make run; docs/settings.md has more."

run: $(RUN_READY)  ## start everything on this machine and print an invitation
	@exec $(BIN)/diqiucun up

# Tests start hundreds of processes and rewrite four hundred modules: what is compiled is kept, whatever the environment
# says, or each of them compiles the product and pytest's plugins again. `make clean` removes it.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(TEST_READY)  ## format, lint, types and all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	# The REST tests wait for nobody and keep no clock: they run beside mypy, and both must succeed. By themselves, since
	# their tests share names: workers would run one.
	@$(BIN)/python -m pytest -q tests/gateway/test_openapi.py & beside=$$!; trap 'kill $$beside 2>/dev/null || true' EXIT; \
	  status=0; $(BIN)/mypy || status=$$?; wait $$beside || status=$$?; exit $$status
	# The tests in the browser wait for it half of their time: they run beside all the others, and tell when those are
	# through. Their status 5: there is no Chromium, none was run.
	@told=$$(mktemp); $(BIN)/python -m pytest -q -p tests.support.chromium tests/browser > $$told 2>&1 & beside=$$!; \
	  trap 'kill $$beside 2>/dev/null && wait $$beside || true; rm -f $$told' EXIT; status=0; \
	  $(BIN)/python -m pytest -n 2 --dist loadgroup --ignore tests/gateway/test_openapi.py --ignore tests/browser \
	    $(PYTEST_ARGS) || status=$$?; \
	  wait $$beside || { other=$$?; [ $$other -eq 5 ] || status=$$other; }; cat $$told; exit $$status

fast: $(TEST_READY)  ## only the tests without processes, engine or browser
	$(BIN)/python -m pytest -q -m "not engine and not system and not browser and not slow" $(PYTEST_ARGS)

lint: $(TEST_READY)  ## format and lint the sources, check types
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy

docs: $(TEST_READY)  ## write again what is generated in docs/
	$(BIN)/diqiucun docs docs
	$(BIN)/python -m chat.asyncapi
	$(BIN)/python -m translator.slang > docs/slang.md
	$(BIN)/python -m chat.naming tests/data/names-foreign.txt tests/data/names-chinese.txt > docs/names.md

kill-test: $(TEST_READY)  ## kill processes at random while people chat, count what was lost (DURATION=60 SEED=1)
	$(BIN)/python -m loadtest.killtest --duration $(DURATION) --seed $(SEED)

kill-test-cluster: $(TEST_READY)  ## the same on five machines (network namespaces; root) with a cluster of engines
	$(BIN)/python -m loadtest.killtest_cluster --duration $(DURATION) --seed $(SEED)

# One after the other, each alone on the machine; a part that misses its bar does not keep the others from running.
bench: $(TEST_READY)  ## all benches, one after the other; build/bench/*.json (BENCH="fanout idle" for some)
	@missed=; for part in $(BENCH); do echo "== $$part"; $(MAKE) --no-print-directory bench-$$part || missed="$$missed $$part"; done; \
	[ -z "$$missed" ] || { echo "short of their bars:$$missed"; exit 1; }

bench-idle: $(TEST_READY)  ## memory and processor of idle connections
	$(BIN)/python -m loadtest.bench.idle

bench-ingest: $(TEST_READY)  ## durable posts a second that one gateway process acknowledges
	$(BIN)/python -m loadtest.bench.ingest $(BENCH_ARGS)

bench-storm: $(TEST_READY)  ## 5,000 members lose their connection at once and come back
	$(BIN)/python -m loadtest.bench.storm

bench-stall: $(TEST_READY)  ## one reader in a hundred stops reading (MINUTES=1)
	$(BIN)/python -m loadtest.bench.stall --minutes $(MINUTES)

bench-members: $(TEST_READY)  ## 10,000 members in one room of one process
	$(BIN)/python -m loadtest.bench.members

bench-rooms: $(TEST_READY)  ## 100,000 members in rooms of a hundred on several processes (BENCH_ARGS="--members 40000")
	$(BIN)/python -m loadtest.bench.rooms $(BENCH_ARGS)

bench-capacity: $(TEST_READY)  ## members and posts against processor, memory and latency, for docs/capacity.md (BENCH_ARGS=--draw)
	$(BIN)/python -m loadtest.bench.capacity $(BENCH_ARGS)

bench-ceremony: $(TEST_READY)  ## 5,000 voters within a minute in a live room
	$(BIN)/python -m loadtest.bench.ceremony

bench-fanout: $(TEST_READY)  ## one room, many readers: against other servers and a loop in C (BENCH_ARGS; Linux, cc, node)
	$(BIN)/python -m loadtest.bench.fanout $(BENCH_ARGS)

bench-latency: $(TEST_READY)  ## how late 20,000 deliveries a second are heard, beside other servers (BENCH_ARGS)
	$(BIN)/python -m loadtest.bench.latency $(BENCH_ARGS)

event: $(TEST_READY)  ## an evening with 5,000 people, simulated (EVENT_ARGS="--people 500 --speed 4")
	$(BIN)/python -m loadtest.event $(EVENT_ARGS)

bench-translate: $(TEST_READY)  ## chat lines a second, against argostranslate and LibreTranslate
	$(BIN)/python -m loadtest.bench.translate

bench-archive: $(TEST_READY)  ## a million messages in a room: engine memory, pages of history, archivers killed (ARCHIVE_ARGS=--short)
	$(BIN)/python -m tests.bench.archive $(ARCHIVE_ARGS)

bench-moderation: $(TEST_READY)  ## what word lists of 10, 100 and 10,000 terms cost a message
	$(BIN)/python -m tests.bench.moderation

bench-overload: $(TEST_READY)  ## readers of originals while the translator has three times what it can do
	$(BIN)/python -m loadtest.bench.overload

screenshots: $(TEST_READY)  ## take the pictures of docs/ again (needs Chromium)
	$(BIN)/python -m tests.browser.screenshots
	$(BIN)/python -m tests.browser.clip

train: $(TRAIN_READY)  ## train a translation package (TRAIN_ARGS="--data DIR --out DIR"; docs/training.md)
	$(BIN)/python -m translator.training $(TRAIN_ARGS)

train-tiny: $(TRAIN_READY)  ## the same on a small corpus: two minutes, to see that the recipe runs
	$(BIN)/python -m translator.training --tiny --out data/training-tiny $(TRAIN_ARGS)

evaluate: $(TEST_READY)  ## how well pairs are translated here (FILE=pairs.tsv FROM=zh TO=en)
	$(BIN)/python -m translator.evaluate $(FILE) $(FROM) $(TO)

everyday: $(TEST_READY)  ## everyday chat lines through the packages here, as a table (docs/everyday.md)
	$(BIN)/python -m translator.everyday

clean:  ## remove the virtual environment and caches; data stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
	  { echo "'$(PYTHON)' was not found. Install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$$($(PYTHON) --version) is too old; 3.11 or newer is needed. If there is one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(RUN_READY): pyproject.toml | $(BIN)/python
	@echo "Installing what Diqiucun needs: once, a minute or two"
	@$(PIP) --editable . | $(SHOW)
	@touch $@

$(TEST_READY): pyproject.toml | $(BIN)/python
	@echo "Installing what Diqiucun and its tests need: once, a minute or two"
	@$(PIP) --editable '.[test]' | $(SHOW)
	@touch $@ $(RUN_READY)

$(TRAIN_READY): pyproject.toml | $(BIN)/python
	@echo "Installing what training needs: PyTorch is large, this takes minutes"
	@$(PIP) --editable '.[train]' | $(SHOW)
	@touch $@ $(RUN_READY)
