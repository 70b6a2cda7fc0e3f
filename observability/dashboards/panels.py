"""The few kinds of panels that the dashboards are made of, each with title, meaning, unit and query.

Every query is for Prometheus; `$datasource`, `$namespace` (of the jobs) and `$airflow_url` are variables of
the dashboards, which the charts fill.
"""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import dashboard as builder
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "mlb-employee-data-platform"
#: A panel's height, in Grafana's units, and the width of a whole row.
HEIGHT, FULL = 8, 24

#: A query and what its series are called, in the legend's `{{label}}` form.
Query = tuple[str, str]
#: Values from which on a figure has a colour: the first is for everything below.
Steps = Sequence[tuple[float | None, str]]
GOOD: Steps = ((None, "green"),)
NONE_IS_GOOD: Steps = ((None, "green"), (1, "red"))


def board(
    uid: str, title: str, about: str, rows: Sequence[tuple[str, Sequence[Builder]]]
) -> model.Dashboard:
    """A dashboard of rows of panels, with links to the other two."""
    made = (
        builder.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags([TAG])
        .refresh("1m")
        .time("now-7d", "now")
        .timezone("utc")
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(
            builder.DashboardLink("The platform's dashboards")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
        )
        .link(builder.DashboardLink("Airflow").type(model.DashboardLinkType.LINK).url("${airflow_url}"))
        .with_variable(builder.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(
            builder.TextBoxVariable("namespace").label("Namespace of the jobs").default_value("mlb")
        )
        .with_variable(
            builder.TextBoxVariable("airflow_url").label("Airflow").default_value("http://localhost:8080")
        )
    )
    for name, panels in rows:
        made.with_row(builder.Row(name))
        for panel in panels:
            made.with_panel(panel)
    return made.build()


def figure(
    title: str,
    about: str,
    query: str,
    unit: str = "short",
    steps: Steps = GOOD,
    name: str = "",
    span: int = 4,
) -> stat.Panel:
    """The newest value of each series, coloured by thresholds; `name` names series by their labels."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .with_target(_query("A", query, name).instant())
        .unit(unit)
        .thresholds(_thresholds(steps))
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .graph_mode(common.BigValueGraphMode.NONE)
        .reduce_options(common_builder.ReduceDataOptions().calcs(["lastNotNull"]))
        .height(4)
        .span(span)
    )


def state(
    title: str, about: str, query: str, words: dict[int, tuple[str, str]], name: str = "", span: int = 4
) -> stat.Panel:
    """A figure that stands for words: value → (word, colour)."""
    options = {
        str(value): model.ValueMappingResult(text=word, color=color)
        for value, (word, color) in words.items()
    }
    steps = [(None, "text"), *((value, color) for value, (_, color) in sorted(words.items()))]
    return figure(title, about, query, "none", steps, name, span).mappings(
        [model.ValueMap(options=options)]
    )


def over_time(
    title: str,
    about: str,
    queries: Sequence[Query],
    unit: str = "short",
    steps: Steps = (),
    span: int = 12,
    stacked: bool = False,
) -> timeseries.Panel:
    """Lines over time, or stacked bars; thresholds are lines, too."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .height(HEIGHT)
        .span(span)
        .legend(
            common_builder.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.RIGHT)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
        .fill_opacity(60 if stacked else 5)
    )
    if stacked:
        panel.draw_style(common.GraphDrawStyle.BARS).stacking(
            common_builder.StackingConfig().mode(common.StackingMode.NORMAL)
        )
    if steps:
        panel.thresholds(_thresholds(steps)).thresholds_style(
            common_builder.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    for letter, (query, name) in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(_query(letter, query, name))
    return panel


def listing(
    title: str,
    about: str,
    columns: Sequence[tuple[str, str, str]],
    key: str,
    labels: dict[str, str],
    span: int = FULL,
    links: dict[str, str] | None = None,
    first: str = "",
) -> table.Panel:
    """A table of newest values, one row for each value of the label `key`.

    columns: name, query and unit of each column of values. labels: label → name of its column; a query's
    other labels are left out. links: name of a column → where its cells lead to. first: the column whose
    largest values come first.
    """
    panel = table.Panel().title(title).description(about).datasource(SOURCE).height(HEIGHT).span(span)
    if first:
        panel.sort_by([common_builder.TableSortByFieldState().display_name(first).desc(True)])
    names = dict(labels)
    for letter, (name, query, unit) in zip("ABCDEFGH", columns, strict=False):
        panel.with_target(_query(letter, query, "").instant().format(PromQueryFormat.TABLE))
        value = "Value" if len(columns) == 1 else f"Value #{letter}"
        names[value] = name
        panel.override_by_name(name, [model.DynamicConfigValue("unit", unit)])
    for name, url in (links or {}).items():
        link = {"title": f"Open {name.lower()}", "url": url, "targetBlank": True}
        panel.override_by_name(name, [model.DynamicConfigValue("links", [link])])
    if len(columns) > 1:
        panel.with_transformation(
            model.DataTransformerConfig("joinByField", options={"byField": key, "mode": "outer"})
        )
    panel.with_transformation(
        model.DataTransformerConfig("filterFieldsByName", options={"include": {"names": list(names)}})
    )
    panel.with_transformation(
        model.DataTransformerConfig(
            "organize",
            options={
                "renameByName": names,
                "indexByName": {each: place for place, each in enumerate(names)},
            },
        )
    )
    return panel


def _query(letter: str, query: str, name: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(" ".join(query.split())).ref_id(letter).datasource(SOURCE)
    return made.legend_format(name) if name else made


def _thresholds(steps: Steps) -> builder.ThresholdsConfig:
    found = [model.Threshold(value=value, color=color) for value, color in steps]
    return builder.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(found)
