# The plain recipe, to measure beside ours (`make image-sizes`): Debian's Java, pip's pyspark as it is, the
# whole AWS SDK. Nothing else uses it. The same locks, so that only the recipe differs.
ARG BASE=debian:bookworm-slim
ARG OURS
FROM ${OURS} AS ours
FROM ${BASE}
ARG PIP_CERT SSL_CERT_FILE REQUESTS_CA_BUNDLE
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
      openjdk-17-jre-headless p11-kit p11-kit-modules python3 python3-venv tini >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt \
    && trust extract --overwrite --format=java-cacerts --purpose=server-auth /etc/ssl/certs/java/cacerts
COPY requirements /src/requirements
RUN python3 -m venv /opt/mlb \
    && /opt/mlb/bin/pip install -q --no-cache-dir --require-hashes -r /src/requirements/build.lock \
    && /opt/mlb/bin/pip install -q --no-cache-dir --require-hashes --no-deps --no-build-isolation \
      -r /src/requirements/runtime.lock
COPY tools/fetch_jars.py /src/tools/
COPY spark_jobs /src/spark_jobs
RUN for lock in jars jars-s3; do \
      PYTHONPATH=/src /opt/mlb/bin/python /src/tools/fetch_jars.py /src/requirements/$lock.lock /opt/mlb/$lock \
      || exit 1; done
COPY --from=ours /opt/mlb/jars-s3/s3-conditional-log-store.jar /opt/mlb/jars-s3/
COPY pyproject.toml README.md /src/
RUN /opt/mlb/bin/pip install -q --no-cache-dir --no-deps --no-build-isolation /src
# Without a name for it Hadoop does not start.
RUN useradd --uid 10001 --no-create-home spark
USER 10001:10001
ENTRYPOINT ["/usr/bin/tini", "-g", "--", "/opt/mlb/bin/spark-jobs"]
