"""Apache Beam: RunInference with the ONNX model handler, part files, on the DirectRunner's processes."""

import json
from collections.abc import Sequence
from functools import partial

import apache_beam as beam
from apache_beam.io import ReadFromText, WriteToText
from apache_beam.ml.inference.base import PredictionResult, RunInference
from apache_beam.ml.inference.onnx_inference import OnnxModelHandlerNumpy
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from onnxruntime import InferenceSession
from peer_options import PeerOptions, peer_options
from record_arrays import Record, arrays
from served_model import MODELS, predict, session


class Handler(OnnxModelHandlerNumpy):
    """Serves records instead of arrays, from a session with one thread."""

    def __init__(self, model_name: str) -> None:
        infer = partial(_infer, model_name)
        super().__init__(
            str(MODELS[model_name].file), inference_fn=infer, min_batch_size=256, max_batch_size=4096
        )
        self._model_name = model_name

    def load_model(self) -> InferenceSession:
        """Open the model file, whose options can't be sent to a worker."""
        return session(self._model_name)

    def get_num_bytes(self, batch: Sequence[Record]) -> int:
        """Return the size of the batch in bytes, for Beam's metrics."""
        return len(batch) * len(MODELS[self._model_name].fields) * 8


def _infer(model_name: str, _: InferenceSession, batch: Sequence[Record], __: None) -> list[Record]:
    outputs = predict(model_name, *arrays(batch, MODELS[model_name]))
    columns = [values.tolist() for values in outputs.values()]
    return [dict(zip(outputs, values, strict=True)) for values in zip(*columns, strict=True)]


def run(options: PeerOptions) -> None:
    """Predict `options.input` into a directory of part files."""
    pipeline_options = PipelineOptions(
        direct_running_mode="multi_processing", direct_num_workers=options.workers
    )
    # DirectRunner first tries to download another runner; this is the one it falls back to.
    with beam.Pipeline(runner=FnApiRunner(), options=pipeline_options) as pipeline:
        (
            pipeline
            | ReadFromText(str(options.input))
            | beam.Map(json.loads)
            | RunInference(Handler(options.model))
            | beam.Map(_line)
            | WriteToText(str(options.output / "part"))
        )


def _line(result: PredictionResult) -> str:
    return json.dumps(result.example | result.inference)


if __name__ == "__main__":
    run(peer_options("Predict line-delimited JSON with Apache Beam."))
