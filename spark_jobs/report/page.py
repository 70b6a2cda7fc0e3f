"""The report: one HTML file that needs nothing but a browser, no network either."""

import contextlib
import datetime as dt
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.contracts.contract import Contract
from spark_jobs.errors import JobError, UsageError
from spark_jobs.gold import (
    data_quality_daily,
    league_season_summary,
    position_salaries,
    roster_movement,
    team_season_payroll,
)
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import LOADS, dataset_tables
from spark_jobs.report import figures
from spark_jobs.report.tables import Rows, all_tables, needs_a_look, read_gold, read_quarantine, read_runs
from spark_jobs.sample_feed import ATTRIBUTION
from spark_jobs.settings import Settings
from spark_jobs.usual import UNKNOWN, USUAL

_TEMPLATE = Path(__file__).with_name("page.html")
_PLOTLY = {"responsive": True, "displaylogo": False, "displayModeBar": False}


@dataclass(frozen=True)
class Content:
    """Everything that the page tells. Rows are sums and counts, never people."""

    gold: Mapping[str, Rows]
    runs: Rows
    deliveries: int
    employments: int
    open_rows: int
    open_reasons: Mapping[str, int]
    versions: Mapping[str, int]
    dataset: str
    contract_version: str
    generated: dt.datetime
    attribution: Mapping[str, Any] | None = None

    @property
    def season(self) -> int:
        """The newest season."""
        return figures.newest_season(self.teams)

    @property
    def quality(self) -> Rows:
        """What became of each delivery."""
        return self.gold[data_quality_daily.TABLE.name]

    @property
    def teams(self) -> Rows:
        """The payrolls of the teams."""
        return self.gold[team_season_payroll.TABLE.name]


@dataclass(frozen=True)
class _Section:
    """A figure with its title and one sentence that says what to see; `below` may stand a table."""

    anchor: str
    title: str
    caption: str
    draw: Callable[[Content], go.Figure]
    below: Callable[[Content], str] = lambda content: ""


_SECTIONS = (
    _Section(
        "payroll",
        "Payroll by team",
        "Each line is a team's sum of known salaries, in dollars of the time; the five teams that "
        "paid most in {season} are in colour (gold/team_season_payroll).",
        lambda content: figures.payroll_by_team(content.teams),
    ),
    _Section(
        "leagues",
        "Salaries and inequality by league",
        "Above the median of the known salaries, below how unequally the league's payroll is "
        "spread over its teams: 0 is all equal (gold/league_season_summary).",
        lambda content: figures.league_salaries(content.gold[league_season_summary.TABLE.name]),
    ),
    _Section(
        "positions",
        "Salaries by position, {season}",
        "A bar spans the middle half of a position's known salaries and the mark is their median; "
        "positions with fewer than three known salaries are left out (gold/position_salaries).",
        lambda content: figures.salaries_by_position(
            content.gold[position_salaries.TABLE.name], content.season
        ),
    ),
    _Section(
        "movement",
        "Roster movement, {before} to {season}",
        "Teams by retention rate, the share of their people of {before} whom they still employed "
        "in {season}, with those who left (left of zero), stayed and joined "
        "(gold/roster_movement).",
        lambda content: figures.roster_movement(content.gold[roster_movement.TABLE.name], content.season),
    ),
    _Section(
        "quality",
        "Data quality over time",
        "Each delivery's good rows, the share of its rows that was refused, and the payroll of its "
        "good rows. The marks say how rows and payroll compare with the median of the deliveries before "
        "(gold/data_quality_daily); below, what became of all rows of the newest {shown}.",
        lambda content: figures.quality_over_time(content.quality),
        lambda content: _quality_table(content.quality),
    ),
    _Section(
        "outcomes",
        "Rows by outcome",
        "What the last successful etl of each delivery made of its rows: above the staged ones on "
        "a logarithmic axis, below the others, so that these few can be seen at all (ops/runs).",
        lambda content: figures.rows_by_outcome(content.runs),
    ),
    _Section(
        "quarantine",
        "Why rows are in the quarantine",
        "Refused rows and files that nobody has mended yet, by reason; one with several reasons "
        "counts under each of them ({quarantine}).",
        lambda content: figures.quarantine_reasons(content.open_reasons),
    ),
    _Section(
        "seconds",
        "Seconds by stage",
        "How long the last successful run of each stage took for each delivery (ops/runs).",
        lambda content: figures.seconds_by_stage(content.runs),
    ),
)


def write_report(spark: SparkSession, settings: Settings, contract: Contract, output: Path) -> None:
    """Write the report to `output`, wholly or not at all.

    Raises JobError where there is no Gold yet, UsageError where the file cannot be written.
    """
    page = render_page(read_content(spark, settings, contract))
    draft = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(page, encoding="utf-8")
        os.replace(draft, output)
    except OSError as error:
        raise UsageError(f"The report cannot be written to {output}: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def read_content(spark: SparkSession, settings: Settings, contract: Contract) -> Content:
    """Read what the page tells; JobError where there is no Gold yet."""
    lake = Lake(spark, settings.lake_root)
    gold = read_gold(lake)
    if not gold[team_season_payroll.TABLE.name]:
        raise JobError("There is no Gold yet: run `spark-jobs run` first.")
    open_rows, open_reasons = read_quarantine(lake, contract)
    current = lake.read(dataset_tables(contract).current)
    loaded = lake.read(LOADS).where(F.col("dataset") == contract.dataset)
    versions = {table.name: lake.version(table) for table in all_tables(contract)}
    is_sample = storage.exists(spark, f"{settings.landing_root}/sample-feed.json")
    return Content(
        gold=gold,
        runs=read_runs(lake, contract),
        deliveries=loaded.select("_delivery_date").distinct().count(),
        employments=current.where(~F.col("is_deleted")).count(),
        open_rows=open_rows,
        open_reasons=open_reasons,
        versions={name: version for name, version in versions.items() if version >= 0},
        dataset=contract.dataset,
        contract_version=contract.version,
        generated=dt.datetime.now(dt.UTC),
        attribution=ATTRIBUTION if is_sample else None,
    )


def render_page(content: Content) -> str:
    """The page as text."""
    words = {
        "season": content.season,
        "before": content.season - 1,
        "quarantine": f"quarantine/{content.dataset}",
        "shown": _QUALITY_ROWS,
    }
    links = [f'<a href="#{s.anchor}">{_words(s.title, words)}</a>' for s in _SECTIONS]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=f"MLB {escape(content.dataset)}: what the lake holds",
        links="\n".join(links),
        cards="\n".join(_cards(content)),
        sections="\n".join(_section(section, content, words) for section in _SECTIONS),
        footer="\n".join(_footer(content)),
        plotly=get_plotlyjs(),
    )


