"""Data quality: what was refused, by which rule, of which delivery; whether every row has an outcome."""

from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from observability.dashboards.panels import NONE_IS_GOOD, board, figure, listing, over_time
from observability.rules import QUARANTINE_RATIO

_RATIO_STEPS = ((None, "green"), (QUARANTINE_RATIO / 2, "orange"), (QUARANTINE_RATIO, "red"))


def dashboard() -> Dashboard:
    """The dashboard."""
    return board(
        "mlb-data-quality",
        "MLB · Data quality",
        "Which rows were refused, by which rule, of which delivery, and whether every row has an outcome. "
        "Counts "
        "alone: no row and no person is in any metric. `spark-jobs quarantine list` shows the rows.",
        [
            ("Now", [*_now()]),
            ("By reason", [*_reasons()]),
            ("By delivery", [*_deliveries()]),
            ("Over all runs", [*_outcomes()]),
        ],
    )


def _now() -> Iterator[Any]:
    yield figure(
        "Most refused of a delivery",
        "Largest share of refused rows among the newest deliveries. Above the limit of the jobs "
        "(MLB_QUARANTINE_LIMIT, 20 %) a delivery is refused whole.",
        "max(mlb_delivery_quarantine_ratio)",
        "percentunit",
        _RATIO_STEPS,
    )
    yield figure(
        "Rows that wait",
        "Open rows of the quarantine; spark-jobs recover brings them back (docs/runbooks/recover.md).",
        'sum(mlb_quarantine_rows{state="open", kind="row"})',
        steps=((None, "green"), (1, "orange")),
    )
    yield figure(
        "Files that wait",
        "Files that could not be read at all.",
        'sum(mlb_quarantine_rows{state="open", kind="file"})',
        steps=NONE_IS_GOOD,
    )
    yield figure(
        "Rows without an outcome",
        "Rows that came in less rows that have an outcome, over the newest deliveries. Anything but 0 is "
        "a defect.",
        "sum(abs(mlb_delivery_conservation_difference_rows))",
        steps=NONE_IS_GOOD,
    )
    yield figure(
        "Runs that lost or doubled rows",
        "Runs that ended since rows were not conserved. They committed nothing.",
        "sum(mlb_conservation_failures_total)",
        steps=NONE_IS_GOOD,
    )
    yield figure(
        "Contradictions",
        "Rows ever refused because two contradict each other: one person with two birth dates, two "
        "contents at "
        "one time.",
        "sum(mlb_collision_rows)",
        steps=((None, "green"), (1, "orange")),
    )


def _reasons() -> Iterator[Any]:
    yield over_time(
        "Open entries by reason",
        "Rules that failed; a row that failed two counts under both.",
        [("max by (reason) (mlb_quarantine_open_rows)", "{{reason}}")],
    )
    yield over_time(
        "Contradictions by reason",
        "Of all deliveries, in any state.",
        [("max by (reason) (mlb_collision_rows)", "{{reason}}")],
    )


def _deliveries() -> Iterator[Any]:
    yield listing(
        "Open entries by delivery and reason",
        "Where to begin: `spark-jobs quarantine show` with the delivery.",
        [("Rows", "max by (delivery, reason) (mlb_delivery_quarantine_open_rows)", "short")],
        "delivery",
        {"delivery": "Delivery", "reason": "Reason"},
        span=12,
    )
    yield listing(
        "Conservation by delivery",
        "Rows in, rows without an outcome and seconds of the newest etl of each delivery.",
        [
            ("Rows in", 'max by (delivery) (mlb_delivery_rows{mlb_job="etl", outcome="rows_in"})', "short"),
            (
                "Without an outcome",
                "max by (delivery) (abs(mlb_delivery_conservation_difference_rows))",
                "short",
            ),
            ("Refused", "max by (delivery) (mlb_delivery_quarantine_ratio)", "percentunit"),
            ("Seconds", 'max by (delivery) (mlb_delivery_run_seconds{mlb_job="etl"})', "s"),
        ],
        "delivery",
        {"delivery": "Delivery"},
        span=12,
    )
    yield over_time(
        "Share of refused rows by delivery",
        "The line is where the alert begins.",
        [("max by (delivery) (mlb_delivery_quarantine_ratio)", "{{delivery}}")],
        "percentunit",
        ((None, "green"), (QUARANTINE_RATIO, "red")),
    )
    yield over_time(
        "Unusual figures by delivery",
        "Of a delivery's number of good rows and its payroll, how many are unlike those of the deliveries "
        "before it. One that is very unlike is not loaded before a person lets it pass.",
        [("max by (delivery) (mlb_delivery_unusual_figures)", "{{delivery}}")],
        steps=((None, "green"), (1, "orange")),
    )
    yield over_time(
        "Contradictions by delivery",
        "Rows of a delivery that contradict others, of it or of an earlier one.",
        [("max by (delivery, reason) (mlb_delivery_collision_rows)", "{{delivery}} {{reason}}")],
    )


def _outcomes() -> Iterator[Any]:
    yield over_time(
        "Rows by outcome",
        "Over all runs of etl: a delivery that ran twice counts twice.",
        [('sum by (outcome) (mlb_rows_total{mlb_job="etl", outcome!="rows_in"})', "{{outcome}}")],
    )
    yield over_time(
        "Late, repeated and unchanged rows",
        "What load did with staged rows: late ones went into the history, behind newer ones of their key.",
        [('sum by (outcome) (mlb_rows_total{mlb_job="load", outcome!="rows_in"})', "{{outcome}}")],
    )
    yield over_time(
        "The quarantine by state",
        "open: waits; replayed: came back; rejected: a person decided; superseded: sent again.",
        [("sum by (state, kind) (mlb_quarantine_rows)", "{{kind}} {{state}}")],
        span=24,
    )
