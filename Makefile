.PHONY: demo test check fix model lock clean

PYTHON ?= python3
BIN := .venv/bin

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

model: .venv/dev  ## train the embedded bundle again (needs ../shared/data)
	$(BIN)/python -m training.build

lock: .venv/base  ## pin what make and CI install
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra dev --no-annotate --no-header \
		--output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv build dist
