# One command for each job; `make help` lists them. Everything lives in .venv and var/.
# The fastest suitable Python of this machine, unless one is named: make setup PYTHON=python3.12
PYTHON ?= $(shell python3 -m scripts.interpreter)
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= 2
COMMA  := ,
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK   := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
          --no-emit-index-url --no-emit-find-links --quiet pyproject.toml

.DEFAULT_GOAL := help
.PHONY: $(shell grep -ohE '^[a-z][a-z-]*:' $(MAKEFILE_LIST) | tr -d :)

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 22

$(VENV)/.core: requirements.txt pyproject.toml
	@echo "Setting up $(VENV) from requirements.txt (pinned, hashed) ..."
	@test -x $(BIN)/python || { python="$(PYTHON)"; test -n "$$python" && \
	    echo "Making it with $$python ..." && "$$python" -m venv $(VENV); }
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@echo "Done. In this shell: source $(VENV)/bin/activate   - then \`shortstop\` is a command."
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.core
	@echo "Adding the developers' tools from requirements-dev.txt ..."
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.ner: requirements-ner.txt $(VENV)/.core
	@echo "Adding the reader of names from requirements-ner.txt ..."
	@$(PIP) --require-hashes -r requirements-ner.txt
	@touch $@

$(VENV)/.docs: requirements-docs.txt $(VENV)/.core
	@echo "Adding the documents' generator from requirements-docs.txt ..."
	@$(PIP) --require-hashes -r requirements-docs.txt
	@touch $@

$(VENV)/.learn: requirements-learn.txt $(VENV)/.core
	@echo "Adding what learning needs from requirements-learn.txt ..."
	@$(PIP) --require-hashes -r requirements-learn.txt
	@touch $@

$(VENV)/.adapter: requirements-adapter.txt $(VENV)/.learn
	@echo "Adding what trains adapters from requirements-adapter.txt ..."
	@$(PIP) --require-hashes -r requirements-adapter.txt
	@touch $@

$(VENV)/.postgres: requirements-postgres.txt $(VENV)/.core
	@echo "Adding what speaks to PostgreSQL from requirements-postgres.txt ..."
	@$(PIP) --require-hashes -r requirements-postgres.txt
	@touch $@

postgres: $(VENV)/.postgres ## the extra for stores in PostgreSQL (psycopg)

$(VENV)/.lake: requirements-lake.txt $(VENV)/.core
	@echo "Adding what writes Parquet, and PostgreSQL, from requirements-lake.txt ..."
	@$(PIP) --require-hashes -r requirements-lake.txt
	@touch $@

lake: $(VENV)/.lake ## the extras for content in Parquet files (pyarrow), and for PostgreSQL

learn: $(VENV)/.learn ## the extra that specialists need (ONNX runtime, scikit-learn, crfsuite)

adapter: $(VENV)/.adapter ## the extra that trains adapters of the local model (PyTorch, PEFT: gigabytes)

ner: $(VENV)/.ner ## the extra that reads names before an escalation (spaCy and a 13 MB model)

setup: $(VENV)/.core ## virtual environment with everything that serving and the demo need

encoder: $(VENV)/.learn ## fetch the sentence encoder that specialists learn with (23 MB, sha256 checked)
	@$(BIN)/shortstop pull minilm-l6

model: setup ## fetch the default model (98 MB, sha256 checked)
	@$(BIN)/shortstop pull

demo: model encoder ## two days of a small company and the night between: under five minutes
	@$(BIN)/python -m bench.demo

serve: model ## run the gateway on http://127.0.0.1:8484
	@$(BIN)/shortstop serve

lint: $(VENV)/.dev ## ruff: style and formatting
	@$(BIN)/ruff check src tests bench scripts
	@$(BIN)/ruff format --check src tests bench scripts

types: $(VENV)/.dev ## mypy, strict
	@$(BIN)/mypy

# Workers must find the same tests in the same order, whatever the order of a set.
test: lint types model $(VENV)/.ner ## everything that CI runs: linters, types, import rule, tests
	@PYTHONHASHSEED=0 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

site: $(VENV)/.docs ## the documents as a site with search, in var/site; any broken link is an error
	@$(BIN)/zensical build --strict

airgap: $(VENV)/.dev model ## every test without a network, attempts to connect recorded (TESTS=tests/server)
	@$(BIN)/python -m scripts.airgap $(TESTS)

fuzz-privacy: $(VENV)/.dev ## search for leaks at random (MINUTES=10, SEED=...)
	@$(BIN)/python -m tests.fuzz_privacy --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

# One resolution: the developers' tools narrow the most, and the other files take their versions.
reference: $(VENV)/.dev ## write docs/reference from the code
	@$(BIN)/python -m scripts.reference

