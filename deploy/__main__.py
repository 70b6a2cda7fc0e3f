"""The whole platform on one cluster: `make cluster`, `make deploy`, `make trigger`, `make ui`.

For the local values of both charts: PostgreSQL and a stand-in for S3 and SNS run in the cluster. On EKS
the charts are installed with values-eks.yaml by whatever a team deploys with; nothing here is needed.
"""

import base64
import datetime as dt
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import click

from deploy.airflow_api import Airflow

ROOT = Path(__file__).parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
_BUILT = ("spark-jobs", "airflow", "postgres", "aws-local", "metrics-exporter", "statsd-exporter")
IMAGES = tuple(f"mlb/{name}:{VERSION}" for name in _BUILT)
SPARK, AIRFLOW = "mlb", "airflow"
PIPELINE = "mlb_employee_data_pipeline"
AWS_LOCAL = "airflow-aws-local"
AWS_ENDPOINT = f"http://{AWS_LOCAL}.{AIRFLOW}.svc:5000"
#: The Secrets of Airflow's chart, by the part of its values that names each.
AIRFLOW_SECRETS = {
    "keys": "airflow-keys",
    "adminUser": "airflow-admin",
    "postgresql": "airflow-postgresql",
    "awsLocal": AWS_LOCAL,
}
_LAST = ("success", "failed")


@click.group()
def main() -> None:
    """The platform on one cluster, for trials."""


@main.command()
def cluster() -> None:
    """Use the cluster that KUBECONFIG names; where there is none, make one with kind."""
    if not _answers():
        say("making a cluster with kind (a minute or two)")
        run("kind", "create", "cluster", "--config", str(ROOT / "deploy" / "kind.yaml"))
    run("kubectl", "get", "nodes")


@main.command()
@click.option(
    "--load", envvar="MLB_LOAD", help="command that brings images into the cluster  [default: kind's]"
)
@click.option("--first", default="2023-10-01", help="first delivery of the sample feed to put into S3")
@click.option("--last", default="2023-10-03", help="the last one")
def deploy(load: str | None, first: str, last: str) -> None:
    """Install both charts with their local values, and put deliveries of the sample feed into S3.

    May be run again: secrets are kept, releases are upgraded.
    """
    say("loading the images")
    load_images(load)
    for namespace in (SPARK, AIRFLOW):
        make_namespace(namespace)
    api_server = ",".join(api_server_values())
    say("installing helm/airflow (PostgreSQL, S3 and SNS for trials, Airflow)")
    network = api_server.replace("networkPolicy.apiServer", "networkPolicy.kubernetes")
    install("airflow", AIRFLOW, network, f"pipeline.sparkNamespace={SPARK}", *make_airflow_secrets())
    say("installing helm/spark-jobs")
    make_secret(SPARK, "mlb-pseudonym-key", {"key": secrets.token_urlsafe(48)})
    make_secret(SPARK, "mlb-erasure-key", {"key": secrets.token_urlsafe(48)})
    make_secret(SPARK, "mlb-s3", s3_keys(), replace=True)
    with values_file({"networkPolicy": {"s3": {"to": [aws_local_pods()], "ports": [5000]}}}) as file:
        image = f"image.tag={VERSION},secrets.erasureKey.secretName=mlb-erasure-key"
        exporter = f"metricsExporter.enabled=true,metricsExporter.image.tag={VERSION}"
        # One JVM a job: executors of their own would take the small machine longer than they save.
        given = f"s3.endpoint={AWS_ENDPOINT},{image},{exporter},executors.enabled=false"
        install("spark-jobs", SPARK, api_server, given, files=[file])
    say("putting the sample feed's deliveries into S3")
    put_deliveries(first, last)
    say(f"done. `make trigger DATE={first}` runs a delivery, `make ui` shows Airflow")


@main.command()
@click.option("--date", default="2023-10-01", help="the delivery's day")
def trigger(date: str) -> None:
    """Run the pipeline for one delivery, as a backfill of that day, and follow it to its end."""
    with airflow() as api:
        api.unpause(PIPELINE)
        known = api.starts_of_day(PIPELINE, date)
        api.backfill(PIPELINE, date)
        run_id = wait_for_run(api, date, known)
        say(f"{PIPELINE} {run_id}")
        state = follow(api, run_id)
    sys.exit(state != "success")


