"""The report's figures: one function a figure, from plain rows to a plotly figure.

Rows are dicts with the columns of the Gold tables or of the ledger, money as numbers. The colours
are those of Okabe and Ito, which people who see colours differently can tell apart.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

Rows = Sequence[Mapping[str, Any]]

BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
YELLOW, GREY, LIGHT, INK = "#E69F00", "#8C8C8C", "#CFCFCF", "#24292F"
HIGHLIGHTS = (BLUE, ORANGE, GREEN, PURPLE, YELLOW)
LEAGUES = {"AL": BLUE, "NL": ORANGE}

STAGES = {"ingest": SKY, "etl": BLUE, "load": GREEN, "aggregate": YELLOW}
REFUSED = {"duplicate": SKY, "superseded": YELLOW, "quarantined": ORANGE}
#: What a delivery's figure is against those before it: its verdicts, colour and mark.
VERDICTS = {
    "as usual": (("usual",), GREEN, "circle"),
    "nothing to compare with": (("unknown",), GREY, "circle-open"),
    "unusual: loaded with a warning": (("low", "high"), YELLOW, "diamond"),
    "very unusual: a person decides": (("very_low", "very_high"), ORANGE, "x"),
}
#: So many of the newest deliveries are shown.
DELIVERIES = 60

POSITIONS = {
    "P": "Pitcher",
    "C": "Catcher",
    "1B": "First base",
    "2B": "Second base",
    "3B": "Third base",
    "SS": "Shortstop",
    "LF": "Left field",
    "CF": "Centre field",
    "RF": "Right field",
    "DH": "Designated hitter",
    "PH": "Pinch hitter",
    "MGR": "Manager",
    "none": "No game played",
}


def newest_season(rows: Rows) -> int:
    """The newest season of some rows that are not none."""
    return max(row["season"] for row in rows)


def of_season(rows: Rows, season: int) -> list[Mapping[str, Any]]:
    """The rows of one season."""
    return [row for row in rows if row["season"] == season]


def last_successes(runs: Rows) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The newest successful run of each job and delivery; `runs` are in order of their start."""
    done = [run for run in runs if run["outcome"] == "succeeded" and run["delivery_date"]]
    return {(run["job"], str(run["delivery_date"])): run for run in done}


def payroll_by_team(rows: Rows) -> go.Figure:
    """A line for each team and league over the seasons; the five that pay most now in colour."""
    now = of_season(rows, newest_season(rows))
    paying = sorted((r for r in now if r["payroll"]), key=lambda r: -r["payroll"])
    colours = dict(zip(dict.fromkeys(r["team_id"] for r in paying), HIGHLIGHTS, strict=False))
    newest = {(row["team_id"], row["league"]) for row in now}
    lines: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda r: r["season"]):
        lines.setdefault((row["team_id"], row["league"]), []).append(row)
    # The grey lines first, so that the coloured ones lie on top and the legend lists them by rank.
    order = list(colours)
    by_rank = sorted(lines, key=lambda key: order.index(key[0]) if key[0] in colours else -1)
    figure, leagues = go.Figure(), []
    for key in by_rank:
        team, league = key
        figure.add_trace(_team_line(team, league, lines[key], colours.get(team), key in newest))
        leagues.append(league)
    figure.add_trace(_legend_line("other teams", LIGHT))
    _league_buttons(figure, [*leagues, None])
    _style(figure, "season", "payroll (US dollars)", 520)
    seasons = [row["season"] for row in rows]
    figure.update_xaxes(range=[min(seasons) - 0.7, max(seasons) + 0.7])
    figure.update_yaxes(tickprefix="$", rangemode="tozero")
    return figure


def _team_line(team: str, league: str, rows: Rows, colour: str | None, in_legend: bool) -> go.Scatter:
    ranks = [row["payroll_rank"] or "unknown" for row in rows]
    return go.Scatter(
        x=[row["season"] for row in rows],
        y=[row["payroll"] for row in rows],
        customdata=ranks,
        name=team,
        legendgroup=team if colour else "other",
        showlegend=bool(colour) and in_legend,
        mode="lines",
        line={"color": colour or LIGHT, "width": 2.8 if colour else 1},
        hovertemplate=f"{team} ({league}) %{{x}}: $%{{y:,.0f}}, rank %{{customdata}}<extra></extra>",
    )


