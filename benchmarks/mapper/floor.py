"""The floor: a loop written by hand for this one model and this one output.

It gives the mapper's output byte for byte, also for a line that is no flower or no JSON. It does without
blank lines, TABs, lines too long for memory, counters, batches that fit the model, and all other models.
"""

import io
import json
import sys
from collections.abc import Iterator

import msgspec
from iris_model.iris_predict import IrisModel
from iris_model.iris_schema import IrisInput

# The quickest of 64 KiB, 256 KiB and 1 MiB: about 800 rows.
BLOCK_BYTES = 1 << 16
BAD_LINE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def main() -> None:
    """Predict standard input into standard output."""
    model = IrisModel()
    decode = msgspec.json.Decoder(IrisInput).decode
    write = sys.stdout.buffer.write
    for lines in blocks(sys.stdin.buffer.raw):
        bad = []
        flowers = []
        reads = map(decode, lines)
        while len(flowers) + len(bad) < len(lines):
            try:
                flowers.extend(reads)  # goes on behind the line that raised
            except BAD_LINE:
                bad.append(len(flowers) + len(bad))
        good = without(lines, bad) if bad else lines
        predictions = model.predict_batch(flowers)
        output = [
            b'%b\t{"species": "%b"}\n' % (line, prediction["species"].encode())
            for line, prediction in zip(good, predictions, strict=True)
        ]
        for position in bad:
            output.insert(position, b"%b\tnull\n" % json_text(lines[position]))
        write(b"".join(output))


def blocks(source: io.RawIOBase) -> Iterator[list[bytes]]:
    """Yield the lines of a file, some hundreds at a time."""
    rest = b""
    while block := source.read(BLOCK_BYTES):
        ended, newline, begun = block.rpartition(b"\n")
        if newline:
            yield (rest + ended).split(b"\n")
            rest = begun
        else:
            rest += begun
    if rest:
        yield [rest]


def without(lines: list[bytes], bad: list[int]) -> list[bytes]:
    """Return the lines that are not at these positions."""
    skip = set(bad)
    return [line for position, line in enumerate(lines) if position not in skip]


def json_text(line: bytes) -> bytes:
    """Return a bad line, as a JSON string when it is not JSON."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return json.dumps(line.decode(errors="backslashreplace"), ensure_ascii=False).encode()
    return line


if __name__ == "__main__":
    main()
