# Two commands do all their own set-up:  make run   make test
.DEFAULT_GOAL := help
BIN := .venv/bin
FROM := 2023-10-01
TO := 2023-10-10
DATE := 2023-10-01
# Two processes with a JVM of 3 GB each; a file's tests stay together, since they share lakes.
BESIDE := -n 2 --dist loadfile

.PHONY: help setup setup-s3 setup-airflow run test lint types unit integration work-counts long cluster-long killed faults fault-part races crowd cluster-faults hostile planted simulation reliability reliability-part bench growth s3 dags charts \
	observability dashboards metrics metrics-docs cluster-test charts-docs images image-spark-jobs image-airflow \
	image-postgres image-aws-local image-statsd-exporter image-metrics-exporter image-sizes image-secrets reproducible \
	audit cluster deploy trigger ui feed report status lock clean

help:  ## show what there is
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup:  ## make the environment in .venv from the lock files
	@python3 tools/set_up.py

setup-s3:  ## the same, and the jars that tables on S3 need
	@python3 tools/set_up.py s3

setup-airflow:  ## make Airflow's environment in .venv-airflow, which the DAGs and their tests need
	@python3 tools/set_up.py airflow

run: setup  ## the whole pipeline on the real sample feed: ten deliveries, Gold tables, report
	@$(BIN)/spark-jobs sample-feed
	@$(BIN)/spark-jobs run --from $(FROM) --to $(TO) --gold --report report.html

test: lint types unit integration  ## all tests: lint, types, unit, integration

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup
	@$(BIN)/pyright

unit: setup  ## the fast tests
	@$(BIN)/pytest tests/unit tests/golden -q -m "not long" $(BESIDE)

integration: setup  ## the tests on Delta tables
	@$(BIN)/pytest tests/integration -q -m "not long" $(BESIDE)

work-counts: setup  ## what one fixed delivery costs, in Spark's jobs, commits, files and bytes, against recorded limits
	@$(BIN)/pytest tests/integration/test_work_counts.py -q

long: setup-s3  ## the scenarios of minutes: killed between any two steps, and run again
	@$(BIN)/pytest tests/unit tests/integration -q -m long
	@$(BIN)/pytest tests/s3 -q -m long

cluster-long: setup-s3  ## the same on the cluster: executors killed, recovery by hand, reprocess, erasure; every panel has data
	@$(BIN)/pytest tests/e2e -q -m long

killed: setup  ## by hand, up to half an hour: every way back killed with kill -9 and run again (MLB_KILLS, MLB_SEED)
	@$(BIN)/pytest tests/reliability/test_killed.py -q

faults: setup  ## by hand, hours: every failpoint of every job met by an exception, a kill -9, the disk that one leaves, and a delay (FAULTS="--jobs load …")
	@$(BIN)/python -m tests.reliability.faults $(FAULTS)

fault-part: setup  ## by hand, half an hour or more: a part of these, of each job and each kind of fault (MLB_FAULTS, MLB_SEED)
	@$(BIN)/pytest tests/reliability/test_faults.py -q

races: setup  ## by hand, an hour or more: every pair of jobs on one lake, met at read, write and commit (RACES="--jobs load …")
	@$(BIN)/python -m tests.reliability.races $(RACES)

crowd: setup-s3  ## by hand, a quarter of an hour: 8 processes commit to one table on S3, one of them killed every 10 commits (MLB_CROWD, MLB_SEED)
	@$(BIN)/python -m tests.reliability.crowd

cluster-faults: setup-s3  ## by hand, hours: pods killed, evicted, out of memory, S3 away, the API restarted, in what make deploy has installed (MLB_RESTART_API, CLUSTER_FAULTS)
	@$(BIN)/python -m tests.reliability.cluster $(CLUSTER_FAULTS)

hostile: setup  ## by hand, some minutes: bad deliveries of many classes, and 100,000 rows from a seed (MLB_ROWS, MLB_SEED)
	@$(BIN)/pytest tests/reliability/test_hostile.py -q

planted: setup  ## by hand, half an hour: bugs planted one at a time, and the tests that catch each
	@$(BIN)/python -m tests.reliability.planted

