"""Package definition; tool settings are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="model_mapreduce_job",
    version="0.1.0",
    description="Runs a trained model over any number of records, as a MapReduce job.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(include=["model_mapreduce_job", "model_mapreduce_job.*"]),
    package_data={"model_mapreduce_job": ["py.typed"]},
    python_requires=">=3.11,<3.14",
    install_requires=[
        # The framework. 0.7.4 is its last release; runners/ builds on its internals, so it is pinned.
        "mrjob==0.7.4",
        # mrjob imports distutils, which Python 3.12 dropped and setuptools brings back ...
        'setuptools>=68; python_version>="3.12"',
        # ... and pipes, which Python 3.13 dropped.
        'standard-pipes>=3.13,<4; python_version>="3.13"',
        # mrjob reads mrjob.conf with it.
        "PyYAML>=6,<7",
        # Reads .zst input; the module that Python 3.14 has, for those before it.
        "backports.zstd>=1,<2",
        # The progress bar of local runs.
        "tqdm>=4.66,<5",
        # Decodes a line and checks it against the model's schema in one pass.
        "msgspec>=0.22,<1",
    ],
    extras_require={
        # What -r emr needs: the API client, and `aws` for credentials and roles.
        "emr": ["boto3>=1.34,<2", "awscli>=1.32,<2"],
        # Models whose input_schema is a JSON Schema.
        "jsonschema": ["jsonschema>=4.18,<5"],
    },
    entry_points={
        "console_scripts": ["model-mapreduce-job = model_mapreduce_job.__main__:main"],
    },
)
