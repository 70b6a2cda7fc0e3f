"""The law of conservation: each row that came in has one outcome, no more and no less."""

import pytest

from spark_jobs.errors import ConservationError
from spark_jobs.ledger import check_conservation


def test_rows_that_add_up_are_no_error() -> None:
    check_conservation("etl", 3, {"staged": 2, "quarantined": 1})


@pytest.mark.parametrize("staged", [1, 3], ids=["a row is lost", "a row is doubled"])
def test_rows_that_do_not_add_up_are_told(staged: int) -> None:
    with pytest.raises(ConservationError, match=f"3 rows came in but {staged + 1} came out"):
        check_conservation("etl", 3, {"staged": staged, "quarantined": 1})
