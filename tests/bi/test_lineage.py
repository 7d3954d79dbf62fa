"""`pqr lineage --format cypher`: in Neo4j's grammar, and loaded by a graph database that runs in this process."""

import json

import pytest
from conftest import pqr

kuzu = pytest.importorskip("kuzu")
antlr4 = pytest.importorskip("antlr4")
antlr4_cypher = pytest.importorskip("antlr4_cypher")


@pytest.fixture(scope="module")
def lineage(postgres):
    where = ("--lake", postgres["lake"], "--control", postgres["owner"])
    runs = [run["run_id"] for run in json.loads(pqr("runs", "--json", *where))]
    assert len(runs) == 2
    text = "".join(pqr("lineage", "--format", "cypher", "--run-id", run, *where) for run in runs)
    edges = [edge for run in runs for edge in json.loads(pqr("lineage", "--json", "--run-id", run, *where))]
    return text, edges


def faults(statements):
    """Of each line: the grammar takes one statement."""

    class Faults(antlr4.error.ErrorListener.ErrorListener):
        def __init__(self):
            self.found = []

        def syntaxError(self, recognizer, symbol, line, column, message, error):  # noqa: N802 # the grammar's name
            self.found.append(f"{line}:{column} {message}")

    heard = Faults()
    for statement in statements.splitlines():
        lexer = antlr4_cypher.CypherLexer(antlr4.InputStream(statement))
        parser = antlr4_cypher.CypherParser(antlr4.CommonTokenStream(lexer))
        for part in (lexer, parser):
            part.removeErrorListeners()
            part.addErrorListener(heard)
        parser.script()
    return heard.found


def test_syntax(lineage):
    text, edges = lineage
    assert len(text.splitlines()) == len(edges) > 20
    assert faults(text) == []
    first = text.splitlines()[0]
    assert faults(first.replace("]->(b)", "]>(b)")) and faults(first.replace("MERGE", "MERG", 1))


def test_loads(lineage):
    """Twice: MERGE leaves what is there."""
    text, edges = lineage
    graph = kuzu.Connection(kuzu.Database(":memory:"))
    graph.execute("CREATE NODE TABLE Dataset(name STRING, PRIMARY KEY(name))")
    graph.execute("CREATE REL TABLE FEEDS(FROM Dataset TO Dataset, run_id STRING, stage STRING, input_version STRING, output_version STRING)")
    for _ in range(2):
        for statement in text.splitlines():
            graph.execute(statement)
    found = graph.execute("MATCH (a)-[f:FEEDS]->(b) RETURN f.run_id, f.stage, a.name, f.input_version, b.name, f.output_version")
    rows = set()
    while found.has_next():
        rows.add(tuple(found.get_next()))
    assert rows == {tuple(edge[k] for k in ("run_id", "stage", "input", "input_version", "output", "output_version")) for edge in edges}
    up = graph.execute("MATCH (a:Dataset)-[:FEEDS*1..6]->(b:Dataset {name: 'gold.daily_active_users'}) RETURN count(DISTINCT a.name)").get_next()[0]
    assert up == 4  # config, raw, bronze, silver
