"""One frozen settings object, built once by the command line and passed down."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

CONTRACT = Path(__file__).parent / "contracts" / "employees.odcs.yaml"


class Settings(BaseSettings):
    """Where things lie and the limits they keep. Each field has an environment variable MLB_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="MLB_", frozen=True, extra="forbid")

    landing: str = Field(
        default="./landing", description="landing zone: holds <dataset>/<YYYY-MM-DD>/*.csv"
    )
    lake: str = Field(default="./lake", description="root of the Delta tables")
    contract: Path = Field(default=CONTRACT, description="the data contract (ODCS v3)")
    quarantine_limit: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.2,
        description="largest share of a delivery's rows that may be refused before all of it is",
    )
    pseudonym_key: SecretStr | None = Field(
        default=None, description="HMAC key of the pseudonyms, at least 32 characters"
    )
    pseudonym_key_file: Path | None = Field(default=None, description="a file that holds that key")
    new_pseudonym_key_file: Path | None = Field(
        default=None, description="a file that holds the key that rotate-key changes to"
    )
    retention_days: Annotated[int, Field(ge=1)] = Field(
        default=30, description="days for which older versions of a table can be read again"
    )
    table_retention_days: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default={}, description='the same for single tables, as JSON: {"gold/roster_movement": 7}'
    )
    master: str = Field(default="local[*]", description="where Spark runs")
    driver_memory: str = Field(default="2g", description="memory of the driver's JVM")
    spark_log: Path = Field(default=Path("spark.log"), description="file for Spark's own log")

    @property
    def landing_root(self) -> str:
        """The landing zone as an absolute path or URL without a trailing slash."""
        return absolute(self.landing)

    @property
    def lake_root(self) -> str:
        """The lake as an absolute path or URL without a trailing slash."""
        return absolute(self.lake)

    @property
    def lake_is_local(self) -> bool:
        """Whether the lake lies on this machine's disk (the embedded default)."""
        return "://" not in self.lake


def absolute(place: str) -> str:
    """A place as an absolute path, or as it is where it is a URL (`s3a://…`)."""
    return place.rstrip("/") if "://" in place else os.path.abspath(place)
