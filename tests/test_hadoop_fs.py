"""The filesystem behind the `hadoop` command, told by its listings and complaints."""

from collections.abc import Callable
from pathlib import Path

import pytest

from model_mapreduce_job.exceptions import InputError
from model_mapreduce_job.storage.cluster_paths import check_paths
from model_mapreduce_job.storage.hadoop_commands import ClusterError, complaint
from model_mapreduce_job.storage.hadoop_fs import HadoopShell

REFUSED = (
    "ls: Call From here to there:1 failed on connection exception: refused; For more details see:  http://w"
)


def calls(hdfs: Path) -> list[str]:
    return (hdfs.parent / "calls").read_text(encoding="utf-8").splitlines()


def test_one_command_looks_at_many_paths(hdfs: Path, shell: HadoopShell) -> None:
    (hdfs / "in dir").mkdir()
    (hdfs / "in dir" / "a b").touch()
    found = shell.look(["hdfs:///in*", "hdfs:///missing"])
    assert list(found.files) == ["hdfs:///in dir/a b"]
    assert found.missing == {"hdfs:///missing"}
    assert len(calls(hdfs)) == 1


def test_what_is_missing_is_listed_as_nothing(shell: HadoopShell) -> None:
    assert list(shell.ls("hdfs:///missing")) == []
    assert not shell.exists("hdfs:///missing")


@pytest.mark.parametrize(
    "ask",
    [
        lambda shell: shell.look(["hdfs:///a", "hdfs:///b"]),
        lambda shell: list(shell.ls("hdfs:///a")),
        lambda shell: list(shell.read(["hdfs:///a"])),
        lambda shell: shell.exists("hdfs:///a"),
        lambda shell: shell.mkdir("hdfs:///a"),
    ],
)
def test_a_cluster_that_is_down_is_told_in_one_line(
    shell: HadoopShell, monkeypatch: pytest.MonkeyPatch, ask: Callable[[HadoopShell], object]
) -> None:
    """Without the log records around it, and without the address of a page that explains it."""
    monkeypatch.setenv("FAKE_HADOOP_COMPLAINT", REFUSED)
    with pytest.raises(ClusterError, match=r"^[^\n]*failed on connection exception: refused$"):
        ask(shell)


