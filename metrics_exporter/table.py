"""`python -m metrics_exporter.table`: the catalogue as a table of Markdown, in docs/metrics.md."""

import sys
from pathlib import Path

from metrics_exporter.catalogue import METRICS

BEGIN, END = "<!-- the catalogue: make metrics-docs -->", "<!-- end of the catalogue -->"


def table() -> str:
    """A line for each metric."""
    lines = ["| metric | type | labels | what |", "|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |")
    return "\n".join(lines)


def with_table(page: str) -> str:
    """A page with the table between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(with_table(file.read_text()))