def _words(text: str, words: Mapping[str, Any]) -> str:
    return escape(text.format(**words))


def _section(section: _Section, content: Content, words: Mapping[str, Any]) -> str:
    figure = section.draw(content).to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=f"figure-{section.anchor}",
        config=_PLOTLY,
    )
    return (
        f'<section id="{section.anchor}">\n'
        f'<h2><a href="#{section.anchor}">{_words(section.title, words)}</a></h2>\n'
        f"<p>{_words(section.caption, words)}</p>\n{figure}\n{section.below(content)}</section>"
    )


#: So many deliveries stand in the table, the newest first.
_QUALITY_ROWS = 14


def _quality_table(rows: Rows) -> str:
    """The newest deliveries and what became of their rows, as an HTML table."""
    newest = sorted(rows, key=lambda row: row["delivery_date"], reverse=True)[:_QUALITY_ROWS]
    if not newest:
        return ""
    names = "".join(f"<th>{escape(name)}</th>" for name in _QUALITY)
    body = "\n".join(map(_quality_line, newest))
    return f'<div class="table"><table>\n<tr>{names}</tr>\n{body}\n</table></div>\n'


def _quality_line(row: Mapping[str, Any]) -> str:
    cells = "".join(f"<td>{escape(text(row))}</td>" for text in _QUALITY.values())
    return f'<tr class="odd">{cells}</tr>' if needs_a_look(row) else f"<tr>{cells}</tr>"


def _count(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: "–" if row[name] is None else f"{row[name]:,}"


def _reasons(row: Mapping[str, Any]) -> str:
    by_count = sorted(row["refused_by_reason"].items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{code} {count:,}" for code, count in by_count) or "–"


def _verdicts(row: Mapping[str, Any]) -> str:
    named = (("rows", row["rows_verdict"]), ("payroll", row["payroll_verdict"]))
    told = [f"{name} {v.replace('_', ' ')}" for name, v in named if v not in (USUAL, UNKNOWN)]
    passed = " (let pass)" if row["unusual_accepted"] else ""
    return f"{', '.join(told)}{passed}" if told else "–"


_QUALITY: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "delivery": lambda row: str(row["delivery_date"]),
    "status": lambda row: row["status"],
    "delivered": _count("rows_delivered"),
    "good": _count("rows_accepted"),
    "late": _count("rows_late"),
    "duplicate": _count("rows_duplicate"),
    "superseded": _count("rows_superseded"),
    "refused": _count("rows_refused"),
    "withheld": _count("rows_withheld"),
    "adds up": lambda row: {True: "yes", False: "NO", None: "–"}[row["conserved"]],
    "unusual": _verdicts,
    "refused for": _reasons,
}


def _cards(content: Content) -> list[str]:
    seasons = sorted({row["season"] for row in content.teams})
    payroll = sum(row["payroll"] or 0 for row in figures.of_season(content.teams, content.season))
    done = [run for run in content.runs if run["outcome"] == "succeeded"]
    last = done[-1] if done else None
    cards = (
        ("Seasons", f"{len(seasons)}", f"{seasons[0]} to {seasons[-1]}"),
        ("Deliveries loaded", f"{content.deliveries:,}", ""),
        ("Current employments", f"{content.employments:,}", "an employee of a team in a season"),
        (f"Payroll of {content.season}", _dollars(payroll), "known salaries of all teams"),
        ("In the quarantine", f"{content.open_rows:,}", "open rows and files"),
        (
            "Last successful run",
            last["started"][:10] if last else "none",
            f"{last['started'][11:16]} UTC, {last['job']}" if last else "",
        ),
    )
    return [
        f'<div class="card"><dt>{escape(name)}</dt><dd>{escape(value)}'
        f"<small>{escape(about)}</small></dd></div>"
        for name, value, about in cards
    ]


def _dollars(amount: float) -> str:
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if amount >= size:
            return f"${amount / size:.2f} {name}"
    return f"${amount:,.0f}"


def _footer(content: Content) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in content.versions.items())
    lines = [
        f"Generated {content.generated:%Y-%m-%d %H:%M} UTC under version "
        f"{content.contract_version} of the contract of {content.dataset}.",
        f"Versions of the tables: {versions}.",
    ]
    if content.attribution:
        told = content.attribution
        lines += [
            f"Data: {told['work']}, by {told['creators']}, licence {told['licence']}.",
            " ".join(told["wording"]),
            told["changes"],
        ]
    return [f"<p>{escape(line)}</p>" for line in lines]
