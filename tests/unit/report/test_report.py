"""The report from plain rows: figures, page and printed tables. No Spark."""

import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from spark_jobs.errors import UsageError
from spark_jobs.report import figures, page, tables
from spark_jobs.sample_feed import ATTRIBUTION


def team(season, team_id, payroll, rank, league="AL"):
    return {
        "season": season,
        "team_id": team_id,
        "league": league,
        "headcount": 40,
        "paid_headcount": 30,
        "payroll": payroll,
        "mean_salary": 4_100_000.4,
        "median_salary": 1_234_567.0,
        "p90_salary": 9_000_000.0,
        "max_salary": 25_000_000.0,
        "league_payroll_share": 0.125,
        "payroll_rank": rank,
        "league_payroll_rank": rank,
    }


def position(name, low, median, high):
    return {
        "season": 2016,
        "position": name,
        "headcount": 12,
        "paid_headcount": 10,
        "payroll": 12_000_000.0,
        "p25_salary": low,
        "median_salary": median,
        "p75_salary": high,
    }


def movement(team_id, joined, left, retained, rate, season=2016):
    return {
        "season": season,
        "team_id": team_id,
        "joined": joined,
        "left": left,
        "retained": retained,
        "arrived_from_team": joined,
        "retention_rate": rate,
    }


def league(season, name, median, gini):
    return {
        "season": season,
        "league": name,
        "headcount": 700,
        "payroll": 2_000_000_000.0,
        "median_salary": median,
        "payroll_gini": gini,
        "median_age": 28.0,
    }


def run(job, day, seconds=1.0, outcome="succeeded", rows=None, error=None):
    return {
        "started": f"2026-01-{day:02} 01:02:03",
        "job": job,
        "delivery_date": dt.date(2023, 10, day),
        "outcome": outcome,
        "seconds": seconds,
        "rows": rows or {},
        "error": error,
    }


TEAMS = [
    *(team(2015, name, 1e6 * n, 7 - n) for n, name in enumerate("ABCDEF", 1)),
    *(team(2016, name, 1e6 * n, 7 - n) for n, name in enumerate("ABCDEF", 1)),
    team(2015, "SEN", None, None),
]
POSITIONS = [position("P", 5e5, 1e6, 3e6), position("1B", 6e5, 4e6, 8e6)]
POSITIONS.append(position("MGR", None, None, None))
MOVEMENT = [movement("A", 20, 10, 30, 0.75), movement("B", 5, 20, 20, 0.5)]
LEAGUES = [league(2016, "AL", 2e6, 0.2), league(2015, "AL", 1e6, 0.1), league(2016, "NL", 1e6, 0.3)]
RUNS = [
    run("ingest", 1, 2.0),
    run("etl", 1, 9.0, rows={"rows_in": 9, "staged": 8, "quarantined": 1}),
    run("etl", 1, 3.0, rows={"rows_in": 9, "staged": 7, "duplicate": 1, "quarantined": 1}),
    run("etl", 1, 4.0, outcome="failed", error="It [broke] in row 7."),
    run("etl", 2, 5.0, rows={"rows_in": 4, "staged": 0, "superseded": 4}),
]


def quality(day, **changes):
    told = {
        "delivery_date": dt.date(2023, 10, day),
        "status": "loaded",
        "rows_delivered": 1_000,
        "rows_accepted": 900,
        "rows_duplicate": 40,
        "rows_superseded": 10,
        "rows_refused": 50,
        "rows_withheld": 0,
        "conserved": True,
        "rows_late": 3,
        "refused_by_reason": {"salary_negative": 20, "team_unknown": 30},
        "quarantine_share": 0.05,
        "payroll": 5e6,
        "rows_verdict": "usual",
        "payroll_verdict": "unknown",
        "unusual_accepted": False,
    }
    return {**told, **changes}


QUALITY = [
    quality(2, rows_verdict="low"),
    quality(1),
    quality(3, status="waiting", rows_accepted=5, rows_verdict="very_low", conserved=False, payroll=None),
]
GOLD = {
    "gold/data_quality_daily": QUALITY,
    "gold/team_season_payroll": TEAMS,
    "gold/position_salaries": POSITIONS,
    "gold/roster_movement": MOVEMENT,
    "gold/league_season_summary": LEAGUES,
}


def content(**changes) -> page.Content:
    told = {
        "gold": GOLD,
        "runs": RUNS,
        "deliveries": 2,
        "employments": 42572,
        "open_rows": 3,
        "open_reasons": {"salary_negative": 2, "team_unknown": 1},
        "versions": {"silver/employees": 10},
        "dataset": "employees",
        "contract_version": "1.0.0",
        "generated": dt.datetime(2026, 1, 3, 4, 5, tzinfo=dt.UTC),
        "attribution": ATTRIBUTION,
    }
    return page.Content(**{**told, **changes})


