"""Figures of the quarantine: entries by state, kind, delivery and reason. No record is read."""

from collections import Counter
from collections.abc import Iterable

from deltalake import DeltaTable

from metrics_exporter.lake import Rows, query
from metrics_exporter.ledger import newest_deliveries
from metrics_exporter.samples import Sample, samples

#: Reasons for which rows are refused that contradict each other.
COLLISIONS = ("identity_conflict", "sequence_conflict")
_STATES = ("open", "replayed", "rejected", "superseded")
_KINDS = ("row", "file")

_BY_STATE = "SELECT state, kind, count(*) AS entries FROM t GROUP BY state, kind"
# An entry may have one reason several times, for several columns: it counts once.
_BY_REASON = """
SELECT day, open, code, count(DISTINCT _row_id) AS entries
FROM (SELECT _row_id, _delivery_date AS day, state = 'open' AS open, unnest(reasons)['code'] AS code FROM t)
GROUP BY day, open, code
"""


def quarantine_samples(table: DeltaTable) -> list[Sample]:
    """Everything that the quarantine says."""
    return [*_by_state(query(table, _BY_STATE)), *_by_reason(query(table, _BY_REASON))]


def _by_state(rows: Rows) -> Iterable[Sample]:
    counts = {(state, kind): 0 for state in _STATES for kind in _KINDS}
    counts |= {(row["state"], row["kind"]): row["entries"] for row in rows}
    return samples("mlb_quarantine_rows", counts)


def _by_reason(rows: Rows) -> Iterable[Sample]:
    days = newest_deliveries(row["day"] for row in rows)
    opened: Counter[tuple[str, ...]] = Counter()
    opened_of_day: Counter[tuple[str, ...]] = Counter()
    collisions: Counter[tuple[str, ...]] = Counter({(code,): 0 for code in COLLISIONS})
    collisions_of_day: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        code, day, entries = row["code"], str(row["day"]), row["entries"]
        # A reason of which nothing is open any more stays, at 0: that it has gone is what people look for.
        opened[code,] += entries * row["open"]
        if code in COLLISIONS:
            collisions[code,] += entries
        if row["day"] not in days:
            continue
        opened_of_day[day, code] += entries * row["open"]
        if code in COLLISIONS:
            collisions_of_day[day, code] += entries
    yield from samples("mlb_quarantine_open_rows", opened)
    yield from samples("mlb_delivery_quarantine_open_rows", opened_of_day)
    yield from samples("mlb_collision_rows", collisions)
    yield from samples("mlb_delivery_collision_rows", collisions_of_day)
