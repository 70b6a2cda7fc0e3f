"""The table of docs/reliability.md: what has been tried of all that there is, and what was lost."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.reliability.journal import Entry, Sum, sums

#: Between these lines of the page stands the table; the rest is people's.
BEGIN, END = "<!-- table: written by make reliability -->", "<!-- end of the table -->"
_HEAD = """\
| tried | how often | of | lost | hours | between | at commits |
|---|---:|---:|---:|---:|---|---|
"""
_NOT_YET = Sum(0, 0, 0, ("-", "-"), ("-", "-"))


def write_page(page: Path, journal: Iterable[Entry], of_how_many: Mapping[str, Mapping[str, int]]) -> None:
    """Put the table into the page.

    `of_how_many`: of the rows whose trials are met one by one, how often each of these tries, by name; what
    the journal has under another name is of code that is no more, and is left out.
    """
    known = [e for e in journal if e.of not in of_how_many or e.what in of_how_many[e.of]]
    rows = {**dict.fromkeys(of_how_many, _NOT_YET), **sums(known)}
    lines = [_line(of, row, of_how_many.get(of)) for of, row in sorted(rows.items())]
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{_HEAD}{''.join(lines)}{END}{after}")


def _line(of: str, row: Sum, all_of_it: Mapping[str, int] | None) -> str:
    number = sum(all_of_it.values()) if all_of_it else row.tried
    cells = (of, f"{row.tried:,}", f"{number:,}", f"{row.lost:,}", f"{row.seconds / 3600:.1f}")
    return f"| {' | '.join((*cells, _span(row.days), _span(row.commits)))} |\n"


def _span(ends: tuple[str, str]) -> str:
    first, last = ends
    return first if first == last else f"{first}, {last}"
