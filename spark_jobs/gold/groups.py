"""What the Gold tables share: paid salaries, and the rule that small groups show no figures."""

from pyspark.sql import Column
from pyspark.sql import functions as F

#: A group of fewer people shows no average, no percentile, and no sum that gives them away.
SMALLEST_GROUP = 3
MONEY = "decimal(16,2)"


def paid_salary() -> Column:
    """A salary that is known and above zero; null otherwise (a zero stands for an unknown one)."""
    return F.when(F.col("salary") > 0, F.col("salary"))


def paid_headcount() -> Column:
    """How many have a known salary above zero."""
    return F.count(paid_salary()).alias("paid_headcount")


def payroll() -> Column:
    """The sum of known salaries in US dollars.

    Zero where no salary is known; null for one or two paid people: their payroll divided by their
    number would be the average that a small group must not show.
    """
    total = F.coalesce(F.sum("salary"), F.lit(0)).cast(MONEY)
    few = F.count(paid_salary()).between(1, SMALLEST_GROUP - 1)
    return F.when(~few, total).alias("payroll")


def of_paid(figure: Column, name: str) -> Column:
    """A figure over the paid salaries in US dollars; null for fewer than three of them."""
    enough = F.count(paid_salary()) >= SMALLEST_GROUP
    return F.when(enough, figure.cast(MONEY)).alias(name)


def salary_percentile(share: float) -> Column:
    """The exact percentile of the paid salaries, interpolated linearly between neighbours."""
    return F.percentile(paid_salary(), share)
