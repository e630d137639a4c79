# Everything runs in .venv, which is made from Python 3.11 or later and brought up to date only when pyproject.toml changes.
# Once it is there, no target needs the network.
#   ARGS    is handed to the program of the target: make test ARGS='-k sse -n 2'
#   PYTHON  chooses the Python that .venv is made from

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
INSTALLED := .venv/.installed
CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)

.PHONY: help run test check fix matrix baselines museum bench soak schemas mutants stress
help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) ## serve on 127.0.0.1:8080
	@exec $(BIN)/python -m mockserver serve --curl $(ARGS)

test: $(INSTALLED) ## run the tests
	@$(BIN)/python -m pytest $(ARGS)

check: $(INSTALLED) ## lint, formatting, types and generated files; changes nothing
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "make fix formats the files above" >&2; exit 1; }
	@$(BIN)/mypy
	@for each in tools/derive_*.py; do $(BIN)/python $$each --check || { echo "make schemas writes the files above" >&2; exit 1; }; done

fix: $(INSTALLED) ## repair what lint can repair, and format
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

mutants: $(INSTALLED) ## run every mutant through every case and write the table of what each fails
	@$(BIN)/python -m conformance.mutants table $(ARGS)

stress: $(INSTALLED) ## the reference clients again and again beside busy processes: nothing may fail
	@$(BIN)/python -m conformance.stress $(ARGS)

matrix: $(INSTALLED) ## run every client and gateway that is not done yet, and write docs/matrix
	@PYTHONPATH=. $(BIN)/python tools/matrix.py $(ARGS)

baselines: $(INSTALLED) ## write conformance/baselines from what make matrix saw
	@PYTHONPATH=. $(BIN)/python tools/baselines.py $(ARGS)

museum: $(INSTALLED) ## show every exhibit of the museum, and write docs/museum.json and the page
	@$(BIN)/python -m mockserver museum --json docs/museum.json $(ARGS)
	@$(BIN)/python tools/derive_museum_doc.py

bench: $(INSTALLED) ## measure speed against rivals and a C control
	@$(BIN)/python -m bench $(ARGS)

soak: $(INSTALLED) ## half an hour of streams under chaos: the server's memory must stay flat
	@$(BIN)/python -m bench.soak $(ARGS)

schemas: $(INSTALLED) ## write the generated files of schemas/, docs/ and README anew
	@for each in tools/derive_*.py; do $(BIN)/python $$each $(ARGS) || exit 1; done

$(INSTALLED): pyproject.toml tests/node/package.json
	@python=; for each in $(CANDIDATES); do \
	    "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { python=$$each; break; }; done; \
	[ -n "$$python" ] || { echo "Python 3.11 or later is needed (tried: $(CANDIDATES)); set PYTHON=/path/to/python" >&2; exit 1; }; \
	echo "setting up .venv with $$python (once)" >&2; \
	{ [ -x $(BIN)/python ] || "$$python" -m venv .venv; } && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,dev,network]'
	@command -v npm >/dev/null || { echo "npm is not here: the tests that drive Node clients will be skipped" >&2; exit 0; }; \
	cd tests/node && npm install --silent --no-audit --no-fund
	@touch $@