def test_the_scheme_that_only_aws_has_for_s3_is_named_as_hadoop_has_it(
    shell: HadoopShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_HADOOP_COMPLAINT", 'ls: No FileSystem for scheme "s3"')
    with pytest.raises(ClusterError, match=r"s3://a/b can't be reached: .*S3 is s3a:// outside of EMR"):
        shell.look(["s3://a/b"])


def test_a_command_that_is_not_there_is_told_with_the_way_out() -> None:
    with pytest.raises(
        ClusterError, match=r"/no/hadoop can't be started: No such file.*HADOOP_HOME.*--hadoop-bin"
    ):
        HadoopShell(["/no/hadoop"]).exists("hdfs:///a")


def test_many_files_go_up_in_one_command_for_each_directory(
    hdfs: Path, shell: HadoopShell, tmp_path: Path
) -> None:
    """Whatever they are called here: %2f, a comma or a bracket is no URI's and no pattern's."""
    names = ("a", "b%2fc", "c,[d] {e}", "caf\u00e9:*")
    for name in names:
        (tmp_path / name).write_text(name, encoding="utf-8")
    with shell.together():
        shell.mkdir("hdfs:///d/e")
        shell.mkdir("hdfs:///f")
        for number, name in enumerate(names):
            shell.put(str(tmp_path / name), f"hdfs:///{'f' if number == 3 else 'd/e'}/in-{number}")
    copies = sorted(path for path in hdfs.rglob("*") if path.is_file())
    assert [path.read_text(encoding="utf-8") for path in copies] == list(names)
    assert len(calls(hdfs)) == 3


def test_what_goes_up_is_for_nobody_else(hdfs: Path, shell: HadoopShell, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with shell.together():
        shell.mkdir("hdfs:///d")
        shell.put(str(tmp_path / "a"), "hdfs:///d/a")
    assert [path.stat().st_mode & 0o777 for path in (hdfs / "d", hdfs / "d" / "a")] == [0o700, 0o600]


def test_more_names_than_a_command_takes_go_up_in_several(
    hdfs: Path, shell: HadoopShell, tmp_path: Path
) -> None:
    source = tmp_path / "a"
    source.touch()
    count = 900
    with shell.together():
        shell.mkdir("hdfs:///d")
        for number in range(count):
            shell.put(str(source), f"hdfs:///d/in-{number:0150}")
    assert len(list((hdfs / "d").iterdir())) == count
    assert len(calls(hdfs)) > 2


def test_alone_they_go_up_at_once(hdfs: Path, shell: HadoopShell, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    shell.mkdir("hdfs:///d")
    shell.put(str(tmp_path / "a"), "hdfs:///d/b")
    assert (hdfs / "d" / "b").exists()


def test_files_are_read_in_order_by_one_command(hdfs: Path, shell: HadoopShell) -> None:
    for number in range(3):
        (hdfs / f"part-0000{number}").write_text(f"{number}\n", encoding="ascii")
    assert b"".join(shell.read(["hdfs:///part-*"])) == b"0\n1\n2\n"
    assert len(calls(hdfs)) == 1


def test_reading_can_be_left_early(hdfs: Path, shell: HadoopShell) -> None:
    (hdfs / "large").write_bytes(bytes(5 << 20))
    chunks = shell.cat("hdfs:///large")
    assert next(iter(chunks))


def test_reading_what_is_missing_is_a_mistake(shell: HadoopShell) -> None:
    with pytest.raises(InputError, match="There is no input hdfs:///missing"):
        list(shell.cat("hdfs:///missing"))


def test_a_move_writes_over_nothing(hdfs: Path, shell: HadoopShell) -> None:
    (hdfs / "a").mkdir()
    shell.move("hdfs:///a", "hdfs:///b")
    (hdfs / "a").mkdir()
    with pytest.raises(InputError, match="hdfs:///b is there already"):
        shell.move("hdfs:///a", "hdfs:///b")


def test_inputs_and_output_are_checked_by_one_command(hdfs: Path, shell: HadoopShell, tmp_path: Path) -> None:
    (hdfs / "in").touch()
    (tmp_path / "local").touch()
    inputs = ["hdfs:///in", str(tmp_path / "local"), "-"]
    found = check_paths(inputs, "hdfs:///out", shell)
    assert found.paths == tuple(inputs)
    assert found.local == [str(tmp_path / "local")]
    assert len(calls(hdfs)) == 1


def test_files_of_this_machine_are_handed_on_by_absolute_paths(
    shell: HadoopShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may be called as an option or as a URI is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("-rf", "a:b"):
        (tmp_path / "in" / name).touch()
    found = check_paths(["in"], None, shell)
    assert found.as_given_to_cluster() == [str(tmp_path / "in" / name) for name in ("-rf", "a:b")]
    assert found.absolute()[str(tmp_path / "in" / "-rf")] == "in/-rf"


def test_an_input_that_changes_while_it_is_read_is_noticed(
    hdfs: Path, shell: HadoopShell, tmp_path: Path
) -> None:
    (hdfs / "in").mkdir()
    (hdfs / "in" / "a").touch()
    (tmp_path / "local").touch()
    found = check_paths(["hdfs:///in", str(tmp_path / "local")], None, shell)
    (hdfs / "in" / "_logs").touch()  # which no job reads
    found.check_unchanged(shell)
    (hdfs / "in" / "a").write_bytes(b"1\n")
    with pytest.raises(InputError, match=r"changed while it was read: hdfs:///in/a\. Nothing was published"):
        found.check_unchanged(shell)
    (hdfs / "in" / "a").write_bytes(b"")
    (hdfs / "in" / "b").touch()
    (tmp_path / "local").unlink()
    with pytest.raises(InputError, match=r"read: /.*/local, hdfs:///in/b\."):
        found.check_unchanged(shell)


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["hdfs:///in", "hdfs:///missing"], None, "There is no input hdfs:///missing"),
        (["hdfs:///in"], "hdfs:///in", "The output hdfs:///in is there already"),
        (["hdfs:///empty"], None, "The input hdfs:///empty has no files"),
        (["hdfs:///in"], "/", "The output / is there already"),
        (
            ["hdfs:///in"],
            "hdfs:///out[1]",
            r"Hadoop takes \[ \] in the output hdfs:///out\[1\] for a pattern",
        ),
        (["hdfs:///a,b"], None, "Hadoop takes the comma in hdfs:///a,b for the end of a path"),
        (["hdfs:///xz"], None, r"hdfs:///xz/a\.xz can't be read on a cluster: Hadoop does not know \.xz"),
        (["hdfs:///hidden"], None, "The input hdfs:///hidden has no files"),
    ],
)
def test_mistakes_in_paths_are_found_before_the_run(
    hdfs: Path, shell: HadoopShell, inputs: list[str], output: str | None, message: str
) -> None:
    (hdfs / "in").touch()
    (hdfs / "empty").mkdir()
    for name in ("xz/a.xz", "hidden/_a/b", "hidden/.c"):
        (hdfs / name).parent.mkdir(parents=True, exist_ok=True)
        (hdfs / name).touch()
    with pytest.raises(InputError, match=message):
        check_paths(inputs, output, shell)


def test_an_output_may_not_be_a_link_that_leads_nowhere(shell: HadoopShell, tmp_path: Path) -> None:
    """No directory could take its name when the run is done."""
    (tmp_path / "in").touch()
    (tmp_path / "out").symlink_to("nowhere")
    with pytest.raises(InputError, match="out is there already"):
        check_paths([str(tmp_path / "in")], str(tmp_path / "out"), shell)


def test_of_a_trace_with_a_cause_the_cause_is_what_is_told() -> None:
    trace = "Exception in thread: java.io.A: a\n\tat x.Y\nCaused by: java.io.B: b\n\tat x.Z\n\t... 13 more\n"
    assert complaint(trace) == "Caused by: java.io.B: b"


def test_a_command_that_says_nothing_is_told_as_such() -> None:
    assert complaint("2026-01-01 00:00:00,000 INFO fs: x\n") == "it did not say why"