reliability: setup-s3  ## by hand, hours: all that is tried to break the platform's promise, as one table in docs/reliability.md
	@$(BIN)/python -m tests.reliability $(TRIALS)

reliability-part: setup-s3  ## what .ci/run tries of it: a fixed seed and a new one, which is printed
	@$(BIN)/python -m tests.reliability --part

simulation: setup-s3  ## the jobs' protocol and the real log store under faults, 1,000 seeds (MLB_SEEDS, MLB_SEED)
	@$(BIN)/python -m tests.reliability.simulation

dags: setup setup-airflow  ## the DAGs and their operator: types, and tests without a cluster (an SNS server of their own)
	@$(BIN)/pyright -p mlb_airflow
	@.venv-airflow/bin/pytest -c mlb_airflow/pyproject.toml --rootdir . --confcutdir tests/dags tests/dags -q

charts: setup  ## the Helm charts: lint, unit tests, Kubernetes' schemas, README (builds its tools, once)
	@$(BIN)/pytest tests/charts -q

observability: setup setup-airflow  ## metrics, dashboards and alert rules against real servers (fetches Debian's Prometheus, once)
	@$(BIN)/pytest tests/observability -q

dashboards: setup  ## write the dashboards and the alert rules anew, which the charts ship, from observability/
	@$(BIN)/python -m observability

cluster-test: setup-s3  ## the charts, the image and Airflow on the cluster in which make deploy has been (empties its lake)
	@$(BIN)/pytest tests/e2e -q -m "not long"

charts-docs: setup  ## make the charts' READMEs from the comments of their values
	@"$$($(BIN)/python tools/chart_tools.py)/helm-docs" --chart-search-root helm --sort-values-order file

bench: setup  ## the pipeline beside what people would use instead, as ratios (MLB_BENCH_ROWS, _SCENARIOS, _ROUNDS …)
	@python3 tools/set_up.py bench
	@.venv-bench/bin/python -m benchmarks

growth: setup  ## by hand, an hour or two: delivery after delivery into one lake, drawn as docs/growth.svg (MLB_GROWTH_DELIVERIES …)
	@python3 tools/set_up.py bench
	@.venv-bench/bin/python -m benchmarks.growth

metrics: setup  ## serve the metrics of ./lake at http://127.0.0.1:9464/metrics
	@MLB_METRICS_ADDRESS=127.0.0.1:9464 $(BIN)/python -m metrics_exporter

metrics-docs: setup  ## make the table of docs/metrics.md from the catalogue
	@$(BIN)/python -m metrics_exporter.table docs/metrics.md

s3: setup-s3  ## the tests on an S3 server (moto) that they start themselves
	@$(BIN)/pytest tests/s3 -q -m "not long" $(BESIDE)

# Certificate authorities for the package clients inside a build, where this machine has its own.
CERTIFICATES := $(foreach name,PIP_CERT SSL_CERT_FILE REQUESTS_CA_BUNDLE,$(if $($(name)),--build-arg $(name)))
DOCKER_BUILD := DOCKER_BUILDKIT=1 docker build -q $(CERTIFICATES)
IMAGE := mlb/spark-jobs
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
STAMP = --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) \
	--build-arg CREATED=$$(git log -1 --format=%cI)

SMALL_IMAGES := airflow postgres aws-local statsd-exporter metrics-exporter
images: image-spark-jobs $(SMALL_IMAGES:%=image-%)  ## build all images, mlb/<name>, and the jobs' bill of materials

# plain: without the class-data archive, which takes a minute to make and a quarter of the image.
RUNTIME := archived
image-spark-jobs:
	@$(DOCKER_BUILD) -f docker/spark/Dockerfile --build-arg RUNTIME=$(RUNTIME) --target spark-jobs \
	  -t $(IMAGE):$(VERSION) $(STAMP) .
	@$(DOCKER_BUILD) -f docker/spark/Dockerfile --build-arg RUNTIME=$(RUNTIME) --target bom-file --output build . >/dev/null
	@docker image ls $(IMAGE):$(VERSION)

