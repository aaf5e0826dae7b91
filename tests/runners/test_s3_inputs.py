"""Objects on S3 are found as Hadoop finds them, and what can't be read or has changed is named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_mapreduce_job.exceptions import IncompleteRunError, InputError
from model_mapreduce_job.storage.cluster_paths import check_compression
from model_mapreduce_job.storage.emr_inputs import UNREADABLE, EmrInputs
from model_mapreduce_job.storage.s3_inputs import (
    S3Pattern,
    check_not_archived,
    find_objects,
    glob_regex,
)


class NoSuchBucket(Exception):  # noqa: N818 - botocore's own name
    """Stands for botocore's."""


class ObjectsClient:
    """A client of S3 that has these objects in a bucket `b`, each with what HeadObject says of it."""

    class exceptions:  # noqa: N801 - botocore's own name
        """The errors that a client raises."""

        NoSuchBucket = NoSuchBucket

    def __init__(self, *keys: str, classes: dict[str, str] | None = None, heads: Any = None) -> None:
        self.tags = dict.fromkeys(keys, "1")
        self.classes = classes or {}
        self.heads = heads or {}

    def get_paginator(self, _: str) -> "ObjectsClient":
        """Return what lists pages."""
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - as botocore
        """Yield a page for each object, which is as good as any."""
        if Bucket != "b":
            raise NoSuchBucket
        for key in sorted(self.tags):
            if key.startswith(Prefix):
                kind = self.classes.get(key, "STANDARD")
                yield {"Contents": [{"Key": key, "Size": 1, "ETag": self.tags[key], "StorageClass": kind}]}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as botocore
        """Return what is known of one."""
        assert Bucket == "b"
        return dict(self.heads.get(Key, {}))


def found(uri: str, *keys: str) -> list[str]:
    return [entry.uri.removeprefix("s3://b/") for entry in find_objects(ObjectsClient(*keys), uri)[1]]


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("a*", "abc", "a/c"),
        ("a?c", "abc", "a/c"),
        ("[a-c]x", "bx", "dx"),
        ("[^a]x", "bx", "ax"),
        ("[!a]x", "bx", "ax"),
        ("{ab,c}d", "cd", "bd"),
        ("a,b", "a,b", "a"),
        (r"a\*", "a*", "ab"),
        ("a.b", "a.b", "axb"),
        ("a+(b)", "a+(b)", "aab"),
    ],
)
def test_a_glob_means_what_it_means_to_hadoop(glob: str, yes: str, no: str) -> None:
    assert glob_regex(glob).fullmatch(yes)
    assert not glob_regex(glob).fullmatch(no)


def test_a_prefix_is_a_directory_and_not_the_beginning_of_names() -> None:
    assert found("s3://b/in", "in/a", "in/x/b", "input", "in/") == ["in/a", "in/x/b"]


def test_hidden_names_are_skipped_below_a_place_and_not_above_it() -> None:
    assert found("s3://b/_up/in", "_up/in/a", "_up/in/.b", "_up/in/_c/d", "_up/in/e_$folder$") == ["_up/in/a"]


def test_a_whole_bucket_is_an_input() -> None:
    assert found("s3://b/", "a", "_b", "c/d") == ["a", "c/d"]


def test_a_path_that_is_there_as_written_is_no_glob() -> None:
    client = ObjectsClient("in/a[1].gz", "in/a1.gz")
    pattern, objects = find_objects(client, "s3://b/in/a[1].gz")
    assert [entry.uri for entry in objects] == ["s3://b/in/a[1].gz"]
    assert pattern == r"s3://b/in/a\[1\].gz"
    assert S3Pattern(pattern).names("in/a[1].gz")


@pytest.mark.parametrize("uri", ["s3://b/nothing", "s3://nobody/x", "s3://b/in/_*"])
def test_an_input_that_names_nothing_is_named(uri: str) -> None:
    with pytest.raises(InputError, match="There is no input s3://"):
        found(uri, "in/_a")


