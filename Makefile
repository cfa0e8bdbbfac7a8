# One word a verb. On a fresh Debian 12 with Python 3.11, `make run` and `make test` need nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check fix bench lock clean

run: $(VENV)/.run
	$(BIN)/antiphon serve $(ARGS)

test: $(VENV)/.dev
	@command -v chromium >/dev/null || sh tests/install-chromium.sh
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python bench/understanding.py $(ARGS)

# What each package is, by hash; no index is named, so any mirror serves.
lock: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --generate-hashes --universal --no-header --no-annotate --no-emit-index-url -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --generate-hashes --universal --no-header --no-annotate --no-emit-index-url -o requirements-dev.lock

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || (command -v apt-get >/dev/null && sh tests/apt-install.sh python3-venv && $(PYTHON) -m venv $(VENV))

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	printf '%s\n' "$(CURDIR)" > $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/antiphon.pth
	printf '#!%s\nfrom server.cli import main\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/antiphon
	chmod +x $(BIN)/antiphon
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@