$(SMALL_IMAGES:%=image-%): image-%:
	@$(DOCKER_BUILD) -f docker/$*/Dockerfile -t mlb/$*:$(VERSION) $(STAMP) .
	@docker image ls mlb/$*:$(VERSION)

image-sizes: image-spark-jobs  ## the image's size by layer, beside that of the plain recipe (slow: builds that, too)
	@$(DOCKER_BUILD) -f docker/spark/plain.Dockerfile --build-arg OURS=$(IMAGE):$(VERSION) -t $(IMAGE):plain . >/dev/null
	@python3 tools/image_sizes.py $(IMAGE):$(VERSION) $(IMAGE):plain

# Nothing of the first build is taken for the second one, but for packages that have been fetched.
AGAIN := spark-jobs $(SMALL_IMAGES)
reproducible: $(AGAIN:%=again-%)  ## by hand: build images twice and compare them file by file (AGAIN="airflow postgres": those)

$(AGAIN:%=again-%): again-%:
	@for build in first second; do \
	  $(DOCKER_BUILD) --no-cache -f docker/$(subst spark-jobs,spark,$*)/Dockerfile -t mlb/$*:$$build $(STAMP) . >/dev/null || exit 1; \
	done
	@python3 tools/image_differences.py mlb/$*:first mlb/$*:second
	@docker image rm mlb/$*:first mlb/$*:second >/dev/null

image-secrets:  ## look for secrets in all layers of the images
	@python3 tools/image_secrets.py $(IMAGE):$(VERSION) $(SMALL_IMAGES:%=mlb/%:$(VERSION))

audit:  ## look packages, and Debian's in the images, up among known vulnerabilities (0: none, 1: some, 2: nobody could be asked)
	@python3 tools/set_up.py audit
	@.venv-audit/bin/python tools/audit.py $(IMAGE):$(VERSION) $(SMALL_IMAGES:%=mlb/%:$(VERSION))

cluster: setup  ## a cluster to try all of it: the one that KUBECONFIG names, or a new one by kind
	@$(BIN)/python -m deploy cluster

deploy: setup images  ## images, both charts with their local values, and deliveries in S3
	@$(BIN)/python -m deploy deploy

trigger: setup  ## run the pipeline for one delivery in Airflow and follow it (DATE=2023-10-01)
	@$(BIN)/python -m deploy trigger --date $(DATE)

ui: setup  ## forward Airflow's UI to this machine
	@$(BIN)/python -m deploy ui

feed: setup  ## write the sample feed into ./landing
	@$(BIN)/spark-jobs sample-feed

report: setup  ## write report.html from ./lake
	@$(BIN)/spark-jobs report

status: setup  ## tables, quarantine and last runs of ./lake
	@$(BIN)/spark-jobs status

# Airflow's constraints are what its extra `all` resolves to when it is released; providers go on being released.
AIRFLOW_RELEASED := 2026-09-17T12:00:00Z
LOCK_AIRFLOW := -q --generate-hashes --no-header --no-emit-index-url --no-annotate --universal --python-version 3.11

lock: setup  ## resolve requirements/*.in into hashed lock files (needs uv)
	@for name in runtime metrics-exporter dev build java sample charts observability sbom aws-local bench audit; do \
	  uv pip compile -q --generate-hashes --no-header --no-emit-index-url --no-annotate --universal \
	    --python-version 3.11 $$( case $$name in sample|charts|observability) echo --no-deps;; esac ) \
	    requirements/$$name.in -o requirements/$$name.lock || exit 1; done
	@mkdir -p build && uv pip compile -q --no-header --no-annotate --python-version 3.11 \
	  --exclude-newer $(AIRFLOW_RELEASED) requirements/airflow-constraints.in \
	  | grep -v '^apache-airflow-' > build/airflow-constraints.txt
	@uv pip compile $(LOCK_AIRFLOW) -c build/airflow-constraints.txt requirements/airflow.in -o requirements/airflow.lock
	@uv pip compile $(LOCK_AIRFLOW) requirements/airflow-dev.in -o requirements/airflow-dev.lock

clean:  ## remove the local landing zone, lake and report (not the environment)
	@rm -rf landing lake lake.key lake.key.new lake.erasure.key lake.lock spark.log report.html