@main.command()
def ui() -> None:
    """Forward Airflow's UI to this machine and say how to log in."""
    with forwarded(AIRFLOW, "service/airflow-api-server", 8080, local=8080) as port:
        username, _ = admin()
        say(f"http://localhost:{port}  log in as {username}; the password:")
        say(
            f"  kubectl -n {AIRFLOW} get secret airflow-admin -o jsonpath='{{.data.password}}' | base64 -d",
        )
        say("(ends with Ctrl-C)")
        while True:
            time.sleep(3600)


def wait_for_run(api: Airflow, date: str, known: set[tuple[str, str]]) -> str:
    """The run that has been queued for a day besides those that are known."""
    for _ in range(60):
        new = api.starts_of_day(PIPELINE, date) - known
        if new:
            return new.pop()[0]
        time.sleep(1)
    raise click.ClickException(f"Airflow has made no run for {date} within a minute.")


def follow(api: Airflow, run_id: str) -> str:
    """Print what becomes of each task until the run has ended; the run's state."""
    shown: dict[str, Any] = {}
    while True:
        state = api.run_state(PIPELINE, run_id)
        for task in api.tasks(PIPELINE, run_id):
            name, now = task["task_id"], task["state"]
            if now and shown.get(name) != now:
                shown[name] = now
                rows = api.result(PIPELINE, run_id, name).get("rows", "") if now == "success" else ""
                say(f"{dt.datetime.now(dt.UTC):%H:%M:%S}  {name:<22} {now:<12} {rows or ''}")
        if state in _LAST:
            say(f"the run has ended: {state}")
            return state
        time.sleep(2)


def load_images(command: str | None) -> None:
    """Bring the images into the cluster, or say that it has to pull them."""
    context = output("kubectl", "config", "current-context").strip()
    if command:
        run(*command.split(), *IMAGES)
    elif context.startswith("kind-"):
        run("kind", "load", "docker-image", *IMAGES, "--name", context.removeprefix("kind-"))
    else:
        say(f"{context} is no kind cluster: its nodes need {', '.join(IMAGES)} (set MLB_LOAD to load them)")


def make_namespace(name: str) -> None:
    """A namespace that enforces Pod Security restricted."""
    given = output("kubectl", "create", "namespace", name, "--dry-run=client", "-o", "yaml")
    run("kubectl", "apply", "-f", "-", given=given)
    run(
        *("kubectl", "label", "--overwrite", "namespace", name),
        "pod-security.kubernetes.io/enforce=restricted",
    )


def make_secret(namespace: str, name: str, values: dict[str, str], replace: bool = False) -> None:
    """A secret, made once unless it is to be replaced; its values go through standard input only."""
    exists = subprocess.run(
        ["kubectl", "-n", namespace, "get", "secret", name], capture_output=True
    ).returncode
    if exists == 0 and not replace:
        return
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": values,
    }
    run("kubectl", "-n", namespace, "apply", "-f", "-", given=json.dumps(secret))


def make_airflow_secrets() -> list[str]:
    """Airflow's secrets, and the values that name them.

    Those that the chart makes itself would be part of its release, and `helm get manifest` would show them.
    """
    password, key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    connection = {
        "conn_type": "aws",
        "login": "local",
        "password": key,
        "extra": {"endpoint_url": AWS_ENDPOINT, "region_name": "us-east-1"},
    }
    made = {
        "keys": {
            "fernet-key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "api-secret-key": secrets.token_urlsafe(36),
            "jwt-secret": secrets.token_urlsafe(48),
        },
        "adminUser": {"password": secrets.token_urlsafe(18)},
        "postgresql": {
            "password": password,
            "connection": f"postgresql://airflow:{password}@airflow-postgresql:5432/airflow",
        },
        "awsLocal": {
            "access-key-id": "local",
            "secret-access-key": key,
            "connection": json.dumps(connection),
        },
    }
    for part, values in made.items():
        make_secret(AIRFLOW, AIRFLOW_SECRETS[part], values)
        # One that an earlier release has made would go with the next.
        kept = ("annotate", "--overwrite", "secret", AIRFLOW_SECRETS[part], "helm.sh/resource-policy=keep")
        run("kubectl", "-n", AIRFLOW, *kept)
    return [f"{part}.secretName={name}" for part, name in AIRFLOW_SECRETS.items()]


