"""What the project's documents hold: blocks of code, links, and the headings that links lead to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent
README: Final = PROJECT / "README.md"
GUIDES: Final = (README, PROJECT / "CONTRIBUTING.md", *sorted(PROJECT.glob("docs/*.md")))
_FOLDERS: Final = ("docs", "benchmarks", "cluster", "examples")
DOCUMENTS: Final = tuple(
    path
    for pages in ("*.md", *(f"{folder}/**/*.md" for folder in _FOLDERS))
    for path in sorted(PROJECT.glob(pages))
    if not any(part.startswith(".") for part in path.relative_to(PROJECT).parts)
)

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- (not run here: .+|run by \S+) -->\n\Z")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code; mark is what the comment directly above says of running it, if there is one."""

    document: Path
    line: int
    language: str
    text: str
    mark: str | None

    def __str__(self) -> str:
        """Return where the block is, as compilers say it."""
        return f"{self.document.relative_to(PROJECT)}:{self.line}"


def blocks(document: Path, *languages: str) -> list[Block]:
    """Return a document's blocks in these languages, in their order."""
    text = document.read_text(encoding="utf-8")
    found = [_block(document, text, match) for match in _BLOCK.finditer(text)]
    return [block for block in found if block.language in languages]


def _block(document: Path, text: str, match: re.Match[str]) -> Block:
    before = text[: match.start()]
    mark = _MARK.search(before)
    return Block(document, before.count("\n") + 1, match["language"], match["text"], mark and mark[1])


def prose(document: Path) -> str:
    """Return a document without its blocks, in which a # is no heading and brackets are no link."""
    return _BLOCK.sub("", document.read_text(encoding="utf-8"))


def links(document: Path) -> list[str]:
    """Return where a document's links lead, as they are written."""
    return _LINK.findall(prose(document))


def anchors(document: Path) -> set[str]:
    """Return the names by which links reach a document's headings, made as GitHub makes them."""
    headings = _HEADING.findall(prose(document))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
