"""Plants bugs, one at a time in a copy of the tree, and shows that the tests catch each: `make planted`.

    python -m tests.reliability.planted              all of them, by hand: half an hour on two quiet cores
    python -m tests.reliability.planted --quick      those that tests without Spark catch: a minute or two
    python -m tests.reliability.planted NAME...      some of them
    … --result FILE                                  leaves there how many were planted, and how many unseen

A bug names the tests that must catch it. They are run on the tree as it is first, since a test that
fails anyway catches nothing. Ends with 1 where a bug has gone unseen.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

TREE = Path(__file__).parents[2]
#: pytest's exit codes that say something of the code; others are wrong usage, or no tests that can be read.
PASSED, FAILED = 0, 1

CSV = "tests/unit/landing/test_csv_file.py"
REDACTION = "tests/unit/landing/test_redaction.py"
PSEUDONYMS = "tests/unit/privacy/test_pseudonyms.py"
ERASURE = "tests/unit/privacy/test_erasure.py::test_a_record_of_the_person_goes"
USUAL = "tests/unit/test_usual.py"
GOLD = "tests/unit/gold/test_gold_tables.py"
QUALITY = "tests/unit/gold/test_data_quality_daily.py"
GOLDEN = "tests/golden/test_golden.py"
MISUSE = "tests/integration/test_misuse.py"
PIPELINE = "tests/integration/test_pipeline.py"
ANY_ORDER = "tests/integration/test_any_order.py"
SIDE_BY_SIDE = "tests/integration/test_side_by_side.py"
RECOVER = "tests/integration/test_recover.py"
LEDGER = "tests/unit/test_ledger.py"
LAKE = "tests/unit/lake/test_sync.py"
KNOWN = "tests/integration/test_known.py"
BOUNDS = "tests/integration/test_bounds.py"


@dataclass(frozen=True)
class Bug:
    """A mistake that somebody could make: in a file, a text that stands in it once becomes another one."""

    name: str
    file: str
    right: str
    wrong: str
    #: The tests that must catch it, as pytest's arguments.
    tests: tuple[str, ...]


QUICK = (
    Bug(
        "a record with too many fields is taken for a good one",
        "spark_jobs/landing/csv_file.py",
        "if len(values) != len(header):",
        "if len(values) < len(header):",
        (CSV,),
    ),
    Bug(
        "a header that lacks a column passes",
        "spark_jobs/landing/csv_file.py",
        "    if missing:\n",
        "    if len(missing) > 1:\n",
        (CSV,),
    ),
    Bug(
        "bytes that are not UTF-8 are dropped in silence",
        "spark_jobs/landing/csv_file.py",
        'text = io.TextIOWrapper(_unpacked(content), "utf-8-sig", "surrogateescape", newline="")',
        'text = io.TextIOWrapper(_unpacked(content), "utf-8-sig", "ignore", newline="")',
        (CSV,),
    ),
    Bug(
        "a small packed file may unpack to any size",
        "spark_jobs/landing/csv_file.py",
        "            if size > MAX_UNPACKED:\n",
        "            if len(content) > MAX_UNPACKED:\n",
        (CSV,),
    ),
    Bug(
        "the hash of a pseudonym has no key",
        "spark_jobs/privacy/pseudonyms.py",
        'return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()',
        'return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()',
        (PSEUDONYMS,),
    ),
    Bug(
        "equal values of two columns get one pseudonym",
        "spark_jobs/privacy/pseudonyms.py",
        'f"{kind}:{value}".encode()',
        'f"{value}".encode()',
        (PSEUDONYMS,),
    ),
    Bug(
        "everybody on the machine may read the key",
        "spark_jobs/privacy/pseudonyms.py",
        "os.O_EXCL, 0o600)",
        "os.O_EXCL, 0o644)",
        (PSEUDONYMS,),
    ),
    Bug(
        "an erased person comes back in capitals",
        "spark_jobs/privacy/erasure.py",
        'elif column.case == "lower":\n        text = text.lower()',
        'elif column.case == "lower":\n        text = text.strip()',
        (ERASURE,),
    ),
    Bug(
        "a redacted file loses its byte order mark",
        "spark_jobs/landing/redaction.py",
        '(mark + kept).encode("utf-8", "surrogateescape")',
        'kept.encode("utf-8", "surrogateescape")',
        (REDACTION,),
    ),
    Bug(
        "ten times the usual passes: > for >=",
        "spark_jobs/usual.py",
        "if value >= self.usual * self.stop:",
        "if value > self.usual * self.stop:",
        (USUAL,),
    ),
    Bug(
        "a law of conservation that looks away where rows are doubled",
        "spark_jobs/ledger.py",
        "if rows_in != sum(outcomes.values()):",
        "if rows_in > sum(outcomes.values()):",
        (LEDGER,),
    ),
)

SLOW = (
    Bug(
        "a dropped null-safe comparison: what becomes known is no change",
        "spark_jobs/sql.py",
        'f"{left}.{name} <=> {right}.{name}"',
        'f"{left}.{name} = {right}.{name}"',
        (LAKE,),
    ),
    Bug(
        "rows that are no longer wanted stay",
        "spark_jobs/lake/merging.py",
        'if "delete" in actions:',
        'if "delete" in actions and "update" in actions:',
        (LAKE,),
    ),
    Bug(
        "a lost race at a table is not looked at again",
        "spark_jobs/lake/conflicts.py",
        "CONFLICTS = (\n    exceptions.ConcurrentAppendException,\n",
        "CONFLICTS = (\n",
        (LAKE,),
    ),
    Bug(
        "of a large staging nobody reads who people are",
        "spark_jobs/jobs/known.py",
        "contract.operation, *identity_columns(contract)}",
        "contract.operation}",
        (KNOWN,),
    ),
    Bug(
        "two writers with one number both commit",
        "spark_jobs/lake/lake.py",
        "        if transaction:\n",
        "        if not transaction and table.grows:\n",
        (LAKE,),
    ),
    Bug(
        "a load does not look at what was staged anew beside it",
        "spark_jobs/jobs/load.py",
        " and not _staged_anew(job, staged.version, loaded)",
        "",
        (f"{SIDE_BY_SIDE}::test_a_load_sees_what_was_staged_anew_beside_it",),
    ),
    Bug(
        "an aggregate does not look at who has written Gold beside it",
        "spark_jobs/jobs/aggregate.py",
        "if not any(moved_by_others(job.lake, t, before[t.name], signature) for t, _ in GOLD):",
        "if before:",
        (f"{SIDE_BY_SIDE}::test_an_aggregate_of_an_older_silver_does_not_have_the_last_word",),
    ),
    Bug(
        "a recovery whose Gold has failed counts as done",
        "spark_jobs/jobs/recover.py",
        "failed, done = [*failed, gold], []",
        "failed = [*failed, gold]",
        (f"{RECOVER}::test_a_recovery_whose_gold_failed_is_finished_by_the_next",),
    ),
    Bug(
        "whoever has been erased comes back by a correction",
        "spark_jobs/jobs/recover.py",
        "if c.record and rule.people_in(json.dumps(c.record))",
        "if not c.record and rule.people_in(json.dumps(c.record))",
        (f"{RECOVER}::test_nobody_who_has_been_erased_is_mended_back",),
    ),
    Bug(
        "who somebody is comes from the delivery that repeats it",
        "spark_jobs/silver/versions.py",
        "isin(HELD, REPEATED) & ~_is_delete(contract)",
        "isin(HELD) & ~_is_delete(contract)",
        (BOUNDS,),
    ),
    Bug(
        "the oldest row of a key wins: asc for desc in the sequence",
        "spark_jobs/silver/batch.py",
        ".orderBy(F.desc(contract.sequence))",
        ".orderBy(F.asc(contract.sequence))",
        (f"{GOLDEN}::test_golden_case[one_row_a_key]",),
    ),
    Bug(
        "the first of two equal rows is a duplicate, too: >= for >",
        "spark_jobs/silver/batch.py",
        "_open() & (first > 1), DUPLICATE",
        "_open() & (first >= 1), DUPLICATE",
        (f"{GOLDEN}::test_golden_case[one_row_a_key]",),
    ),
    Bug(
        "the newest generation of a file replaces itself: <= for <",
        "spark_jobs/silver/batch.py",
        'F.col("_generation") < newest_of_key',
        'F.col("_generation") <= newest_of_key',
        (f"{GOLDEN}::test_golden_case[one_row_a_key]",),
    ),
    Bug(
        "rows that contradict each other at one time are not seen",
        "spark_jobs/silver/batch.py",
        "differs = ~F.min(said).over(at_once).eqNullSafe(F.max(said).over(at_once))",
        "differs = F.min(said).over(at_once).isNull()",
        (f"{GOLDEN}::test_golden_case[collisions]",),
    ),
    Bug(
        "an unknown birth date is another one: a comparison that is not null-safe the other way",
        "spark_jobs/silver/batch.py",
        "differs = F.min(value).over(person) != F.max(value).over(person)",
        "differs = F.size(F.collect_set(F.coalesce(value.cast('string'), F.lit('?'))).over(person)) > 1",
        (ANY_ORDER,),
    ),
    Bug(
        "no tombstone for a deleted employment",
        "spark_jobs/silver/versions.py",
        'return versions.where(F.col("_version") == CURRENT).select(',
        'return versions.where((F.col("_version") == CURRENT) & ~_is_delete(contract)).select(',
        (f"{GOLDEN}::test_golden_case[deletes]",),
    ),
    Bug(
        "the later of two deliveries that contradict each other stands",
        "spark_jobs/silver/versions.py",
        "F.when(differs, so_far[name]).otherwise(",
        "F.when(differs, statement[name]).otherwise(",
        (ANY_ORDER,),
    ),
    Bug(
        "what a delivery says of people's other keys is not held against it",
        "spark_jobs/jobs/known.py",
        "others = [] if self.others is None else [self.others]",
        "others = []",
        (KNOWN,),
    ),
    Bug(
        "people's other rows tell who they are though they are not believed",
        "spark_jobs/silver/versions.py",
        '        ~F.col("_disbelieved")\n',
        "        F.lit(True)\n",
        (KNOWN,),
    ),
    Bug(
        "a retracted row still says who somebody is",
        "spark_jobs/silver/versions.py",
        'stating = ~F.col("_retracted") & (F.col(contract.operation) != contract.delete_operation)',
        "stating = F.col(contract.operation) != contract.delete_operation",
        (KNOWN,),
    ),
    Bug(
        "a row is late only after another of those that came again",
        "spark_jobs/gold/delivery_counts.py",
        'rows = matching(counting, again, ["_key"]).join(',
        "rows = again.join(",
        (QUALITY,),
    ),
    Bug(
        "a repeated content begins a version of its own",
        "spark_jobs/silver/versions.py",
        "unchanged = chained & F.lag(said).over(in_time).eqNullSafe(said)",
        "unchanged = chained & F.lit(False)",
        (ANY_ORDER,),
    ),
    Bug(
        "a person called Null is nobody",
        "spark_jobs/silver/clean.py",
        '("", *(() if is_name else null_texts))',
        '("", *null_texts)',
        (f"{GOLDEN}::test_golden_case[untidy_values]",),
    ),
    Bug(
        "a rule that says nothing of a row (NULL) lets it pass",
        "spark_jobs/silver/rules.py",
        "coalesce(({rule.predicate}), false)",
        "coalesce(({rule.predicate}), true)",
        (BOUNDS,),
    ),
    Bug(
        "a delivery at the limit of refused rows is refused: >= for >",
        "spark_jobs/jobs/etl.py",
        "return refused > job.settings.quarantine_limit * rows_in",
        "return refused >= job.settings.quarantine_limit * rows_in",
        (BOUNDS,),
    ),
    Bug(
        "a mended row counts as replayed where a newer file has replaced it",
        "spark_jobs/quarantine/refused.py",
        '.withColumn("state", F.lit(SUPERSEDED))',
        '.withColumn("state", F.lit(REPLAYED))',
        (MISUSE,),
    ),
    Bug(
        "changed content under a file's name is no new generation",
        "spark_jobs/bronze/files.py",
        "last.get(f.source_file, 0) + 1)",
        "last.get(f.source_file, 1))",
        (MISUSE,),
    ),
    Bug(
        "a swapped commit order: the manifest knows a file before Bronze has its rows",
        "spark_jobs/jobs/ingest.py",
        "            _append(job, read, generations, set(in_bronze), number)\n"
        "        finally:\n            read.release()\n"
        "        _index(job, read.files, generations)\n",
        "            _index(job, read.files, generations)\n"
        "            _append(job, read, generations, set(in_bronze), number)\n"
        "        finally:\n            read.release()\n",
        (f"{PIPELINE}::test_killed_after_every_commit_and_run_again",),
    ),
    Bug(
        "a key that is staged no more stays in Silver",
        "spark_jobs/jobs/etl.py",
        'staged.unionByName(gone.withColumn("_retracted", F.lit(True)))',
        "staged",
        (BOUNDS,),
    ),
    Bug(
        "pseudonyms of two keys are mixed",
        "spark_jobs/jobs/etl.py",
        "if made_under and made_under != key_id(key):",
        "if made_under and not key_id(key):",
        (f"{MISUSE}::test_another_key_is_refused",),
    ),
    Bug(
        "the season after a changed one keeps its old movement",
        "spark_jobs/jobs/aggregate.py",
        "return sorted(changed | {season + 1 for season in changed})",
        "return sorted(changed)",
        (BOUNDS,),
    ),
    Bug(
        "the first change after the last run is not read: + 2 for + 1",
        "spark_jobs/lake/lake.py",
        '.option("startingVersion", since + 1)',
        '.option("startingVersion", since + 2)',
        (BOUNDS,),
    ),
    Bug(
        "two people are a group that may be shown: 2 for 3",
        "spark_jobs/gold/groups.py",
        "SMALLEST_GROUP = 3",
        "SMALLEST_GROUP = 2",
        (GOLD,),
    ),
    Bug(
        "a salary of zero is paid: >= for >",
        "spark_jobs/gold/groups.py",
        'F.when(F.col("salary") > 0, F.col("salary"))',
        'F.when(F.col("salary") >= 0, F.col("salary"))',
        (GOLD,),
    ),
    Bug(
        "who has left a team is counted nowhere",
        "spark_jobs/gold/roster_movement.py",
        'on=["season", "team_id", "employee_id"], how="full_outer")',
        'on=["season", "team_id", "employee_id"], how="left")',
        (GOLD,),
    ),
)
BUGS = (*QUICK, *SLOW)


def copy_of_the_tree(folder: Path) -> Path:
    """The tree as it is, without what is made from it."""

    def made(parent: str, names: list[str]) -> set[str]:
        # Of these only the top ones: packages are called so, too.
        top = {"build", "lake", "landing", "spark-warehouse"} if Path(parent) == TREE else set()
        return {name for name in names if name.startswith(".") or name in {"__pycache__", *top}}

    return shutil.copytree(TREE, folder / "tree", ignore=made)


def run_tests(tree: Path, tests: Collection[str]) -> int:
    """pytest's exit code for some tests of a tree; its output is beside it, in tests.log."""
    # As another pytest's child this would take that one's arguments for its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    with (tree.parent / "tests.log").open("ab") as out:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
            cwd=tree,
            env={**environment, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=out,
            stderr=out,
        ).returncode


