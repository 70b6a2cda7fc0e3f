"""What can go wrong, as exceptions that know their exit code and say one sentence."""


class JobError(Exception):
    """A failure that is told in one sentence. Exit code 1: worth a retry."""

    exit_code = 1


class DeliveryNotThere(JobError):
    """The delivery has not arrived (yet); a retry may find it."""


class UsageError(JobError):
    """An argument, a setting or the contract is wrong; a retry changes nothing."""

    exit_code = 2


class BadDelivery(JobError):
    """A whole delivery is refused; a retry changes nothing until it is mended."""

    exit_code = 3


class ConservationError(JobError):
    """Rows in and rows out do not add up: a defect of this program, never of the data."""
