"""The configuration of runs in processes of their own: APP_SETTINGS=models.settings.TestModels."""

from __future__ import annotations

from typing import ClassVar

from model_mapreduce_job.config import Config


class TestModels(Config):
    """Every model of this package."""

    __test__ = False  # no test, in spite of its name

    models: ClassVar = tuple(
        {"qualified_name": name, "module_name": f"models.{name}", "class_name": class_name}
        for name, class_name in (
            ("obedient", "Obedient"),
            ("unhurried", "Unhurried"),
            ("fatal_to_load", "FatalToLoad"),
            ("chatty", "Chatty"),
        )
    )
