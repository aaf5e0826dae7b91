"""The names that a cluster is given for files, and how the person's own come back."""

import re

from hypothesis import given
from hypothesis import strategies as st

from model_mapreduce_job.storage.upload_names import UploadNames, escape_pattern, plain_key, upload_name

ANY_NAME = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)


@given(ANY_NAME)
def test_a_given_name_means_itself_to_every_program(name: str) -> None:
    assert re.fullmatch(r"in-000007(\.[A-Za-z0-9]+)?", upload_name(7, f"/data/{name}"))


def test_it_keeps_the_ending_that_says_how_a_file_is_compressed() -> None:
    endings = {"a.gz": ".gz", ".gz": ".gz", "a.tar.bz2": ".bz2", "a": "", "a.g[z": "", "a.gz ": ""}
    assert {name: upload_name(1, name).removeprefix("in-000001") for name in endings} == endings


@given(st.lists(ANY_NAME, unique=True, max_size=20))
def test_files_keep_their_order_and_come_back_under_their_own_names(names: list[str]) -> None:
    given = UploadNames("hdfs:///user/me/tmp/files/")
    uris = [given.add(f"/data/{name}") for name in names]
    assert uris == sorted(set(uris))
    assert [given.restore(uri) for uri in uris] == [f"/data/{name}" for name in names]


def test_a_clusters_words_get_the_names_that_the_person_wrote() -> None:
    given = UploadNames("hdfs:///tmp/files")
    given.shown = {"/here/data/a[1].ld": "data/a[1].ld"}
    given.add("/here/data/a[1].ld")
    given.add("/elsewhere/b.gz")
    said = "hdfs://n:8020/tmp/files/in-000001.ld:0+9, file:/tmp/files/in-000002.gz, /tmp/files/in-000003"
    assert given.restore(said) == "data/a[1].ld:0+9, /elsewhere/b.gz, /tmp/files/in-000003"


def test_what_is_on_the_cluster_already_keeps_its_name() -> None:
    assert UploadNames("hdfs:///f").add("hdfs:///data/*.gz") == "hdfs:///data/*.gz"


def test_a_path_as_a_pattern_matches_itself() -> None:
    assert escape_pattern("hdfs:///a[1]{b}*?\\c") == r"hdfs:///a\[1\]\{b\}\*\?\\c"


def test_a_runs_directories_are_named_plainly() -> None:
    assert plain_key("my job[1].root.2026") == "my_job_1_.root.2026"