var/helm/.done: scripts/chart/requirements.txt
	@test -x var/helm/bin/python || $(BIN)/python -m venv var/helm
	@echo "Adding Helm's own renderer and Kubernetes' schemas to var/helm (98 MB) ..."
	@var/helm/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    -r scripts/chart/requirements.txt
	@touch $@

chart: $(VENV)/.dev var/helm/.done ## render the Helm chart, write deploy/kubernetes and the chart's README
	@var/helm/bin/python -m scripts.chart.schemas
	@var/helm/bin/python -m scripts.chart.render
	@$(BIN)/python -m scripts.chart.readme

lock: ## resolve again and write the hashed requirements files (needs uv)
	@$(LOCK) --extra demo --extra build --extra learn --extra postgres --extra dev \
	    -o requirements-dev.txt
	@$(LOCK) --extra demo --extra build --constraint requirements-dev.txt -o requirements.txt
	@$(LOCK) --extra demo --extra build --extra ner --constraint requirements-dev.txt \
	    -o requirements-ner.txt
	@$(LOCK) --extra demo --extra build --extra postgres --constraint requirements-dev.txt \
	    -o requirements-postgres.txt
	@$(LOCK) --extra demo --extra build --extra postgres --extra lake \
	    --constraint requirements-dev.txt -o requirements-lake.txt
	@$(LOCK) --extra demo --extra build --extra learn --constraint requirements-dev.txt \
	    -o requirements-learn.txt
	@$(LOCK) --extra demo --extra build --extra learn --extra adapter \
	    --constraint requirements-dev.txt -o requirements-adapter.txt
	@$(LOCK) --extra release --constraint requirements-dev.txt -o requirements-release.txt
	@$(LOCK) --extra docs --constraint requirements-dev.txt -o requirements-docs.txt

kernels: $(VENV)/.dev ## a wheel of CPU modules for the engine, from its own source: SDIST=FILE, VARIANTS=
	@$(BIN)/shortstop engine build --out kernels/src/shortstop_kernels \
	    --variants $(or $(VARIANTS),haswell$(COMMA)zen4$(COMMA)sapphirerapids) $(if $(SDIST),--sdist $(SDIST))
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist ./kernels
	@ls dist/shortstop_kernels-*.whl

bench-overhead: model ## what the gateway adds to an instant upstream
	@$(BIN)/python -m bench.overhead

bench-local: model ## latency of short tasks on the embedded engine
	@$(BIN)/python -m bench.local_latency

bench-memory: model ## where the gateway's memory goes (BEFORE=CHECKOUT with its own .venv)
	@$(BIN)/python -m bench.memory $(if $(BEFORE),--before $(BEFORE))

bench-gateway: model ## side by side with nginx, LiteLLM, Portkey, TensorZero and Switchyard
	@$(BIN)/python -m bench.gateway

bench-attacks: $(VENV)/.dev ## what another tenant notices of each attack (ONLY=name)
	@$(BIN)/python -m bench.attacks $(if $(ONLY),--only $(ONLY))

bench-company: $(VENV)/.dev encoder model ## a company's days and nights: QUICK=1, MIX=, DATA=DIR, JSON=FILE, SEED=
	@$(BIN)/python -m bench.company $(if $(QUICK),--quick) $(if $(MIX),--mix $(MIX)) \
	    $(if $(DATA),--data $(DATA)) $(if $(JSON),--json $(JSON)) $(if $(SEED),--seed $(SEED))

bench-learning: $(VENV)/.dev encoder ## specialists on open data: SUBJECT=labels, DATA=DIR, JSON=FILE
	@$(BIN)/python -m bench.learning $(SUBJECT) $(if $(DATA),--data $(DATA)) \
	    $(if $(JSON),--json $(JSON))

bench-adapter: model ## an adapter trained a full epoch, where there is a CUDA device: SUBJECT=, ARGS=
	@$(BIN)/python -m bench.adapter $(SUBJECT) $(ARGS)

bench-tracer: $(VENV)/.dev encoder ## label tasks beside TRACER in a virtual environment of its own
	@test -x var/tracer/bin/python || $(BIN)/python -m venv var/tracer
	@var/tracer/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    -r bench/peers/tracer.txt
	@$(BIN)/python -m bench.company.tracer

bench-tools: model ## tool calls of the embedded model: valid, right, how fast
	@$(BIN)/python -m bench.tools

bench-privacy: $(VENV)/.dev ## detection, false pins and speed on the open data
	@$(BIN)/shortstop bench privacy

