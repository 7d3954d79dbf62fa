"""python/streamlit_app: its figures are the tables', on both databases and in both languages; and as a browser shows it."""

import pathlib
import sqlite3
import sys

import pytest
from conftest import ROOT, pqr

APP = ROOT / "python/streamlit_app"
sys.path.insert(0, str(APP))


@pytest.fixture(scope="module")
def uris(postgres, tmp_path_factory):
    """A small lake's SQLite, and PostgreSQL as pqr_bi, who sees no runs."""
    lake = tmp_path_factory.mktemp("small") / "lake"
    pqr("run", "--from", "2026-01-01", "--to", "2026-02-14", "--volume", "50", "--lake", lake, "--quiet")
    login = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**postgres)
    return {"sqlite": f"sqlite:{lake / 'control.db'}", "postgresql": login}


def page(uri, monkeypatch, **query):
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("PQR_BI_URI", uri)
    app = AppTest.from_file(str(APP / "app.py"), default_timeout=120)
    app.query_params.update(query)
    return app.run()


def asked(uri, sql):
    """The only value of a query, by each database's own client."""
    if uri.startswith("sqlite:"):
        return sqlite3.connect(uri.removeprefix("sqlite:")).execute(sql.replace("gold.", "gold_").replace("analytics.", "analytics_")).fetchone()[0]
    import psycopg

    with psycopg.connect(uri) as connection:
        return connection.execute(sql).fetchone()[0]


def tiles(app):
    assert not app.exception, app.exception
    return {tile.label: tile.value for tile in app.metric}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_figures(kind, uris, monkeypatch):
    app = page(uris[kind], monkeypatch, lang="en")
    assert app.title[0].value == "PQRS: executive dashboard" and app.session_state["language"] == "en"
    app.selectbox(key="period").set_value(0).run()
    n = lambda sql: f"{asked(uris[kind], sql):,}"  # noqa: E731
    seen = tiles(app)
    assert seen["Created"] == n("SELECT sum(total_tickets) FROM gold.daily_kpis")
    assert seen["Closed"] == n("SELECT sum(closed_count) FROM gold.kpi_sla_daily")
    assert seen["Open"] == n("SELECT count(*) FROM analytics.v_tickets_open")
    late = "FROM gold.tickets_snapshot WHERE sla_status = 'LATE' AND current_status NOT IN ('RESPONDED', 'CLOSED', 'ARCHIVED')"
    assert seen["Overdue"] == n(f"SELECT count(*) {late}")
    share = asked(uris[kind], "SELECT round(100.0 - 100.0 * sum(overdue_count) / sum(closed_count), 1) FROM gold.kpi_sla_daily")
    assert seen["Within the term"] == f"{share:.1f} %"
    assert [tab.label for tab in app.tabs] == ["Overview", "Compliance", "Territory", "Cases", "Lakehouse health"]
    # one type alone, in Spanish
    app.multiselect(key="types").set_value(["Q"])
    app.radio(key="language").set_value("es").run()
    seen = tiles(app)
    assert seen["Radicadas"] == n("SELECT sum(complaints) FROM gold.daily_kpis").replace(",", ".")
    assert "Quejas: dentro del término" in seen and "Peticiones: dentro del término" not in seen
    assert app.title[0].value == "PQRS: tablero ejecutivo"
    territory = next(f.value for f in app.dataframe if "department" in f.value.columns)
    assert territory["created"].sum() == asked(uris[kind], "SELECT sum(complaints) FROM gold.daily_kpis")
    assert territory["open"].sum() == asked(uris[kind], "SELECT sum(backlog_count) FROM gold.kpi_backlog_daily WHERE pqrs_type = 'Q' AND day = (SELECT max(day) FROM gold.kpi_backlog_daily)")
    cases = next(f.value for f in app.dataframe if "ticket_id" in f.value.columns)
    assert len(cases) == 200 and list(cases["sla_days_left"]) == sorted(cases["sla_days_left"])
    # who may see runs sees them
    runs = [list(f.value["run_id"]) for f in app.dataframe if "status" in f.value.columns]
    assert runs == ([[asked(uris[kind], "SELECT run_id FROM meta_runs")]] if kind == "sqlite" else [])
    assert any("pqr_bi" in note.value for note in app.info) == (kind == "postgresql")


def test_figures_are_kept(uris, monkeypatch):
    import data
    import streamlit

    calls, asks = [], data.rows
    monkeypatch.setattr(data, "rows", lambda *bound, **named: (calls.append(bound), asks(*bound, **named))[1])
    streamlit.cache_data.clear()
    app = page(uris["sqlite"], monkeypatch)
    first = len(calls)
    app.run()
    assert not app.exception and len(calls) == first > 10


def test_nothing_published(tmp_path, monkeypatch):
    app = page(f"sqlite:{tmp_path / 'control.db'}", monkeypatch)
    assert not app.exception and "pqr run" in app.info[0].value and not app.metric
    assert list(tmp_path.iterdir()) == []


def test_out_of_reach(monkeypatch):
    app = page("postgresql://someone:s3cret@127.0.0.1:1/x", monkeypatch)
    assert not app.exception and "s3cret" not in app.info[0].value + app.sidebar.caption[0].value


def test_every_text_in_both_languages():
    import texts

    assert all(len(pair) == 2 and all(pair) for pair in texts.TEXTS.values())
    assert texts.number(12345.6, "es", 1) == "12.345,6" and texts.number(12345.6, "en", 1) == "12,345.6"


def test_browser(uris, stack, tmp_path, monkeypatch):
    """Charts are drawn, nothing fails, nothing is asked of another machine."""
    if not pathlib.Path("/usr/bin/chromium").exists():
        pytest.skip("no chromium here")
    sync = pytest.importorskip("playwright.sync_api")
    monkeypatch.setitem(stack.settings, "PQR_BI_URI", uris["sqlite"])
    url = stack.up("streamlit")["PQR_STREAMLIT_URL"]
    with sync.sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1400, "height": 1100})
        hosts, said = set(), []
        view.on("request", lambda request: request.url.startswith("http") and hosts.add(request.url.split("/")[2].split(":")[0]))
        view.on("pageerror", lambda error: said.append(str(error)))
        for language, title in (("es", "PQRS: tablero ejecutivo"), ("en", "PQRS: executive dashboard")):
            view.goto(f"{url}/?lang={language}")
            view.wait_for_selector(f"h1:has-text('{title}')", timeout=60000)
            view.wait_for_function("document.querySelectorAll('[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg').length >= 3", timeout=60000)
            picture = view.screenshot(path=tmp_path / f"{language}.png")
            assert len(picture) > 40000  # an empty page has 15 kB
            assert view.query_selector("[data-testid=stException]") is None
            assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
        view.set_viewport_size({"width": 390, "height": 844})
        view.wait_for_selector("[data-testid=stMetric]")
        assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
        browser.close()
    assert hosts == {"127.0.0.1"}
    assert said == []
