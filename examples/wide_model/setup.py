"""Package definition of the wide model."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="wide_model",
    version="0.1.0",
    description="Rates the risk of a loan application from twenty fields, any of which may be missing.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(include=["wide_model", "wide_model.*"]),
    package_data={"wide_model": ["py.typed", "model_files/*.onnx"]},
    python_requires=">=3.11,<3.14",
    install_requires=[
        # Runs the trained file; 1.20 is the first release for Python 3.13.
        "onnxruntime>=1.20,<2",
        # What ONNX Runtime takes and gives; 1.26 is the first release for Python 3.12, 2 works as well.
        "numpy>=1.26,<3",
        # Checks the one record that predict() is given; 0.19 is the first release for Python 3.13.
        "msgspec>=0.19,<1",
    ],
    extras_require={
        # What `wide_train` needs; predicting needs none of it.
        "train": [
            # Gradient boosting, imputing and one-hot encoding; bounded, since skl2onnx reads its internals.
            "scikit-learn>=1.6,<2",
            # The pipeline to ONNX. 1.20 can't write HistGradientBoostingClassifier, hence the classic one.
            "skl2onnx>=1.20,<2",
        ],
    },
    entry_points={"console_scripts": ["wide_train = wide_model.wide_train:main"]},
)
