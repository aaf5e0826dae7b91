"""What the documents say is so: commands run, code does what it is shown for, links lead somewhere."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from documents import DOCUMENTS, GUIDES, PROJECT, Block, anchors, blocks, links, prose
from test_layering import ROOMS
from workspaces import environment, make_project, make_venv, run_shell

from model_mapreduce_job.bundle import __main__ as bundle_command
from model_mapreduce_job.formats import protocols
from model_mapreduce_job.formats.records import Failure
from model_mapreduce_job.ml_model_map_reduce_job import MLModelMapReduceJob

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COMMANDS = ("sh", "console")
MARKED = [block for guide in GUIDES for block in blocks(guide, *COMMANDS) if block.mark]
END_OF_COMMAND = "\x1e"
# What differs from one run to the next.
TIMES = re.compile(r"^(records/s +).*$", re.MULTILINE)
STARTS_THE_TESTS = re.compile(r"make (test|fuzz|benchmark)|pytest")
IRIS = "--model_qualified_name iris_model"


def runs_here(guide: Path) -> list[Block]:
    return [block for block in blocks(guide, *COMMANDS) if not block.mark]


def relative(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    return environment(make_venv(tmp_path))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.mark.parametrize("guide", [guide for guide in GUIDES if runs_here(guide)], ids=relative)
def test_the_commands_of_a_document_run_in_their_order(
    guide: Path, project: Path, variables: dict[str, str]
) -> None:
    """Each block runs whole, as it is written, from the project's root; what it shows is printed."""
    for block in runs_here(guide):
        assert not STARTS_THE_TESTS.search(block.text), f"{block} would run this test again; mark it"
        if block.language == "console":
            check_dialogue(block, project, variables)
        else:
            ended = run_shell(block.text, project, variables)
            assert ended.returncode == 0, why(block, ended)


def check_dialogue(block: Block, project: Path, variables: dict[str, str]) -> None:
    """Run the lines after `$`, in one shell, and compare what each prints; ... stands for anything."""
    commands, shown = dialogue(block.text)
    script = "\n".join(f"{{ {command}\n}} 2>&1\nprintf '{END_OF_COMMAND}'" for command in commands)
    ended = run_shell(script, project, variables)
    assert ended.returncode == 0, why(block, ended)
    printed = ended.stdout.split(END_OF_COMMAND)
    for command, picture, output in zip(commands, shown, printed, strict=False):
        pattern = r".*?".join(map(re.escape, masked(picture).split("...")))
        assert re.fullmatch(pattern, masked(output), re.DOTALL), f"{block}: {command} prints\n{output}"


