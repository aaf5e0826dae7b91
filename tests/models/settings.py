"""The configuration of runs in processes of their own: APP_SETTINGS=models.settings.TestModels."""

from __future__ import annotations

from typing import ClassVar

from model_mapreduce_job.config import Config


class RealModels(Config):
    """The models of the examples that are classes."""

    models: ClassVar = (
        *Config.models,
        {"qualified_name": "wide_model", "module_name": "wide_model.wide_predict", "class_name": "WideModel"},
    )


class TestModels(Config):
    """Every model of this package."""

    __test__ = False  # no test, in spite of its name

    models: ClassVar = tuple(
        {"qualified_name": name, "module_name": f"models.{name}", "class_name": class_name}
        for name, class_name in (
            ("obedient", "Obedient"),
            ("tabular", "Tabular"),
            ("unhurried", "Unhurried"),
            ("fatal_to_load", "FatalToLoad"),
            ("chatty", "Chatty"),
            ("by_columns", "ByColumns"),
            ("of_both_kinds", "OfBothKinds"),
            ("spoiling", "Spoiling"),
            ("moody", "Moody"),
            ("mending", "Mending"),
            ("other", "Other"),
        )
    )
