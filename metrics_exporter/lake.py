"""Reads the lake's Delta tables without Spark, on a local disk or on S3. Never writes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import TableNotFoundError

Rows = list[dict[str, Any]]


@dataclass
class LakeReader:
    """The tables under one root; a table that has been opened is only followed by its log afterwards."""

    root: str
    options: Mapping[str, str] = field(default_factory=dict)
    _open: dict[str, DeltaTable] = field(default_factory=dict)

    def table(self, name: str) -> DeltaTable | None:
        """The table at its newest version; None where it has not been created (or is gone)."""
        known = self._open.get(name)
        try:
            if known is None:
                known = self._open[name] = self._load(name)
            else:
                known.update_incremental()
        except TableNotFoundError:
            self._open.pop(name, None)
            return None
        except Exception:
            self._open.pop(name, None)
            raise
        return known

    def forget(self) -> None:
        """Open every table afresh at the next reading: one may have been made anew in its place."""
        self._open.clear()

    def at(self, name: str, version: int) -> DeltaTable:
        """The table at a version."""
        return self._load(name, version)

    def _load(self, name: str, version: int | None = None) -> DeltaTable:
        return DeltaTable(f"{self.root}/{name}", version=version, storage_options=dict(self.options))


def query(table: DeltaTable, sql: str) -> Rows:
    """The rows of a query over one table, which is called `t` in it."""
    found = QueryBuilder().register("t", table).execute(sql).read_all()
    columns = {name: found.column(name).to_pylist() for name in found.column_names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def columns_of(table: DeltaTable) -> set[str]:
    """The names of a table's columns."""
    return {column.name for column in table.schema().fields}


def lake_root(place: str) -> str:
    """The lake's place as deltalake has it: `s3://` where Spark says `s3a://`, else an absolute path."""
    place = place.rstrip("/")
    if place.startswith("s3a://"):
        return "s3://" + place.removeprefix("s3a://")
    return place if "://" in place else os.path.abspath(place)


def storage_options(environment: Mapping[str, str]) -> dict[str, str]:
    """How to reach the store, by the jobs' own variables; credentials are found as AWS's tools do."""
    options = {}
    region = environment.get("MLB_S3_REGION") or environment.get("AWS_REGION")
    endpoint = environment.get("MLB_S3_ENDPOINT")
    if endpoint:
        options["AWS_ENDPOINT_URL"] = endpoint
        options["AWS_ALLOW_HTTP"] = str(endpoint.startswith("http://")).lower()
        # As in the jobs: paths and not host names, unless said otherwise.
        path_style = environment.get("MLB_S3_PATH_STYLE", "true").lower() != "false"
        options["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"] = str(not path_style).lower()
        region = region or "us-east-1"
    if region:
        options["AWS_REGION"] = region
    return options