def dialogue(text: str) -> tuple[list[str], list[str]]:
    """Return a console's commands, and the output shown after each."""
    said = [part.partition("\n") for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    return [command for command, _, _ in said], [output for _, _, output in said]


def masked(output: str) -> str:
    return TIMES.sub(r"\1#", output).strip()


def why(block: Block, ended: subprocess.CompletedProcess[str]) -> str:
    return (
        f"{block} ended with {ended.returncode}: {ended.stderr}\nWhat can't run here is marked, "
        "in the line above it: <!-- not run here: why --> or <!-- run by tests/... -->"
    )


@pytest.mark.parametrize("block", [block for block in MARKED if "run by" in str(block.mark)], ids=str)
def test_who_runs_a_block_reads_its_document(block: Block) -> None:
    """A block that another test is said to run stands in a document that this test knows of."""
    path = PROJECT / str(block.mark).removeprefix("run by ")
    sources = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    assert any(block.document.name in source.read_text(encoding="utf-8") for source in sources), path


AWS_BLOCKS = [block for block in MARKED if "AWS account" in str(block.mark) and "aws " in block.text]
ARGUMENTS_OF_AWS = f"aws() {{ printf '%s\\0' \"$@\"; printf '{END_OF_COMMAND}'; }}\n"
TAKE_COMMANDS = """
import json, sys
from awscli.clidriver import create_clidriver
for command in json.load(sys.stdin):
    print(create_clidriver().main(command))
"""
NO_CONNECTION = 255


@pytest.mark.skipif(not AWS_BLOCKS, reason="no document shows a command of aws")
def test_aws_takes_its_commands_and_only_then_fails_to_connect(
    project: Path, variables: dict[str, str]
) -> None:
    """Commands that need an account are right as far as aws itself can tell without one."""
    commands = [command for block in AWS_BLOCKS for command in arguments_of_aws(block, project, variables)]
    nowhere = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:1")
    keys = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_MAX_ATTEMPTS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", TAKE_COMMANDS],
        env={**variables, **nowhere, **keys, "AWS_DEFAULT_REGION": "us-west-2"},
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == [str(NO_CONNECTION)] * len(commands), ended.stderr


def arguments_of_aws(block: Block, project: Path, variables: dict[str, str]) -> list[list[str]]:
    """Return the arguments of each call of aws, as bash takes the block apart."""
    said = run_shell(ARGUMENTS_OF_AWS + block.text, project, variables)
    assert said.returncode == 0, why(block, said)
    return [command.split("\0")[:-1] for command in said.stdout.split(END_OF_COMMAND)[:-1]]


PYTHON_BLOCKS = [block for guide in GUIDES for block in blocks(guide, "python")]
EXCERPTS = [block for block in PYTHON_BLOCKS if block.text.startswith("# examples/")]
FILES = [block for block in PYTHON_BLOCKS if block.text.startswith("# ") and block not in EXCERPTS]
SNIPPETS = [block for block in PYTHON_BLOCKS if block not in [*FILES, *EXCERPTS]]


@pytest.mark.parametrize("block", FILES, ids=str)
def test_a_configuration_that_is_shown_runs(block: Block, tmp_path: Path, variables: dict[str, str]) -> None:
    """A block that begins with a file's name, saved under it, is a configuration that the job runs with."""
    name = re.match(r"# (\w+)\.py\n", block.text)
    configuration = re.search(r"^class (\w+)\(Config\):", block.text, re.MULTILINE)
    model = re.search(r'"qualified_name": "(\w+)"', block.text)
    assert name and configuration and model  # noqa: PT018 - a block without one of them is no configuration
    (tmp_path / f"{name[1]}.py").write_text(block.text, encoding="utf-8")
    ended = run_shell(
        f"python -m model_mapreduce_job --model_qualified_name {model[1]} {PROJECT}/data/input.ldjson",
        tmp_path,
        {**variables, "PYTHONPATH": "./", "APP_SETTINGS": f"{name[1]}.{configuration[1]}"},
    )
    assert ended.returncode == 0, ended.stderr
    assert "complete: 15 lines" in ended.stderr


@pytest.mark.parametrize("block", EXCERPTS, ids=str)
def test_a_part_of_an_example_stands_in_its_file(block: Block) -> None:
    """A block that begins with the path of a file in examples/ is a part of it, as it is."""
    path, _, text = block.text.removeprefix("# ").partition("\n")
    assert text in (PROJECT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("block", SNIPPETS, ids=str)
def test_a_protocol_that_is_shown_writes_a_line_for_each_prediction(block: Block) -> None:
    """A block that is no file of its own is an output protocol, which takes what the core gives it."""
    made: dict[str, Any] = {}
    exec(block.text, {**vars(protocols)}, made)  # noqa: S102 - it is our own document's
    (protocol,) = (kind() for kind in made.values())
    failure = Failure("ValidationError", "Expected `float`, got `str`")
    assert protocol.write([b"1", b"2"], [b'{"species": "setosa"}', failure]) == [
        b'{"SPECIES": "SETOSA"}',
        b"FAILED",
    ]


def test_a_failure_is_explained_as_shown(project: Path, variables: dict[str, str]) -> None:
    (block,) = blocks(PROJECT / "docs" / "protocols.md", "json")
    ended = run_shell(
        f"python -m model_mapreduce_job {IRIS} --on_error explain data/input.ldjson", project, variables
    )
    (bad,) = [line for line in ended.stdout.splitlines() if "asd" in line]
    assert bad.partition("\t")[2] == block.text.strip()


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_links_lead_to_files_and_headings_that_are_there(document: Path) -> None:
    broken = [link for link in links(document) if "://" not in link and not leads_somewhere(document, link)]
    assert broken == []


def leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not anchor or anchor in anchors(target))


def spans(documents: Iterable[Path], pattern: str) -> set[str]:
    """Return what is set as code in the running text and is, as a whole, of this pattern."""
    said = {span for document in documents for span in re.findall(r"`([^`\n]+)`", prose(document))}
    return {found[1] for span in said if (found := re.fullmatch(pattern, span))}


def test_targets_of_make_that_documents_name_are_there() -> None:
    targets = re.findall(r"^([a-z][a-z-]*):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    named = spans(DOCUMENTS, r"make ([a-z-]+).*")
    assert named >= {"run", "test", "benchmark"}
    assert named - set(targets) == set()


def test_modules_that_the_architecture_names_are_there() -> None:
    modules = {path.name for path in (PROJECT / "model_mapreduce_job").rglob("*.py")}
    named = spans([PROJECT / "docs" / "architecture.md"], r"(?:\w+/)*(\w+\.py)")
    assert "lines.py" in named
    assert named - modules == set()


def test_the_architecture_shows_the_rooms_that_the_test_holds() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text().partition("## Rooms")[2].partition("\n## ")[0]
    shown = list(dict.fromkeys(re.findall(r"\b(\w+)\[\"", text)))
    assert [room for room in ROOMS if (PROJECT / "model_mapreduce_job" / room).is_dir()] == shown[:-1]


def test_options_that_documents_name_are_there() -> None:
    """An option that is named anywhere, with or without a value, is one of a job's, or of a bundle's."""
    evaluation = runpy.run_path(str(PROJECT / "examples" / "jobs" / "evaluate.py"))["Evaluate"]
    jobs = (MLModelMapReduceJob(args=[]), evaluation(args=[]))
    parsers = [*(job.arg_parser for job in jobs), bundle_command._parser()]
    known = {name for parser in parsers for name in parser._option_string_actions}
    named = spans(GUIDES, r"(--[\w-]+)(?:[ =].*)?")
    assert "--on_error" in named
    assert named - known == set()