def _legend_line(name: str, colour: str) -> go.Scatter:
    """An entry of the legend that stands for many lines."""
    line = {"color": colour, "width": 2}
    return go.Scatter(x=[None], y=[None], name=name, legendgroup="other", mode="lines", line=line)


def _league_buttons(figure: go.Figure, leagues: list[str | None]) -> None:
    buttons = [{"label": "All leagues", "method": "update", "args": [{"visible": True}]}]
    for chosen in sorted({league for league in leagues if league}):
        shown = [league in (chosen, None) for league in leagues]
        buttons.append({"label": chosen, "method": "update", "args": [{"visible": shown}]})
    place = {"x": 1, "xanchor": "right", "y": -0.09, "yanchor": "top"}
    look = {"bgcolor": "white", "bordercolor": LIGHT}
    figure.update_layout(
        updatemenus=[{"type": "buttons", "direction": "left", "buttons": buttons, **place, **look}]
    )


def league_salaries(rows: Rows) -> go.Figure:
    """Each league's median salary and the Gini coefficient of its payrolls over the seasons."""
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.07)
    for league in sorted({row["league"] for row in rows}):
        of_league = sorted((r for r in rows if r["league"] == league), key=lambda r: r["season"])
        for panel, name, shape in (
            (1, "median_salary", "$%{y:,.0f}"),
            (2, "payroll_gini", "%{y:.3f}"),
        ):
            line = go.Scatter(
                x=[row["season"] for row in of_league],
                y=[row[name] for row in of_league],
                name=league,
                legendgroup=league,
                showlegend=panel == 1,
                mode="lines",
                line={"color": LEAGUES.get(league, PURPLE), "width": 2.5},
                hovertemplate=f"{league} %{{x}}: {shape}<extra></extra>",
            )
            figure.add_trace(line, row=panel, col=1)
    _style(figure, None, "median salary<br>(US dollars)", 520)
    figure.update_xaxes(title="season", row=2)
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(tickprefix="$", row=1)
    figure.update_yaxes(title="Gini coefficient<br>of payrolls (0 to 1)", row=2)
    return figure


def salaries_by_position(rows: Rows, season: int) -> go.Figure:
    """The middle half of each position's salaries as a bar, the median as a mark."""
    known = [row for row in of_season(rows, season) if row["median_salary"] is not None]
    if not known:
        return _nothing("No position has three known salaries in this season.")
    known.sort(key=lambda row: row["median_salary"])
    names = [POSITIONS.get(row["position"], row["position"]) for row in known]
    ends_x, ends_y = [], []
    for name, row in zip(names, known, strict=True):
        ends_x += [row["p25_salary"], row["p75_salary"], None]
        ends_y += [name, name, None]
    middle = go.Scatter(x=ends_x, y=ends_y, name="25th to 75th percentile", mode="lines", hoverinfo="skip")
    middle.line = {"color": SKY, "width": 16}
    columns = ("p25_salary", "p75_salary", "paid_headcount")
    median = go.Scatter(
        x=[row["median_salary"] for row in known],
        y=names,
        customdata=[[row[column] for column in columns] for row in known],
        name="median",
        mode="markers",
        marker={"color": INK, "size": 18, "symbol": "line-ns", "line": {"width": 3, "color": INK}},
        hovertemplate="%{y}: median $%{x:,.0f}<br>middle half $%{customdata[0]:,.0f} to "
        "$%{customdata[1]:,.0f}<br>%{customdata[2]:,} paid<extra></extra>",
    )
    figure = go.Figure([middle, median])
    _style(figure, "salary (US dollars, logarithmic axis)", None, 130 + 30 * len(known))
    ticks = [digit * 10**power for power in range(3, 9) for digit in (1, 2, 5)]
    figure.update_xaxes(type="log", tickprefix="$", tickvals=ticks, tickformat="~s")
    figure.update_yaxes(categoryorder="array", categoryarray=names, ticklabelstandoff=6)
    return figure


