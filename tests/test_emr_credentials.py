"""A mistake with AWS credentials is one line that says what to do, and nothing is started."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from emr_stack.driver import MAIN_JOB, PROJECT
from emr_stack.stack import EmrStack, emr_stack

SSO = """[profile sso]
sso_session = ours
sso_account_id = 123456789012
sso_role_name = reader
region = us-west-2
[sso-session ours]
sso_start_url = https://example.com/start
sso_region = us-west-2
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmrStack]:
    with emr_stack(tmp_path_factory.mktemp("emr")) as running:
        yield running


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, MAIN_JOB, "-r", "emr", "-c", PROJECT / "mrjob.conf", "--quiet", *arguments]
    return subprocess.run(
        [*command, "--model_qualified_name", "iris_model", PROJECT / "data" / "input.ldjson"],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.measured
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"AWS_PROFILE": "nobody"}, "The config profile (nobody) could not be found"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "half a key pair was given"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "AWS credentials were not found"),
        (
            {"AWS_PROFILE": "sso", "AWS_CONFIG_FILE": "{sso}", "AWS_ACCESS_KEY_ID": None},
            "Run `aws sso login`",
        ),
        ({"AWS_CONFIG_FILE": "{broken}"}, "can't be read: Unable to parse config file"),
    ],
)
def test_it_is_one_line_that_says_what_to_do(
    stack: EmrStack, tmp_path: Path, changed: dict[str, str | None], message: str
) -> None:
    files = {"sso": tmp_path / "sso", "broken": tmp_path / "broken"}
    files["sso"].write_text(SSO)
    files["broken"].write_text("no section\n")
    environment = {**stack.environment(), "HOME": str(tmp_path)}
    for name, value in changed.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value.format_map(files)
    # a plan asks AWS before a run does anything else
    ended = run(environment, *(["--plan"] if "AWS_PROFILE" in changed else []))
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert message in line
    assert stack.calls("RunJobFlow") == []
