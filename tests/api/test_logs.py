"""docs/logs.md names every field that the program writes."""

import json
import re

from conftest import ROOT, SHORT


def documented():
    rows = re.findall(r"^\| (`[^|]*) \|", (ROOT / "docs" / "logs.md").read_text(), re.M)
    return {name for row in rows for name in re.findall("`([^`]+)`", row)}


def calls():
    """The arguments of every call of log_line, cut at the commas outside of parentheses and texts."""
    for path in (ROOT / "src").rglob("*.c"):
        text = re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.S)
        for found in re.finditer(r"\blog_line\(", text):
            depth, begin, arguments = 1, found.end(), []
            at = begin
            while depth > 0:
                token = re.compile(r'"(?:[^"\\]|\\.)*"|.', re.S).match(text, at)
                at, c = token.end(), token.group()
                depth += (c in "([{") - (c in ")]}")
                if (c == "," and depth == 1) or depth == 0:
                    arguments.append(text[begin : at - 1].strip())
                    begin = at
            yield path, arguments


def test_every_field():
    known, seen = documented(), set()
    for path, arguments in calls():
        if arguments[-1] != "NULL":
            continue  # its own declaration and definition
        for key in arguments[2:-1:2]:
            assert re.fullmatch(r'"[^"]+"', key), f"{path}: a field whose name is no literal: {key}"
            seen.add(key.strip('"'))
    assert len(seen) > 25
    assert seen - known == set(), "docs/logs.md lacks fields"
    assert known - seen - {"ts", "level", "msg"} == set(), "docs/logs.md has fields that nothing writes"


def test_lines(pqr):
    run = pqr("run", "--lake", "lake", *SHORT, "--log-format", "json", "--json")
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert {line["stage"] for line in lines if line["msg"] == "stage done"} == {"raw", "bronze", "silver", "gold", "publish"}
    for line in lines:
        assert list(line)[:3] == ["ts", "level", "msg"] and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
        assert all(isinstance(value, str) for value in line.values()) and set(line) <= documented()
