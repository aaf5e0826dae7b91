"""What a run's tasks find around them, wherever they run: their options, model files, and settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model_mapreduce_job.config import SETTING, chosen_configuration
from model_mapreduce_job.task.run_options import ON_THIS_MACHINE
from model_mapreduce_job.task.task_options import shipped_name

if TYPE_CHECKING:
    from model_mapreduce_job.task.task_options import TaskOptions

OPTIONS_FILE: Final = "task-options.json"


def ship_options(runner: Any, options: TaskOptions) -> Path:
    """Let an mrjob runner put the options of its tasks into their working directories, as a file.

    Returns the file, which may be written again until files are uploaded.
    """
    path = Path(runner._get_local_tmp_dir(), OPTIONS_FILE)
    path.touch(mode=0o600)  # columns and keys may be private
    path.write_bytes(options.to_json())
    file = {"type": "file", "path": str(path), "name": None}
    runner._working_dir_mgr.add(**file)
    runner._extra_args[:0] = ["--options_file", file]
    for place, alone in enumerate(options.alone()):
        if alone.model_file and runner.alias not in ON_THIS_MACHINE:
            _ship_model_file(runner, alone.model_file, place)
    return path


def _ship_model_file(runner: Any, model_file: str, place: int) -> None:
    """Let an mrjob runner put a model file, or a model's directory, into its tasks' working directories."""
    is_directory = Path(model_file).is_dir()
    path = runner._dir_archive_path(model_file) if is_directory else model_file
    kind = "archive" if is_directory else "file"
    runner._working_dir_mgr.add(kind, path, shipped_name(model_file, place))


def task_settings() -> dict[str, str]:
    """Return the environment variables that tasks are given of the driver's."""
    return {SETTING: chosen_configuration()}