def data(figure) -> list[Any]:
    return list(figure.data)


def traces(figure) -> dict[str, Any]:
    return {trace.name: trace for trace in data(figure)}


def printed(show, *arguments, width=140) -> str:
    out = io.StringIO()
    show(*arguments, Console(file=out, width=width, color_system=None))
    return out.getvalue()


def test_the_five_teams_that_pay_most_are_in_colour_and_named_by_rank():
    figure = figures.payroll_by_team(TEAMS)
    named = [trace.name for trace in data(figure) if trace.showlegend]
    assert named == ["F", "E", "D", "C", "B"]
    lines = traces(figure)
    assert lines["A"].line.color == lines["SEN"].line.color == figures.LIGHT
    assert lines["F"].line.color == figures.BLUE
    assert list(lines["F"].x) == [2015, 2016] and list(lines["F"].y) == [6e6, 6e6]
    assert list(lines["SEN"].y) == [None]


def test_a_league_can_be_chosen():
    figure = figures.payroll_by_team([*TEAMS, team(2016, "LAN", 5e5, 8, "NL")])
    layout: Any = figure.layout
    everything, american, national = layout.updatemenus[0].buttons
    assert everything.args[0]["visible"] is True
    shown = [
        t.name for t, visible in zip(data(figure), national.args[0]["visible"], strict=True) if visible
    ]
    assert shown == ["LAN", "other teams"]
    assert american.label == "AL"


def test_leagues_have_median_and_gini_in_the_order_of_seasons():
    median, gini, *_ = data(figures.league_salaries(LEAGUES))
    assert (list(median.x), list(median.y)) == ([2015, 2016], [1e6, 2e6])
    assert list(gini.y) == [0.1, 0.2]


def test_positions_without_known_salaries_are_left_out():
    middle, median = data(figures.salaries_by_position(POSITIONS, 2016))
    assert list(median.y) == ["Pitcher", "First base"]
    assert list(median.x) == [1e6, 4e6]
    assert list(middle.x) == [5e5, 3e6, None, 6e5, 8e6, None]


def test_roster_movement_is_sorted_by_retention_and_left_counts_to_the_left():
    bars = traces(figures.roster_movement(MOVEMENT, 2016))
    assert list(bars["left"].y) == ["B", "A"]
    assert list(bars["left"].x) == [-20, -10]
    assert list(bars["retained"].x) == [20, 30]
    assert list(bars["rate"].x) == [0.5, 0.75]


def test_outcomes_are_of_the_last_successful_etl():
    bars = traces(figures.rows_by_outcome(RUNS))
    assert list(bars["staged"].x) == ["2023-10-01", "2023-10-02"]
    assert list(bars["staged"].y) == [7, 0]
    assert list(bars["duplicate"].y) == [1, 0]
    assert list(bars["superseded"].y) == [0, 4]
    assert list(bars["quarantined"].y) == [1, 0]


def test_the_quality_of_deliveries_is_in_their_order_and_the_unusual_ones_are_marked():
    marks = traces(figures.quality_over_time(QUALITY))
    days = ["2023-10-01", "2023-10-02", "2023-10-03"]
    usual, warned = marks["as usual"], marks["unusual: loaded with a warning"]
    assert list(usual.x) == days and list(usual.y) == [900, None, None]
    assert list(warned.y) == [None, 900, None]
    assert list(marks["very unusual: a person decides"].y) == [None, None, 5]
    assert list(marks["refused"].y) == [0.05] * 3
    assert list(marks["nothing to compare with"].y) == [5e6, 5e6, None]


def test_the_table_of_deliveries_has_the_newest_first_and_says_what_does_not_add_up():
    text = page.render_page(content())
    rows = re.findall(r"<tr( class=\"odd\")?>(<td>.*?)</tr>", text)
    assert [bool(odd) for odd, _ in rows] == [True, True, False]
    cells = [re.findall(r"<td>(.*?)</td>", row) for _, row in rows]
    assert [row[0] for row in cells] == ["2023-10-03", "2023-10-02", "2023-10-01"]
    assert cells[0][1:4] == ["waiting", "1,000", "5"] and cells[0][-3:-1] == ["NO", "rows very low"]
    assert cells[2][-3:] == ["yes", "–", "team_unknown 30, salary_negative 20"]


def test_deliveries_that_need_a_look_are_printed_and_no_others():
    text = printed(tables.show_unusual, QUALITY)
    assert "2023-10-02" in text and "2023-10-01" not in text
    assert re.search(r"2023-10-03 +waiting .*very_low .*NO", text)
    assert printed(tables.show_unusual, [quality(1)]) == ""


