"""Bugs that `make planted` plants: each has its place in the code as it is, and tests that there are."""

import pytest

from tests.reliability.planted import BUGS, TREE, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Bug) -> None:
    assert (TREE / bug.file).read_text().count(bug.right) == 1
    assert bug.wrong != bug.right
    for test in bug.tests:
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in (TREE / file).read_text()


def test_there_are_many_and_each_has_its_own_name() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 20