def secret(namespace: str, name: str) -> dict[str, str]:
    """A secret's values."""
    data = json.loads(output("kubectl", "-n", namespace, "get", "secret", name, "-o", "json"))["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def s3_keys() -> dict[str, str]:
    """The keys of the S3 stand-in, which Airflow's chart has made."""
    kept = secret(AIRFLOW, AWS_LOCAL)
    return {name: kept[name] for name in ("access-key-id", "secret-access-key")}


def admin() -> tuple[str, str]:
    """Name and first password of Airflow's first user."""
    return "admin", secret(AIRFLOW, "airflow-admin")["password"]


def api_server_values() -> list[str]:
    """Where the API server is, behind its service, as values of the charts' network policies."""
    slices = json.loads(output("kubectl", "-n", "default", "get", "endpoints", "kubernetes", "-o", "json"))
    subset = slices["subsets"][0]
    addresses = ",".join(f"{entry['ip']}/32" for entry in subset["addresses"])
    ports = ",".join(str(port["port"]) for port in subset["ports"])
    return [f"networkPolicy.apiServer.cidrs={{{addresses}}}", f"networkPolicy.apiServer.ports={{{ports}}}"]


def aws_local_pods() -> dict[str, Any]:
    """The peer of a network policy that the S3 stand-in is."""
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": AIRFLOW}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/component": "aws-local"}},
    }


@contextmanager
def values_file(values: dict[str, Any]) -> Iterator[str]:
    """Values in a file, for what --set cannot say."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        yield file.name


def install(chart: str, namespace: str, *values: str, files: list[str] | None = None) -> None:
    """Install a chart with its local values, or upgrade its release, and wait until it is ready."""
    folder = ROOT / "helm" / chart
    given = [option for value in values for option in ("--set", value)]
    named = [option for file in files or [] for option in ("-f", file)]
    run(
        *("helm", "upgrade", "--install", chart, str(folder), "-n", namespace),
        *("-f", str(folder / "values-local.yaml"), *named, *given, "--wait", "--timeout", "8m"),
    )


def put_deliveries(first: str, last: str) -> None:
    """Make the sample feed and upload its deliveries of some days."""
    with tempfile.TemporaryDirectory() as folder:
        feed = ["sample-feed", "--landing", folder]
        subprocess.run([sys.executable, "-m", "spark_jobs", *feed], check=True, capture_output=True)
        with forwarded(AIRFLOW, f"service/{AWS_LOCAL}", 5000) as port:
            keys = s3_keys()
            client = boto3.client(
                "s3",
                endpoint_url=f"http://127.0.0.1:{port}",
                region_name="us-east-1",
                aws_access_key_id=keys["access-key-id"],
                aws_secret_access_key=keys["secret-access-key"],
            )
            for day in sorted((Path(folder) / "employees").iterdir()):
                if first <= day.name <= last:
                    for file in sorted(day.iterdir()):
                        client.upload_file(str(file), "mlb", f"landing/employees/{day.name}/{file.name}")
                    say(f"  s3a://mlb/landing/employees/{day.name}")


@contextmanager
def airflow() -> Iterator[Airflow]:
    """Airflow's API, logged in."""
    with forwarded(AIRFLOW, "service/airflow-api-server", 8080) as port:
        yield Airflow(f"http://127.0.0.1:{port}", *admin())


@contextmanager
def forwarded(namespace: str, what: str, port: int, local: int | str = "") -> Iterator[int]:
    """A port of a service on this machine."""
    command = ["kubectl", "-n", namespace, "port-forward", what, f"{local}:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        if not found:
            raise click.ClickException(f"kubectl does not forward {what} of {namespace}: {line.strip()}")
        # It says a line for each connection, and stands still where nobody reads on.
        threading.Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
        yield int(found.group(1))
    finally:
        process.terminate()
        process.wait()


def _answers() -> bool:
    command = ["kubectl", "version", "--request-timeout=5s"]
    return subprocess.run(command, capture_output=True).returncode == 0


def run(*command: str, given: str | None = None) -> None:
    """Run a command; a sentence where it fails."""
    done = subprocess.run(command, input=given, text=True, env=os.environ)
    if done.returncode:
        raise click.ClickException(f"`{' '.join(command[:4])} …` failed; what it said is above.")


def output(*command: str) -> str:
    """What a command prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout


def say(sentence: str) -> None:
    """Tell the person."""
    click.echo(sentence, err=True)


if __name__ == "__main__":
    main()