def test_seconds_are_of_the_last_successful_run_of_each_stage():
    bars = traces(figures.seconds_by_stage(RUNS))
    assert list(bars["ingest"].y) == [2.0, 0]
    assert list(bars["etl"].y) == [3.0, 5.0]


def test_reasons_have_the_greatest_on_top():
    (bar,) = data(figures.quarantine_reasons({"a": 1, "b": 3, "c": 2}))
    assert list(bar.y) == ["a", "c", "b"]  # a horizontal bar chart begins at the bottom


@pytest.mark.parametrize(
    "figure",
    [
        figures.salaries_by_position([], 2016),
        figures.roster_movement([movement("A", None, None, None, None)], 2016),
        figures.rows_by_outcome([]),
        figures.quarantine_reasons({}),
        figures.seconds_by_stage([]),
        figures.quality_over_time([]),
    ],
)
def test_an_empty_figure_says_why(figure):
    assert not figure.data
    assert figure.layout.annotations[0].text.endswith(".")


def test_the_page_holds_plotly_once_and_loads_nothing():
    text = page.render_page(content())
    assert text.count("* plotly.js v") == 1
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)\s*=", text)
    for section in page._SECTIONS:
        assert f'<section id="{section.anchor}">' in text
        assert f'href="#{section.anchor}"' in text
        assert f'id="figure-{section.anchor}"' in text


def test_the_page_tells_its_numbers_and_its_sources():
    text = page.render_page(content())
    for told in (
        "42,572",
        "$21.00 million",
        "2015 to 2016",
        "silver/employees 10",
        "2026-01-03 04:05",
    ):
        assert told in text
    assert "CC BY-SA 3.0" in text
    assert "CC BY-SA" not in page.render_page(content(attribution=None))


def test_texts_out_of_the_data_cannot_end_the_script():
    hostile = team(2016, "</script><b>", 9e9, 1)
    assert "</script><b>" not in page.render_page(
        content(gold={**GOLD, "gold/team_season_payroll": [hostile]})
    )


def test_no_error_of_a_run_is_on_the_page():
    assert "[broke]" not in page.render_page(content())


def test_the_report_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(page, "read_content", lambda *_: content())
    output = tmp_path / "new" / "report.html"
    page.write_report(None, None, None, output)  # pyright: ignore[reportArgumentType]
    assert output.read_text(encoding="utf-8").endswith("</html>\n")
    assert [file.name for file in output.parent.iterdir()] == ["report.html"]
    with pytest.raises(UsageError, match="cannot be written"):
        page.write_report(None, None, None, output / "below")  # pyright: ignore[reportArgumentType]


def show_gold(gold, console):
    tables.show_gold(gold, console)


def test_gold_is_printed_for_the_newest_season_with_units_and_separators():
    text = printed(show_gold, GOLD)
    assert "Team payroll, US dollars, season 2016" in text
    first = next(line for line in text.splitlines() if line.lstrip().startswith("1 "))
    assert first.split() == [
        *("1", "F", "AL", "40", "30", "6,000,000", "4,100,000", "1,234,567", "9,000,000"),
        *("25,000,000", "12.5%", "1"),
    ]
    assert "75.0%" in text and "0.300" in text
    assert re.search(r"MGR .*–", text)
    assert "SEN" not in text


def test_no_number_is_cut_on_a_terminal_of_eighty_columns():
    rows = [{**row, "payroll": 222_997_792.0, "team_id": "NYA"} for row in TEAMS]
    text = printed(show_gold, {**GOLD, "gold/team_season_payroll": rows}, width=80)
    assert "222,997,792  1,234,567  25,000,000  12.5%" in text
    assert max(map(len, text.splitlines())) <= 80


def test_gold_says_what_to_do_where_it_is_empty_or_has_no_such_season():
    assert "spark-jobs run" in printed(show_gold, {name: [] for name in GOLD})
    with pytest.raises(UsageError, match="no season 1900: it holds seasons from 2015 to 2016"):
        tables.show_gold(GOLD, Console(file=io.StringIO()), 1900)


def test_the_newest_runs_are_printed_with_their_errors_as_they_are():
    text = printed(tables.show_runs, [run("load", 30), *RUNS, *RUNS, *RUNS[:2]])
    assert "The last 12 runs" in text
    assert "load" not in text
    assert "rows_in=9 staged=7 duplicate=1 quarantined=1" in text
    assert "etl of 2023-10-01: It [broke] in row 7." in text


def test_the_quarantine_is_printed_by_reason_the_greatest_first():
    text = printed(tables.show_quarantine, 3, {"team_unknown": 1, "salary_negative": 1_200})
    assert text.index("salary_negative") < text.index("team_unknown")
    assert "1,200" in text
    assert "no open rows" in printed(tables.show_quarantine, 0, {})
