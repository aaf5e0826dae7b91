"""The configuration that the job runs both models of the benchmark with."""

from typing import ClassVar

from model_mapreduce_job.config import Config


class PeersConfig(Config):
    """The models of every run, and the one of a wide record."""

    models: ClassVar = (
        *Config.models,
        {
            "qualified_name": "wide_model",
            "module_name": "wide_model.wide_predict",
            "class_name": "WideModel",
        },
    )
