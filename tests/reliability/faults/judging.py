"""What is wrong with a lake that a fault has met, and with what readers saw meanwhile."""

import json
from collections.abc import Iterator

from tests.reliability.faults.poller import Seen
from tests.reliability.faults.reading import State

#: Leaves nothing of what it deletes on the disk; so the newest point cannot be read until it has ended.
_PURGES = ("erase",)


def differences(job: str, expected: State, found: State) -> Iterator[str]:
    """What of a lake is not as after the undisturbed run of a job."""
    for name in sorted({*expected.whole, *found.whole}):
        if expected.whole.get(name) != found.whole.get(name):
            yield f"{name}: {found.whole.get(name)} in place of {expected.whole.get(name)}"
    if expected.published != found.published:
        yield f"at the newest point: {found.published} in place of {expected.published}"
    if job in _PURGES and found.needless != expected.needless:
        yield f"files of no use: {found.needless} in place of {expected.needless}"


def never_published(job: str, seen: Seen, before: State, after: State) -> Iterator[str]:
    """What readers saw that no finished run has published, or could not read."""
    for name, contents in seen.alone.items():
        known = {state.newest.get(name) for state in (before, after)}
        for content, version in contents.items():
            if content not in known:
                yield f"readers saw {content} in {name}, version {version}: published are {known}"
    known_points = {json.dumps(state.published, sort_keys=True) for state in (before, after)}
    for point in set(seen.points) - known_points:
        yield f"readers saw at a point: {point}"
    yield from seen.wrong
    if job not in _PURGES:
        yield from (f"readers could not read the newest point {point}" for point in seen.gone)


def saw_mixed(seen: Seen, before: State, after: State) -> bool:
    """Whether readers of several newest versions saw some tables as before and some as after."""
    return bool({*seen.beside} - {json.dumps(s.newest, sort_keys=True) for s in (before, after)})
