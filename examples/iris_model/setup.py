"""Package definition of the iris model: a package of its own, which knows nothing of the job that runs it."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="iris_model",
    version="1.0.0",
    description="Predicts the species of an iris flower from four measurements.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(include=["iris_model", "iris_model.*"]),
    package_data={"iris_model": ["py.typed", "model_files/*.onnx"]},
    python_requires=">=3.11,<3.14",
    install_requires=[
        # Runs the trained file; 1.20 is the first release for Python 3.13.
        "onnxruntime>=1.20,<2",
        # What ONNX Runtime takes and gives; 1.26 is the first release for Python 3.12, 2 works as well.
        "numpy>=1.26,<3",
        # Checks a record against the schema; before 0.22, an int too large for a float was a SystemError.
        "msgspec>=0.22,<1",
    ],
    extras_require={
        # What `iris_train` needs; predicting needs none of it.
        "train": [
            # The SVC and the flowers; 1.9 deprecates `probA_`, which skl2onnx 1.20 reads at each export.
            "scikit-learn>=1.6,<1.9",
            # SVC to ONNX; 1.20 is the first release that knows scikit-learn 1.8.
            "skl2onnx>=1.20,<2",
            # The file format that skl2onnx writes; this major version is the one it was tested with.
            "onnx>=1.17,<2",
        ],
    },
    entry_points={"console_scripts": ["iris_train = iris_model.iris_train:main"]},
)