HEADS = {
    "restored": {"Restore": 'ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"'},
    "coming": {"Restore": 'ongoing-request="true"'},
    "cold": {"ArchiveStatus": "DEEP_ARCHIVE_ACCESS"},
}
CLASSES = {
    "plain": "STANDARD",
    "quick": "GLACIER_IR",  # instant retrieval: read as any other
    "restored": "GLACIER",
    "coming": "GLACIER",
    "deep": "DEEP_ARCHIVE",
    "cold": "INTELLIGENT_TIERING",
    "warm": "INTELLIGENT_TIERING",
}


def test_archived_objects_are_named_and_those_that_can_be_read_are_not() -> None:
    client = ObjectsClient(*CLASSES, classes=CLASSES, heads=HEADS)
    objects = find_objects(client, "s3://b/")[1]
    with pytest.raises(InputError) as caught:
        check_not_archived(client, objects)
    assert str(caught.value) == (
        "3 objects of the input can't be read, being archived: s3://b/cold (DEEP_ARCHIVE_ACCESS), "
        "s3://b/coming (GLACIER), s3://b/deep (DEEP_ARCHIVE). "
        "Restore them first (aws s3api restore-object), or leave them out."
    )
    check_not_archived(
        client, [entry for entry in objects if entry.uri.endswith(("plain", "quick", "restored"))]
    )


def inputs(client: ObjectsClient, *paths: str) -> EmrInputs:
    return EmrInputs.find(paths, lambda: client, look_at_s3=True)


@pytest.mark.parametrize(("change", "word"), [("replace", "replaced"), ("remove", "removed")])
def test_an_input_that_changed_ends_the_run(change: str, word: str) -> None:
    client = ObjectsClient("in/a", "in/b")
    read = inputs(client, "s3://b/in")
    read.check_unchanged(client)
    if change == "replace":
        client.tags["in/b"] = "2"
    else:
        del client.tags["in/b"]
    with pytest.raises(IncompleteRunError, match=rf"1 object of the input changed .* s3://b/in/b \({word}\)"):
        read.check_unchanged(client)


def test_an_input_that_is_gone_altogether_ends_the_run() -> None:
    client = ObjectsClient("in/a")
    read = inputs(client, "s3://b/in")
    client.tags.clear()
    with pytest.raises(IncompleteRunError, match="removed"):
        read.check_unchanged(client)


@pytest.mark.parametrize("ending", [".xz", ".zst", ".ZIP", ".lzma"])
def test_what_hadoop_has_no_codec_for_is_refused(ending: str) -> None:
    with pytest.raises(InputError, match=f"Hadoop does not know {ending.lower()}"):
        check_compression(["a.gz", f"s3://b/x{ending}"], UNREADABLE)


def test_a_comma_outside_of_braces_is_refused() -> None:
    with pytest.raises(InputError, match="comma"):
        inputs(ObjectsClient("a,b"), "s3://b/a,b")
    assert inputs(ObjectsClient("a/x", "b/x"), "s3://b/{a,b}").named == ["s3://b/{a,b}"]


def test_more_inputs_than_a_step_has_words_for_are_refused_before_anything_starts() -> None:
    keys = [f"in/{number:08}" for number in range(500)]
    client = ObjectsClient(*keys)
    with pytest.raises(InputError, match="500 inputs on S3 are more than a step of EMR can have"):
        inputs(client, *(f"s3://b/{key}" for key in keys))
    assert len(inputs(client, "s3://b/in/*").objects) == 500


def test_uploaded_files_keep_their_order_and_have_names_that_are_no_globs(tmp_path: Path) -> None:
    for name in ("b[1].gz", "a{x,y}.gz", *(f"{number}.gz" for number in range(10))):
        (tmp_path / name).touch()
    names = inputs(ObjectsClient(), str(tmp_path)).upload_names()
    assert list(names.values()) == sorted(names.values())
    assert names[str(tmp_path / "b[1].gz")] == "input/11-b_1_.gz"


def test_a_file_that_is_written_to_while_it_is_copied_ends_the_run(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text("1\n")
    read = inputs(ObjectsClient(), str(path))
    with read.uploading():
        pass
    with pytest.raises(InputError, match="was written to while it was copied to S3"), read.uploading():
        path.write_text("1\n2\n")