soak: $(VENV)/.dev ## an hour of mixed load: memory, slots, rows (MINUTES=60)
	@$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),60)

bench-presidio: $(VENV)/.ner ## spans found, side by side with Presidio in a virtual environment of its own
	@test -x var/presidio/bin/python || $(BIN)/python -m venv var/presidio
	@var/presidio/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    -r bench/peers/presidio.txt
	@$(BIN)/python -m bench.presidio

compat: $(VENV)/.dev ## real clients against a real gateway; writes docs/compatibility.md
	@$(BIN)/python -m bench.compat

bench-setup: ## a fresh clone's set-up: seconds and bytes
	@python3 -m bench.setup

bench-newcomer: ## README and the wheel's guide, word for word in a fresh clone (DEMO=1: the demo as well)
	@python3 -m bench.newcomer $(if $(DEMO),--demo)

tutorial: ## docs/tutorial.md, word for word in a fresh clone
	@python3 -m bench.newcomer --tutorial

bench-readability: $(VENV)/.dev ## Flesch's reading ease of README, tutorial and explanation
	@$(BIN)/python -m bench.readability

bench-backtest: $(VENV)/.dev encoder ## a log of 100,000 rows: seconds and memory (ROWS=, JSON=FILE)
	@$(BIN)/python -m bench.backtest $(if $(ROWS),--rows $(ROWS)) $(if $(JSON),--json $(JSON))

bench-console: $(VENV)/.dev ## the console's pages over a million rows (ROWS=1000000 STREET=1)
	@$(BIN)/python -m bench.console $(if $(ROWS),--rows $(ROWS)) $(if $(STREET),--street)

bench-budget-race: $(VENV)/.dev ## three gateways on one PostgreSQL race for a budget (STALL=60 REQUESTS=25000)
	@$(BIN)/python -m bench.budget_race $(if $(STALL),--stall $(STALL)) \
	    $(if $(REQUESTS),--requests $(REQUESTS))

screenshots: $(VENV)/.dev ## write docs/img/*.png of the console with a browser (needs Chromium)
	@$(BIN)/python -m scripts.screenshots

bench-slow-database: $(VENV)/.dev ## requests while the shared database is slow, away, silent (SECONDS=20 BEFORE=COMMIT)
	@$(BIN)/python -m bench.slow_database $(if $(SECONDS),--seconds $(SECONDS)) \
	  $(if $(BEFORE),--before $(BEFORE))

bench-scale-out: $(VENV)/.dev ## one gateway against three on one PostgreSQL: requests, CPU and statements of each
	@$(BIN)/python -m bench.scale_out

bench-upgrade: $(VENV)/.dev ## two releases on one database under load, rolled three times (BEFORE=COMMIT)
	@$(BIN)/python -m bench.upgrade --before $(BEFORE)

bench-scale: $(VENV)/.dev ## what 1,000 and 100,000 requests a second need; writes the tables of docs/scale.md
	@$(BIN)/python -m bench.scale --write

bench-replicas: $(VENV)/.dev ## from one machine to another over PostgreSQL: milliseconds, bytes, events (HISTORIES=)
	@$(BIN)/python -m bench.replicas $(if $(HISTORIES),--histories $(HISTORIES))

bench-volume: $(VENV)/.dev ## traces over PostgreSQL: rows a second by COPY, report and console (ROWS= COPIED=)
	@$(BIN)/python -m bench.volume $(if $(ROWS),--rows $(ROWS)) $(if $(COPIED),--copied $(COPIED))

bench-routing: $(VENV)/.dev ## the router on the open pairs
	@$(BIN)/shortstop bench routing

var/release/.done: requirements-release.txt
	@test -x var/release/bin/python || $(BIN)/python -m venv var/release
	@var/release/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    -r requirements-release.txt
	@touch $@

dist: $(VENV)/.core var/release/.done ## wheel and source archive in dist/, checked by twine
	@rm -f dist/*.whl dist/*.tar.gz
	@$(BIN)/python -m hatchling build -d dist
	@var/release/bin/twine check --strict dist/*.whl dist/*.tar.gz

sbom: var/release/.done ## what serving is made of, as CycloneDX: dist/sbom.cdx.json
	@mkdir -p dist
	@var/release/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml \
	    --output-reproducible --of JSON -o dist/sbom.cdx.json
	@echo dist/sbom.cdx.json

release-notes: ## the newest section of the changelog: dist/RELEASE.md
	@mkdir -p dist
	@python3 -m scripts.release_notes > dist/RELEASE.md && echo dist/RELEASE.md

clean: ## remove the virtual environment and everything generated
	@rm -rf $(VENV) var build dist .mypy_cache .ruff_cache .pytest_cache
