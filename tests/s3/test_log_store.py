"""The log store against a real S3 server, and a network that loses answers."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from tests.s3.proxy import Answer, NoAnswer, Proxy, Request, on

TAKEN = "java.nio.file.FileAlreadyExistsException"
_numbers = count()


class Store:
    """The log store as Delta calls it, on one bucket."""

    def __init__(self, spark: SparkSession, bucket: str, **options: str) -> None:
        context: Any = spark.sparkContext
        self._java: Any = context._jvm
        self._options = self._java.org.apache.hadoop.conf.Configuration(context._jsc.hadoopConfiguration())
        self._options.set("fs.s3a.impl.disable.cache", "true")
        for name, value in options.items():
            self._options.set(name.replace("_", "."), value)
        self._store = self._java.mlb.storage.S3ConditionalLogStore(self._options)
        self.folder = f"s3a://{bucket}/tables/t{next(_numbers)}/_delta_log"

    def path(self, name: str) -> Any:
        return self._java.org.apache.hadoop.fs.Path(f"{self.folder}/{name}")

    def write(self, name: str, *actions: str, overwrite: bool = False) -> None:
        self._store.write(self.path(name), self.actions(*actions).iterator(), overwrite, self._options)

    def write_iterator(self, name: str, actions: Any) -> None:
        self._store.write(self.path(name), actions, False, self._options)

    def actions(self, *actions: str) -> Any:
        held = self._java.java.util.ArrayList()
        for action in actions:
            held.add(action)
        return held

    def read(self, name: str) -> list[str]:
        lines = self._store.read(self.path(name), self._options)
        return list(iterate(lines))

    def names_from(self, name: str) -> list[str]:
        files = self._store.listFrom(self.path(name), self._options)
        return [file.getPath().getName() for file in iterate(files)]

    def shows_partial_writes(self) -> bool:
        return self._store.isPartialWriteVisible(self.path("x"), self._options)


def iterate(iterator: Any) -> Iterator[Any]:
    while iterator.hasNext():
        yield iterator.next()


@pytest.fixture
def store(spark: SparkSession) -> Store:
    return Store(spark, "lake")


@pytest.fixture
def disturbed(spark: SparkSession, proxy: Proxy) -> Iterator[Store]:
    """A store behind the proxy, which gives up soon."""
    patience = {"fs_s3a_attempts_maximum": "2", "fs_s3a_retry_limit": "1", "fs_s3a_retry_interval": "10ms"}
    yield Store(spark, "disturbed", fs_s3a_endpoint=proxy.url, **patience)
    proxy.rules.clear()


def failure(write: Callable[[], None]) -> str:
    with pytest.raises(Py4JJavaError) as raised:
        write()
    return str(raised.value.java_exception)


def test_a_commit_is_written_whole_and_read_back(store: Store) -> None:
    store.write("0.json", '{"a":1}', '{"name":"Núñez"}')
    assert store.read("0.json") == ['{"a":1}', '{"name":"Núñez"}']
    assert not store.shows_partial_writes()


def test_a_version_that_is_taken_is_refused_and_stays(store: Store) -> None:
    store.write("0.json", "first")
    assert TAKEN in failure(lambda: store.write("0.json", "second"))
    assert store.read("0.json") == ["first"]


def test_overwriting_is_possible_where_it_is_asked_for(store: Store) -> None:
    store.write("_last_checkpoint", "first", overwrite=True)
    store.write("_last_checkpoint", "second", overwrite=True)
    assert store.read("_last_checkpoint") == ["second"]


def test_names_are_listed_from_one_on_in_their_order(store: Store) -> None:
    for version in (11, 2, 10, 1):
        store.write(f"{version:020}.json", "x")
    assert store.names_from(f"{2:020}.json") == [f"{version:020}.json" for version in (2, 10, 11)]


def test_actions_that_fail_leave_nothing_behind(store: Store) -> None:
    actions = store.actions("first")
    iterator = actions.iterator()
    actions.add("changed while it is read: the iterator fails")
    assert "ConcurrentModification" in failure(lambda: store.write_iterator("0.json", iterator))
    store.write("0.json", "another")
    assert store.read("0.json") == ["another"]


def test_a_commit_of_many_parts_is_put_if_absent_too(spark: SparkSession, client: Any) -> None:
    store = Store(spark, "lake", fs_s3a_multipart_size="5M", fs_s3a_multipart_threshold="5M")
    actions = [json.dumps({"number": number, "filler": "x" * 100_000}) for number in range(120)]
    store.write("0.json", *actions)
    assert store.read("0.json") == actions
    etag = client.head_object(Bucket="lake", Key=store.path("0.json").toUri().getPath()[1:])["ETag"]
    assert etag.strip('"').endswith("-3")
    assert TAKEN in failure(lambda: store.write("0.json", *reversed(actions)))
    assert store.read("0.json") == actions


def lose_answers(ending: str, proxy: Proxy, how_many: int) -> list[int]:
    """Let the server write, and lose its answer, so many times; the statuses that were lost."""
    lost: list[int] = []

    def lose(request: Request) -> Answer | None:
        if len(lost) == how_many:
            return None
        lost.append(request.send().status)
        raise NoAnswer

    proxy.rules.append(on("PUT", ending, lose))
    return lost


@pytest.mark.parametrize("how_many", [1, 99])
def test_a_commit_whose_answer_is_lost_is_known_by_its_content(
    disturbed: Store, proxy: Proxy, how_many: int
) -> None:
    disturbed.write("warm-up.json", "x")
    lost = lose_answers("/0.json", proxy, how_many)
    disturbed.write("0.json", "ours")
    # The first was written; what the client sends again by itself is refused.
    assert lost[0] == 200 and set(lost[1:]) <= {412}
    assert disturbed.read("0.json") == ["ours"]


def test_anothers_commit_is_known_by_its_content_though_the_answer_is_lost(
    disturbed: Store, proxy: Proxy
) -> None:
    disturbed.write("0.json", "another's")
    lost = lose_answers("/0.json", proxy, 99)
    assert TAKEN in failure(lambda: disturbed.write("0.json", "ours"))
    assert set(lost) == {412}
    assert disturbed.read("0.json") == ["another's"]


@pytest.mark.parametrize("theirs", ["ou", "ours\nand more", "ourz"])
def test_content_that_is_nearly_ours_is_anothers(disturbed: Store, theirs: str) -> None:
    disturbed.write("0.json", theirs)
    assert TAKEN in failure(lambda: disturbed.write("0.json", "ours"))


def test_a_commit_that_never_arrives_is_said_to_be_unknown(disturbed: Store, proxy: Proxy) -> None:
    def cut(request: Request) -> Answer:
        raise NoAnswer

    disturbed.write("warm-up.json", "x")
    proxy.rules.append(on("PUT", "/0.json", cut))
    said = failure(lambda: disturbed.write("0.json", "ours"))
    assert TAKEN not in said and "is not known" in said and "Run the job again" in said


def conflict(request: Request) -> Answer:
    error = "<Error><Code>ConditionalRequestConflict</Code><Message>a conflict</Message></Error>"
    return Answer(409, {"Content-Type": "application/xml"}, error.encode())


def test_a_conflict_that_comes_to_nothing_is_tried_again(disturbed: Store, proxy: Proxy) -> None:
    conflicts = iter([conflict, conflict])

    def twice(request: Request) -> Answer | None:
        answer = next(conflicts, None)
        return answer(request) if answer else None

    disturbed.write("warm-up.json", "x")
    proxy.rules.append(on("PUT", "/0.json", twice))
    disturbed.write("0.json", "ours")
    assert next(conflicts, None) is None and disturbed.read("0.json") == ["ours"]


def test_a_conflict_that_stays_ends_in_an_error(disturbed: Store, proxy: Proxy) -> None:
    disturbed.write("warm-up.json", "x")
    proxy.rules.append(on("PUT", "/0.json", conflict))
    assert "is not known" in failure(lambda: disturbed.write("0.json", "ours"))


def test_a_store_that_ignores_the_condition_is_refused(
    spark: SparkSession, client: Any, proxy: Proxy
) -> None:
    def ignore(request: Request) -> Answer:
        request.headers = {n: v for n, v in request.headers.items() if n.lower() != "if-none-match"}
        return request.send()

    client.create_bucket(Bucket="careless")
    careless = Store(spark, "careless", fs_s3a_endpoint=proxy.url)
    proxy.rules.append(on("PUT", "", ignore))
    try:
        assert "ignores If-None-Match" in failure(lambda: careless.write("0.json", "ours"))
    finally:
        proxy.rules.clear()
    written = client.list_objects_v2(Bucket="careless")["Contents"]
    assert [file["Key"] for file in written] == ["tables/.put-if-absent"]
