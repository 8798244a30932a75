# `make demo` and `make test` do all the set-up; a second run installs nothing again.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# For example --extra-index-url https://download.pytorch.org/whl/cpu on a machine without a GPU.
PIP_ARGUMENTS ?=
DEMO := demo
DEMO_TARGET_LOSS ?= 0.28

.DEFAULT_GOAL := help
.PHONY: help demo dashboard test lint format clean

help: ## Show what there is.
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Plateau needs Python 3.11 or newer, this is %d.%d. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install --quiet $(PIP_ARGUMENTS) --constraint constraints.txt --editable '.[train]'
	@touch $@

.venv/installed-dev: .venv/installed pyproject.toml constraints.txt
	$(PIP) install --quiet $(PIP_ARGUMENTS) --constraint constraints.txt --editable '.[train,dev]'
	@touch $@

# Exit code 3 says "no trustworthy answer": an outcome, not a failure of the demo.
demo: .venv/installed ## Calibrate a small PaliGemma on the bundled sample, fit, plan, and write the board paper.
	@mkdir -p $(DEMO)
	$(BIN)/calibrate run --data data/sample --model tiny --out $(DEMO)/calibration $(if $(wildcard $(DEMO)/calibration/calibration.json),--resume)
	$(BIN)/plateau fit $(DEMO)/calibration --target-loss $(DEMO_TARGET_LOSS) || [ $$? -eq 3 ]
	$(BIN)/plateau plan $(DEMO)/calibration --target-loss $(DEMO_TARGET_LOSS) --gpu L4 --quantization bf16 \
		--studies-a-day 40 --staff-hours 80 --budget 10000 --out $(DEMO)/plan.json || [ $$? -eq 3 ]
	$(BIN)/plateau report $(DEMO)/plan.json -o $(DEMO)/board.pdf
	@echo
	@echo "Plan: $(DEMO)/plan.json   Board paper: $(DEMO)/board.pdf"
	@echo "Open the dashboard with this calibration loaded: make dashboard"

dashboard: .venv/installed ## Open the dashboard with the demo's calibration, or with the bundled example.
	@$(BIN)/plateau dashboard $$(if [ -f $(DEMO)/calibration/calibration.json ]; then echo $(DEMO)/calibration; else echo example; fi)

test: .venv/installed-dev lint ## Install what the tests need and run them all.
	@sh tests/install_chromium.sh
	$(BIN)/python -m pytest -q

lint: .venv/installed-dev ## ruff, mypy.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed-dev ## Let ruff format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the environment and the demo's results.
	rm -rf .venv $(DEMO)
