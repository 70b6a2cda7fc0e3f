"""Bugs planted on purpose: each must make one invariant fail, or the invariant proves nothing.

Those of the model are branches in jobs.py and ways_back.py that name them; those of the log store are texts
of the real class. The ones marked as found were in the project's code until this simulation showed them.
"""

from dataclasses import dataclass

from tests.reliability.simulation.log_store import JavaBug


@dataclass(frozen=True)
class Bug:
    """What is done wrong, as the model names it, and the invariant that must notice."""

    breaks: str
    names: tuple[str, ...]
    #: A seed from which on it shows soon: the test need not try a thousand.
    near: int = 0


_GOLD_AS_IT_WAS = ("aggregate does not look again", "aggregate trusts Gold")
BUGS = (
    # Found: two drivers, and another delivery's commit between their looks.
    Bug("bronze_once", ("the number is the table's version",)),
    Bug("bronze_once", ("Bronze without a number",)),
    Bug("bronze_once", ("the manifest is the proof",)),
    # Found: two loads of one delivery; restore could not take the second mark away.
    Bug("marked_once", ("marks without a number",)),
    Bug("manifest_after_bronze", ("manifest before Bronze",)),
    Bug("no_commit_is_replaced", ("put without condition",)),
    Bug("no_point_in_between", ("restore without a mark",)),
    Bug("no_point_in_between", ("nobody waits",)),
    Bug("finished_by_running_again", ("the ledger of erasures comes last",)),
    Bug("silver_is_what_all_say", ("no look again",)),
    Bug("silver_is_what_all_say", ("marks after Silver",), near=450),
    # Found: a recovery beside a load.
    Bug("silver_is_what_all_say", ("looks at the marks alone",), near=590),
    # Found: two aggregates beside each other.
    Bug("gold_is_of_silver", _GOLD_AS_IT_WAS, near=100),
    Bug("gold_is_of_silver", ("ledger row before Gold",)),
    Bug("points_belong_together", ("the point is of Silver as it is then",)),
    # Found: jobs that began before a restore's mark.
    Bug("points_belong_together", ("the point is looked up after the mark",), near=30),
    Bug("points_belong_together", ("restore looks at versions alone",), near=4870),
    Bug("as_undisturbed", ("etl does not look again",), near=861),
    Bug("as_undisturbed", ("landing before the manifest",), near=150),
    Bug("as_undisturbed", ("only the season itself",)),
    Bug("erased_is_nowhere", ("ingest keeps nobody out",)),
    Bug("erased_is_nowhere", ("Bronze goes first",), near=390),
)

_SEND = "FSDataOutputStream sent = send(store, path, lines, true);"
JAVA_BUGS = (
    ("never_replaced", JavaBug(_SEND, _SEND.replace("true", "false"))),
    # A refusal is taken for one's own commit.
    (
        "done_is_there",
        JavaBug(
            "case ANOTHERS:\n            throw",
            "case ANOTHERS:\n            if (true) return;\n            throw",
        ),
    ),
    # What is not known is answered as done.
    (
        "done_is_there",
        JavaBug(
            "if (!isRefusal(failure) || uploads == MOST_UPLOADS) {",
            "if (!isRefusal(failure)) return;\n            if (uploads == MOST_UPLOADS) {",
        ),
    ),
    # An answer is believed, and nothing read back.
    (
        "taken_is_not_there",
        JavaBug("switch (present(store, path, lines, failure)) {", "switch (Present.ANOTHERS) {"),
    ),
    # One's own commit is taken for another's, and made once more at the next version.
    ("unknown_at_most_once", JavaBug("case OURS:\n            return;\n", "case OURS:\n")),
    # Nothing there is taken for another's commit.
    ("no_gap", JavaBug("return Present.NOTHING;", "return Present.ANOTHERS;")),
    # What has been sent is published though the rest of it cannot be.
    ("whole", JavaBug("      stream.abort();", "      stream.close();")),
    ("careless_store", JavaBug("      prove(store, path);\n", "")),
    (
        "calm_is_done",
        JavaBug(
            "throw (IOException) new FileAlreadyExistsException(path.toString()).initCause(failure);",
            "throw unknown(path, failure);",
        ),
    ),
)
