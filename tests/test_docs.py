"""The documentation: its examples run and print what it says, its links lead somewhere, its commands exist.

All ```python blocks of a page run in order, in one namespace and an empty folder; those fenced ```python no-run do not. An
```output block directly after one is what it prints; ``...`` stands for anything.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import sys
import tomllib
import types
from pathlib import Path
from typing import NamedTuple

import pytest
from floors import FLOORS, ROOT

from hybrid import cli

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(?P<text>.+?)[ #]*$", re.MULTILINE)
LAUNCHER = r"(?:(?:mpirun|srun)(?: -\S+(?: [\w\"$]+)?)* )?"
COMMAND = re.compile(r"^(?:\$ )?(?:\w+=\S+ )*" + LAUNCHER + r"hybrid (?P<arguments>.*)$")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


class Block(NamedTuple):
    info: str
    text: str
    line: int
    end: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(m["info"].strip(), m["text"], text.count("\n", 0, m.start("text")), m.end()) for m in FENCE.finditer(text)
    ]


def expected_output(page: Path, block: Block, following: Block | None) -> str | None:
    """The text of the output block that follows, if nothing but white space lies between."""
    if following is None or following.info != "output":
        return None
    between = page.read_text(encoding="utf-8")[block.end :].partition("```")[0]
    return following.text if not between.strip() else None


def anchors(page: Path) -> set[str]:
    """What GitHub and MyST make of the headings."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", m["text"]) for m in HEADING.finditer(prose)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_the_examples_run_and_print_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType(f"page_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    found = blocks(page)
    for block, following in zip(found, [*found[1:], None], strict=False):
        if block.info != "python":
            continue
        code = compile("\n" * block.line + block.text, str(page), "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, module.__dict__)
        expected = expected_output(page, block, following)
        if expected is not None:
            same = doctest.OutputChecker().check_output(expected, printed.getvalue(), doctest.ELLIPSIS)
            assert same, f"{page.name}, line {block.line}: it prints\n{printed.getvalue()}"


@every_page
def test_every_link_leads_somewhere(page):
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    for match in LINK.finditer(prose):
        path, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {match['target']} does not exist"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {target.name} has no heading #{anchor}"


@every_page
def test_every_command_is_one_of_ours(page):
    for block in blocks(page):
        if block.info.partition(" ")[0] not in ("bash", "console", "sh"):
            continue
        for line in re.split(r"\n| && | \| | #", block.text.replace("\\\n", " ")):
            match = COMMAND.match(line.strip())
            if match is None:
                continue
            try:
                cli._parser().parse_args(shlex.split(match["arguments"]))
            except SystemExit as end:  # --help ends with 0
                if end.code:
                    pytest.fail(f"{page.name}: {line}")


@every_page
def test_every_toml_block_is_toml(page):
    for block in blocks(page):
        if block.info == "toml":
            tomllib.loads(block.text)


def test_every_page_is_reached_from_the_index():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    linked = {match["target"].partition("#")[0] for match in LINK.finditer(index)}
    assert {page.name for page in PAGES} - {"README.md", "index.md"} <= linked


def test_the_picture_of_the_floors_is_that_of_the_table():
    picture = (ROOT / "docs" / "floors.svg").read_text(encoding="utf-8")
    for number, rooms in enumerate(FLOORS, start=1):
        assert f"floor {number}: {' '.join(sorted(rooms))}" in picture, "draw it again: python docs/make_floors.py"
