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
    package_data={"model_mapreduce_job": ["report/templates/*.html", "py.typed", "runners/hadoop/*.jar"]},
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
        # Batches of columns, and Parquet and ORC; imported only where a run has columns.
        "numpy>=1.26,<3",  # pyarrow can do without, columns of a model can't
        "pyarrow>=18,<27",
    ],
    extras_require={
        # What -r emr needs: the API client, and `aws` for credentials and roles.
        "emr": ["boto3>=1.34,<2", "awscli>=1.32,<2"],
        # Models whose input_schema is a JSON Schema.
        "jsonschema": ["jsonschema>=4.18,<5"],
        # Model files (--model_file), by their library; those of ONNX need onnxruntime.
        "onnx": ["onnxruntime>=1.20,<2"],
        "xgboost": ["xgboost>=3,<4"],
        "lightgbm": ["lightgbm>=4,<5"],
        "catboost": ["catboost>=1.2,<2"],
        "skops": ["skops>=0.11,<1", "scikit-learn>=1.5,<2", "pandas>=2.2,<4"],
        "sklearn": ["scikit-learn>=1.5,<2", "pandas>=2.2,<4"],
        "mlflow": ["mlflow-skinny>=2.18,<4", "pandas>=2.2,<4"],
        # Avro input.
        "avro": ["fastavro>=1.9,<2"],
        # Profiles and the page: sketches of values that can be merged, and the templates.
        "report": ["datasketches>=5.2,<6", "jinja2>=3.1.6,<4"],
    },
    entry_points={
        "console_scripts": ["model-mapreduce-job = model_mapreduce_job.__main__:main"],
    },
)