def plant(bug: Bug, tree: Path) -> None:
    """Write the bug into a tree. Raises ValueError where the right text is not there once."""
    file = tree / bug.file
    text = file.read_text()
    if text.count(bug.right) != 1:
        raise ValueError(
            f"{bug.file} has the right text of {bug.name!r} {text.count(bug.right)} times and not once: "
            "the code has moved on, so write the bug anew."
        )
    file.write_text(text.replace(bug.right, bug.wrong))


def pull_out(bug: Bug, tree: Path) -> None:
    """Make the tree what it was."""
    shutil.copy(TREE / bug.file, tree / bug.file)


def outcomes(bugs: Collection[Bug], tree: Path) -> Iterator[tuple[Bug, bool, float]]:
    """Each bug, whether its tests have caught it, and the seconds that it took."""
    for bug in bugs:
        began = time.monotonic()
        plant(bug, tree)
        code = run_tests(tree, bug.tests)
        pull_out(bug, tree)
        if code not in (PASSED, FAILED):
            raise RuntimeError(f"pytest ended with {code} for {bug.name!r}: see {tree.parent}/tests.log.")
        yield bug, code == FAILED, time.monotonic() - began


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability.planted",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--result", type=Path, metavar="FILE")
    return parser.parse_args()


def chosen(arguments: Collection[str]) -> tuple[Bug, ...]:
    """The bugs that the command's arguments name."""
    names = {bug.name for bug in BUGS}
    unknown = [name for name in arguments if name not in names]
    if unknown:
        raise SystemExit(f"There is no planted bug {unknown[0]!r}; there are: {'; '.join(sorted(names))}.")
    return tuple(bug for bug in BUGS if not arguments or bug.name in arguments)


def main() -> int:
    given = options()
    bugs = QUICK if given.quick else chosen(given.names)
    console, grid = Console(highlight=False), Table("planted bug", "in", "caught by", "seconds")
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        tree = copy_of_the_tree(Path(folder))
        if run_tests(tree, {test: None for bug in bugs for test in bug.tests}) != PASSED:
            console.print((tree.parent / "tests.log").read_text()[-3000:], markup=False)
            raise SystemExit("The tests fail on the tree as it is: mend that first.")
        unseen = 0
        for bug, caught, seconds in outcomes(bugs, tree):
            unseen += not caught
            tests = ", ".join(Path(test).name for test in bug.tests)
            told = tests if caught else f"NOT CAUGHT by {tests}"
            console.print(f"{bug.name}: {told} ({seconds:.0f} s)", markup=False)
            grid.add_row(bug.name, bug.file.removeprefix("spark_jobs/"), told, f"{seconds:.0f}")
    console.print(grid)
    if given.result:
        told = {"name": "bugs planted, to be caught", "tried": len(bugs), "lost": unseen}
        given.result.write_text(json.dumps(told))
    console.print(f"{len(bugs)} bugs planted, {len(bugs) - unseen} caught, {unseen} unseen")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
