"""Text in any encoding that Python knows, as the UTF-8 that everything here reads."""

from __future__ import annotations

import codecs
import io
import re
import sys
from functools import partial
from typing import TYPE_CHECKING

from model_mapreduce_job.exceptions import InputError

if TYPE_CHECKING:
    from model_mapreduce_job.formats.lines import Source

UTF_8 = "utf-8"
# No byte of a longer character is a line feed in these, and each line starts in the same state.
_SPLIT_AT_LINES = frozenset(
    {"utf-8", "ascii", "gb18030", "gbk", "gb2312", "big5", "big5hkscs", "cp949", "cp950", "euc_kr", "euc_jp"}
    | {"shift_jis", "cp932", "johab", "euc_jis_2004", "euc_jisx0213", "shift_jis_2004", "shift_jisx0213"}
)
_LOW_SURROGATES = 0xDC00
# U+DC00 to U+DCFF, as they stand in text that was transcoded
_STAND_IN = re.compile(rb"\xed[\xb0-\xb3][\x80-\xbf]")
_ONE_BYTE, _ALL_BYTES = "model_mapreduce_job.one_byte", "model_mapreduce_job.all_bytes"


def check_encoding(name: str) -> str:
    """Return Python's name of an encoding of text; raise InputError for one that it doesn't know."""
    try:
        known = codecs.lookup(name).name
        is_text = Transcoded(io.BytesIO("a,1\n".encode(known)), known).read(1 << 10) == b"a,1\n"
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        raise InputError(
            f"--encoding {name} is no encoding of text that Python knows. Name one, such as latin-1."
        )
    return UTF_8 if known == "utf-8-sig" else known


def splits_at_lines(encoding: str) -> bool:
    """Return whether a file can be read from the byte after any line feed on, without what comes before."""
    name = codecs.lookup(encoding).name
    return name in _SPLIT_AT_LINES or _is_one_byte_a_character(name)


def is_utf_8(text: bytes) -> bool:
    """Return whether bytes are text of UTF-8."""
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


class Transcoded:
    """A source of bytes in another encoding, as UTF-8.

    Bytes that the encoding doesn't have come as bytes that UTF-8 doesn't have either, so that only their line
    fails.
    """

    def __init__(self, source: Source, encoding: str) -> None:
        self._source = source
        self._encoding = encoding
        handler = _ONE_BYTE if splits_at_lines(encoding) else _ALL_BYTES
        self._decoder = codecs.getincrementaldecoder(encoding)(handler)

    def read(self, size: int, /) -> bytes:
        """Return some bytes, at least one unless the source is at its end."""
        try:
            while data := self._source.read(size):
                if text := self._decoder.decode(data):
                    return _utf_8(text)
            rest = self._decoder.decode(b"", final=True)
        except UnicodeError as error:
            raise InputError(f"The input can't be read with --encoding {self._encoding}: {error}.") from error
        self._decoder.reset()
        return _utf_8(rest)


def transcoded(source: Source, encoding: str) -> Source:
    """Return a source of UTF-8: the very source if it is one."""
    return source if encoding == UTF_8 else Transcoded(source, encoding)


def _stand_ins(error: UnicodeError, most: int) -> tuple[str, int]:
    """Return a half of a surrogate pair for each byte that an encoding doesn't have, and where to go on."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    unknown = error.object[error.start : error.end][:most]
    return "".join(chr(_LOW_SURROGATES + byte) for byte in unknown), error.start + len(unknown)


# a line feed after the first byte of a character that isn't whole still ends its line
codecs.register_error(_ONE_BYTE, partial(_stand_ins, most=1))
codecs.register_error(_ALL_BYTES, partial(_stand_ins, most=sys.maxsize))


def line_text(line: bytes, encoding: str) -> str:
    """Return a line's text; raises UnicodeDecodeError for a byte that its own encoding doesn't have."""
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        if encoding == UTF_8 or not (found := _STAND_IN.search(line)):
            raise
        before = line[: found.start()].decode(errors="replace").encode(encoding, errors="replace")
        unknown = before + bytes([_byte_of(found)])
        reason = "no character of this encoding"
        raise UnicodeDecodeError(encoding, unknown, len(before), len(unknown), reason) from error


def shown_line(line: bytes, encoding: str) -> bytes:
    r"""Return a line with each byte that its own encoding doesn't have as \xNN."""
    return line if encoding == UTF_8 else _STAND_IN.sub(lambda found: b"\\x%02x" % _byte_of(found), line)


def _byte_of(stand_in: re.Match[bytes]) -> int:
    return ord(stand_in[0].decode(errors="surrogatepass")) - _LOW_SURROGATES


def _utf_8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _is_one_byte_a_character(encoding: str) -> bool:
    alone = [bytes([byte]).decode(encoding, errors="replace") for byte in range(256)]
    pairs = [bytes([byte, byte]).decode(encoding, errors="replace") for byte in range(256)]
    return (
        alone[ord("\n")] == "\n"
        and alone.count("\n") == 1
        and pairs == [character * 2 for character in alone]
    )