def roster_movement(rows: Rows, season: int) -> go.Figure:
    """People who left, stayed and joined by team, and the share that stayed, by that share."""
    teams = [row for row in of_season(rows, season) if row["retained"] is not None]
    if not teams:
        return _nothing("This is the first season of the data: there is none before to compare with.")
    teams.sort(key=lambda row: (row["retention_rate"] or 0, row["team_id"]))
    names = [row["team_id"] for row in teams]
    figure = make_subplots(cols=2, column_widths=[0.68, 0.32], shared_yaxes=True)
    parts = (("left", ORANGE, -1), ("retained", GREY, 1), ("joined", BLUE, 1))
    for part, colour, side in parts:
        bar = _bars([side * row[part] for row in teams], names, part, colour, horizontal=True)
        bar.customdata = [row[part] for row in teams]
        bar.hovertemplate = f"%{{y}}: %{{customdata}} {part}<extra></extra>"
        figure.add_trace(bar, row=1, col=1)
    rates = _bars([row["retention_rate"] for row in teams], names, "rate", GREEN, horizontal=True)
    rates.texttemplate, rates.textposition, rates.showlegend = "%{x:.0%}", "outside", False
    rates.hovertemplate = "%{y}: %{x:.1%} retained<extra></extra>"
    figure.add_trace(rates, row=1, col=2)
    _style(figure, "people", None, 130 + 21 * len(teams))
    ticks = list(range(-100, 101, 20))
    figure.update_layout(barmode="relative", bargap=0.25)
    figure.update_xaxes(tickvals=ticks, ticktext=[str(abs(tick)) for tick in ticks], col=1)
    figure.update_xaxes(title="retention (%)", tickformat=".0%", range=[0, 1.1], col=2)
    figure.update_yaxes(type="category", dtick=1, title="team", col=1)
    return figure


def rows_by_outcome(runs: Rows) -> go.Figure:
    """What became of each delivery's rows: the staged above, all others below on their own axis."""
    rows = {date: run["rows"] for (job, date), run in last_successes(runs).items() if job == "etl"}
    dates = sorted(rows)[-DELIVERIES:]
    if not dates:
        return _nothing("No delivery has been staged yet.")
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.42, 0.58])
    staged = [rows[date].get("staged", 0) for date in dates]
    bar = _labelled(_bars(dates, staged, "staged", BLUE), "outside")
    figure.add_trace(bar, row=1, col=1)
    for outcome, colour in REFUSED.items():
        counts = [rows[date].get(outcome, 0) for date in dates]
        figure.add_trace(_bars(dates, counts, outcome, colour), row=2, col=1)
    _style(figure, None, "rows not staged", 480)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(type="category")
    figure.update_xaxes(title="delivery", row=2)
    # Ten times the room above the tallest bar: there its number stands.
    top = max(*staged, 1) * 10
    digits = len(str(int(top)))
    figure.update_yaxes(title="rows staged (log)", type="log", range=[0, digits - 0.6], row=1)
    figure.update_yaxes(tickvals=[10**n for n in range(digits)], row=1)
    return figure


def quality_over_time(rows: Rows) -> go.Figure:
    """Each delivery's good rows, the share that was refused, and its payroll; what is unusual is marked."""
    shown = sorted(rows, key=lambda row: row["delivery_date"])[-DELIVERIES:]
    if not shown:
        return _nothing("No delivery has been told of yet: its table comes with the next aggregate.")
    figure = make_subplots(rows=3, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.38, 0.24, 0.38])
    dates = [str(row["delivery_date"]) for row in shown]
    legend: set[str] = set()
    for panel, figure_of, verdict, told in (
        (1, "rows_accepted", "rows_verdict", "%{y:,} good rows"),
        (3, "payroll", "payroll_verdict", "$%{y:,.0f} payroll"),
    ):
        values = [row[figure_of] for row in shown]
        line = go.Scatter(x=dates, y=values, mode="lines", line={"color": LIGHT, "width": 2})
        line.showlegend, line.hoverinfo = False, "skip"
        figure.add_trace(line, row=panel, col=1)
        for meaning, (verdicts, colour, symbol) in VERDICTS.items():
            marks = [v if row[verdict] in verdicts else None for row, v in zip(shown, values, strict=True)]
            if all(mark is None for mark in marks):
                continue
            points = go.Scatter(x=dates, y=marks, name=meaning, legendgroup=meaning, mode="markers")
            points.marker = {"color": colour, "symbol": symbol, "size": 10}
            points.showlegend = meaning not in legend
            points.hovertemplate = f"%{{x}}: {told}, {meaning}<extra></extra>"
            legend.add(meaning)
            figure.add_trace(points, row=panel, col=1)
    shares = _bars(dates, [row["quarantine_share"] for row in shown], "refused", YELLOW)
    shares.showlegend = False
    shares.hovertemplate = "%{x}: %{y:.2%} of the rows refused<extra></extra>"
    figure.add_trace(shares, row=2, col=1)
    _style(figure, None, "good rows (log)", 620)
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=dates)
    figure.update_xaxes(title="delivery", row=3)
    for panel, figure_of in ((1, "rows_accepted"), (3, "payroll")):
        figure.update_yaxes(type="log", row=panel, **_powers(row[figure_of] for row in shown))
    figure.update_yaxes(title="refused (%)", tickformat=".0%", rangemode="tozero", row=2)
    figure.update_yaxes(title="payroll (log,<br>US dollars)", tickprefix="$", row=3)
    return figure


