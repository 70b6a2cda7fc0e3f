# Two commands do all their own set-up:  make run   make test
.DEFAULT_GOAL := help
BIN := .venv/bin
FROM := 2023-10-01
TO := 2023-10-10

.PHONY: help setup run test lint types unit integration killed feed report status lock clean

help:  ## show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup:  ## make the environment in .venv from the lock files
	@python3 tools/set_up.py

run: setup  ## the whole pipeline on the real sample feed: ten deliveries, Gold tables, report
	@$(BIN)/spark-jobs sample-feed
	@$(BIN)/spark-jobs run --from $(FROM) --to $(TO) --gold --report report.html

test: lint types unit integration  ## all tests: lint, types, unit, integration

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup
	@$(BIN)/pyright

unit: setup  ## the fast tests
	@$(BIN)/pytest tests/unit tests/golden -q

integration: setup  ## the tests on Delta tables
	@$(BIN)/pytest tests/integration -q

killed: setup  ## by hand, about 10 minutes: every way back killed with kill -9 and run again (MLB_KILLS, MLB_SEED)
	@$(BIN)/pytest tests/reliability -q

feed: setup  ## write the sample feed into ./landing
	@$(BIN)/spark-jobs sample-feed

report: setup  ## write report.html from ./lake
	@$(BIN)/spark-jobs report

status: setup  ## tables, quarantine and last runs of ./lake
	@$(BIN)/spark-jobs status

lock: setup  ## resolve requirements/*.in into hashed lock files (needs uv)
	@for name in runtime dev build java sample; do \
	  uv pip compile -q --generate-hashes --no-header --no-emit-index-url --no-annotate --universal \
	    --python-version 3.11 $$( [ $$name = sample ] && echo --no-deps ) \
	    requirements/$$name.in -o requirements/$$name.lock || exit 1; done

clean:  ## remove the local landing zone, lake and report (not the environment)
	@rm -rf landing lake lake.key lake.key.new lake.lock spark.log report.html
