"""The sensor that waits for a day's delivery in the landing zone."""

from datetime import timedelta
from typing import Any

from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.sdk.exceptions import AirflowSensorTimeout

from mlb_airflow.failures import Failure, fail, failures_kept
from mlb_airflow.settings import Settings

#: Folder of the delivered dataset in the landing zone.
DATASET = "employees"


class DeliverySensor(S3KeySensor):
    """Waits, deferred, until a file of a day's delivery is in the landing zone.

    delivery_date: YYYY-MM-DD. Names that begin with a dot or an underscore are no data, as for the jobs.
    Fails without a retry when the delivery has not come after `settings.delivery_timeout`."""

    template_fields = ("delivery_date", *S3KeySensor.template_fields)

    def __init__(self, *, delivery_date: str, settings: Settings, **kwargs: Any) -> None:
        arguments = {"poke_interval": timedelta(minutes=1)}
        super().__init__(
            **{**arguments, **kwargs},
            # The first character keeps markers and hidden files out.
            bucket_key=f"{settings.landing_url}/{DATASET}/{delivery_date}/[!._]*",
            wildcard_match=True,
            deferrable=True,
            timeout=settings.delivery_timeout,
        )
        self.delivery_date = delivery_date
        self.settings = settings

    def execute(self, context: Any) -> None:
        """End at once where the delivery is there, else defer."""
        with failures_kept(context, self.delivery_date):
            super().execute(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on when the delivery has come, or when it has not come in time."""
        with failures_kept(context, self.delivery_date):
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except AirflowSensorTimeout:
                folder = f"{self.settings.landing}/{DATASET}/{self.delivery_date}/"
                fail(
                    Failure(
                        f"The delivery of {self.delivery_date} has not come: there is no file in {folder} "
                        f"after {self.settings.delivery_timeout}. Ask whoever delivers; when it is there, "
                        "clear this task, and the run goes on.",
                        is_final=True,
                        delivery_date=self.delivery_date,
                    )
                )