def _powers(values: Iterable[float | None]) -> dict[str, Any]:
    """Ticks at the powers of ten around some values, for a logarithmic axis."""
    known = [value for value in values if value]
    if not known:
        return {}
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    step = max(1, math.ceil((high - low) / 6))
    powers = range(low, high + 1, step)
    return {
        "range": [low - 0.2, high + 0.2],
        "tickvals": [10**power for power in powers],
        "ticktext": [_round(10**power) for power in powers],
    }


def _round(power: int) -> str:
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if power >= size:
            return f"{power // size}{letter}"
    return str(power)


def quarantine_reasons(reasons: Mapping[str, int]) -> go.Figure:
    """How many open rows of the quarantine have each reason."""
    if not reasons:
        return _nothing("The quarantine has no open rows.")
    codes = sorted(reasons, key=lambda code: (reasons[code], code))
    counts = [reasons[code] for code in codes]
    bar = _labelled(_bars(counts, codes, "open", ORANGE, horizontal=True), "outside")
    figure = go.Figure(bar)
    _style(figure, "open rows and files", None, 110 + 26 * len(codes))
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[0, max(counts) * 1.1])
    figure.update_yaxes(type="category", dtick=1, ticklabelstandoff=6)
    return figure


def seconds_by_stage(runs: Rows) -> go.Figure:
    """How long each stage of each delivery took."""
    done = last_successes(runs)
    dates = sorted({date for _, date in done})[-DELIVERIES:]
    if not dates:
        return _nothing("No run has succeeded yet.")
    figure = go.Figure()
    for stage, colour in STAGES.items():
        seconds = [done[stage, date]["seconds"] if (stage, date) in done else 0 for date in dates]
        bar = _bars(dates, seconds, stage, colour)
        bar.hovertemplate = f"%{{x}}: {stage} %{{y:.1f}} s<extra></extra>"
        figure.add_trace(bar)
    _style(figure, "delivery", "seconds", 380)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(type="category")
    return figure


def _bars(x: Iterable, y: Iterable, name: str, colour: str, horizontal: bool = False) -> go.Bar:
    labels, values = ("%{y}", "%{x:,}") if horizontal else ("%{x}", "%{y:,}")
    return go.Bar(
        x=list(x),
        y=list(y),
        name=name,
        orientation="h" if horizontal else "v",
        marker={"color": colour},
        hovertemplate=f"{labels}: {values} {name}<extra></extra>",
    )


def _labelled(bar: go.Bar, where: str) -> go.Bar:
    """The bar with its values as numbers beside it."""
    bar.texttemplate = "%{x:,}" if bar.orientation == "h" else "%{y:,}"
    bar.textposition, bar.cliponaxis = where, False
    return bar


def _style(figure: go.Figure, x: str | None, y: str | None, height: int) -> None:
    """The look that all figures share, and the titles of their axes."""
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 10, "r": 20, "t": 50, "b": 10},
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        hoverlabel={"bgcolor": "white"},
    )
    figure.update_xaxes(title=x, automargin=True, zerolinecolor=LIGHT)
    figure.update_yaxes(title=y, automargin=True, zerolinecolor=LIGHT)


def _nothing(sentence: str) -> go.Figure:
    """A figure that says why it is empty."""
    figure = go.Figure()
    _style(figure, None, None, 140)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=sentence, showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5)
    return figure
