"""deploy/loki/config.alloy reads fields that log lines have. Alloy itself is in no registry."""

import re

from conftest import ROOT


def test_fields():
    text = (ROOT / "deploy/loki/config.alloy").read_text()
    documented = set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in (ROOT / "docs/logs.md").read_text().splitlines() if line.startswith("| `"))))
    extracted = dict(re.findall(r'(\w+) += "([\w |]+)"', re.search(r"expressions = \{(.*?)\}", text).group(1)))
    assert extracted.keys() == {"ts", "level", "run", "stage"}
    assert {name for path in extracted.values() for name in path.split(" || ")} <= documented
    for stage in ("labels", "structured_metadata"):
        used = re.search(rf"stage\.{stage} \{{\s+values = \{{(.*?)\}}", text).group(1)
        assert set(re.findall(r"(\w+) =", used)) <= extracted.keys()
    assert text.count("{") == text.count("}") and text.count("(") == text.count(")")


def test_components_are_wired():
    """What forwards to, forwards to something that is there."""
    text = (ROOT / "deploy/loki/config.alloy").read_text()
    made = {f"{kind}.{name}" for kind, name in re.findall(r'^([\w.]+) "(\w+)" \{', text, re.M)}
    wanted = set(re.findall(r"\b(\w+\.\w+\.\w+)\.(?:receiver|targets|rules)", text))
    assert wanted and {one.removesuffix(".receiver") for one in wanted} <= made
