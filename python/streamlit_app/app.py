"""An executive's page over what pqr publishes: volume, compliance, backlog, territory, and whether the lakehouse is well.

streamlit run python/streamlit_app/app.py; PQR_BI_URI says which database (docs/dashboards.md).
"""

from datetime import timedelta

import altair as alt
import data
import pandas as pd
import streamlit as st
from texts import LANGUAGES, LOCALES, number, texts

TYPES = ("P", "Q", "R", "S")
PERIODS = (30, 90, 180, 0)  # days; 0: all there are
COLOURS = alt.Scale(range=["#1f5fa8", "#d9822b", "#2e8b57", "#8a5fb0", "#6b7280"])
KEPT_SECONDS = 60  # figures change when a run is published


@st.cache_data(ttl=KEPT_SECONDS, show_spinner=False)
def ask(what, uri, *arguments):
    """The named query of data.py; kept for everybody who looks."""
    return getattr(data, what)(uri, *arguments)


def chosen(say, language):
    """What the side bar says: types, days; and how they are told in the URL."""
    with st.sidebar:
        types = st.multiselect(say("types"), TYPES, default=TYPES, format_func=say, key="types")
        days = st.selectbox(say("period"), PERIODS, index=1, format_func=lambda n: say("days", n) if n else say("all"), key="period")
        st.caption(f"{say('source')}: `{data.shown(data.default_uri())}`")
    return types, days


def language_of():
    asked = st.query_params.get("lang", "es")
    with st.sidebar:
        picked = st.radio("Idioma / Language", list(LANGUAGES), index=list(LANGUAGES).index(asked) if asked in LANGUAGES else 0, format_func=LANGUAGES.get, horizontal=True, key="language")
    st.query_params["lang"] = picked
    return picked


def spoken(frame, say):
    """Codes as words: a copy."""
    frame = frame.copy()
    for column in {"pqrs_type", "channel"} & set(frame.columns):
        frame[column] = frame[column].map(say)
    return frame


def chart(kind, frame, x, y, colour=None, height=260, **how):
    made = getattr(alt.Chart(frame), f"mark_{kind}")(**how).encode(x=x, y=y, tooltip=list(frame.columns))
    if colour is not None:
        made = made.encode(color=colour.scale(COLOURS).legend(orient="bottom", title=None))
    st.altair_chart(made.properties(height=height).configure(**LOCALES[st.session_state["language"]]))


def change(now, before, language, decimals=1):
    return None if not before else f"{number(100 * (now - before) / before, language, decimals)} %"


def share(frame):
    closed = frame["closed_count"].sum()
    return 100 * (1 - frame["overdue_count"].sum() / closed) if closed else None


def overview(uri, say, language, span, types):
    since, until, before = span
    of_types = lambda what, *bounds: (lambda f: f[f["pqrs_type"].isin(types)])(ask(what, uri, *bounds))  # noqa: E731
    volume, earlier = of_types("volume", since, until), of_types("volume", before, since - timedelta(days=1))
    closed, closed_earlier = of_types("compliance", since, until), of_types("compliance", before, since - timedelta(days=1))
    backlog = of_types("backlog", since, until)
    risk = ask("risk", uri)
    tiles = st.columns(6)
    n, m = volume["tickets_count"].sum(), earlier["tickets_count"].sum()
    tiles[0].metric(say("created"), number(n, language), change(n, m, language), delta_color="off", help=say("change_help"))
    n, m = closed["closed_count"].sum(), closed_earlier["closed_count"].sum()
    tiles[1].metric(say("closed"), number(n, language), change(n, m, language), delta_color="off", help=say("change_help"))
    n, m = share(closed), share(closed_earlier)
    tiles[2].metric(say("within"), "–" if n is None else f"{number(n, language, 1)} %", None if n is None or m is None else f"{number(n - m, language, 1)} pp", help=say("within_help"))
    first, last = (backlog[backlog["day"] == d]["open"].sum() for d in (backlog["day"].min(), backlog["day"].max()))
    tiles[3].metric(say("open"), number(last, language), change(last, first, language), delta_color="inverse", help=say("open_help"))
    tiles[4].metric(say("overdue"), number(risk[risk["sla_status"] == "LATE"]["tickets"].sum(), language), help=say("left_help"))
    soon = risk[(risk["sla_status"] == "IN_TIME") & risk["sla_days_left"].between(0, 2)]["tickets"].sum()
    tiles[5].metric(say("soon"), number(soon, language), help=say("left_help"))
    left, right = st.columns([2, 1])
    with left:
        st.subheader(say("volume_day"))
        chart("area", spoken(volume.groupby(["day", "pqrs_type"], as_index=False)["tickets_count"].sum(), say), alt.X("day:T", title=None), alt.Y("tickets_count:Q", title=say("tickets")), alt.Color("pqrs_type:N"))
    with right:
        st.subheader(say("volume_channel"))
        chart("bar", spoken(volume.groupby("channel", as_index=False)["tickets_count"].sum(), say), alt.X("tickets_count:Q", title=say("tickets")), alt.Y("channel:N", title=None, sort="-x"), color="#1f5fa8")
    st.subheader(say("backlog_day"))
    chart("area", spoken(backlog, say), alt.X("day:T", title=None), alt.Y("open:Q", title=say("tickets")), alt.Color("pqrs_type:N"))


def compliance(uri, say, language, span, types):
    since, until, _ = span
    closed = ask("compliance", uri, since, until)
    closed = closed[closed["pqrs_type"].isin(types)]
    months = ask("months", uri)
    tiles = st.columns(len(types) or 1)
    for tile, kind in zip(tiles, types):
        of_kind = closed[closed["pqrs_type"] == kind]
        late = of_kind["overdue_count"].sum()
        mean = (of_kind["avg_overdue_days"] * of_kind["overdue_count"]).sum() / late if late else 0
        within = share(of_kind)
        tile.metric(f"{say(kind)}: {say('within').lower()}", "–" if within is None else f"{number(within, language, 1)} %", help=say("within_help"))
        tile.caption(f"{say('late')}: {number(late, language)} · {say('days_late')}: {number(mean, language, 1)}")
    st.subheader(say("by_month"))
    chart("line", spoken(months[months["pqrs_type"].isin(types)], say), alt.X("month:O", title=None), alt.Y("within_sla_pct:Q", title="%", scale=alt.Scale(zero=False)), alt.Color("pqrs_type:N"), point=True)
    st.subheader(say("late_day"))
    chart("bar", spoken(closed, say), alt.X("day:T", title=None), alt.Y("overdue_count:Q", title=say("tickets")), alt.Color("pqrs_type:N"))


def territory(uri, say, language, span, types):
    since, until, _ = span
    found = ask("territory", uri, since, until)
    found = found[found["pqrs_type"].isin(types)].groupby("department", as_index=False)[["created", "closed", "late", "open"]].sum().sort_values("open", ascending=False)
    found["late_pct"] = (100 * found["late"] / found["closed"].where(found["closed"] > 0)).round(1)
    left, right = st.columns(2)
    with left:
        st.subheader(say("open_dept"))
        chart("bar", found, alt.X("open:Q", title=say("tickets")), alt.Y("department:N", title=None, sort="-x"), height=22 * len(found) + 20, color="#1f5fa8")
    with right:
        st.subheader(say("by_dept"))
        st.dataframe(found, hide_index=True, height=22 * len(found) + 60, column_config={n: say(n) for n in found.columns})


def cases(uri, say, language, span, types):
    risk = ask("risk", uri)
    started = risk[risk["sla_status"] != "NOT_STARTED"].copy()
    started["left"] = started["sla_days_left"].clip(-10, 20)
    st.subheader(say("left_chart"))
    st.caption(say("left_help"))
    by_days = started.groupby("left", as_index=False)["tickets"].sum()
    chart("bar", by_days, alt.X("left:O", title=say("left")), alt.Y("tickets:Q", title=say("tickets")), height=200, color="#1f5fa8")
    st.subheader(say("urgent"))
    urgent = ask("cases", uri)
    names = {"ticket_id": "ticket", "current_status": "status", "sla_days_left": "left", "sla_days_target": "term", "updated_at": "updated"}
    shown = urgent[list(names)].assign(current_status=urgent["current_status"].map(say))
    st.dataframe(shown, hide_index=True, column_config={k: say(v) for k, v in names.items()})
    if len(urgent):
        st.caption(say("explain", urgent["ticket_id"].iloc[0]))


def lake(uri, say, language, span, types):
    tables = ask("published", uri)
    left, right = st.columns([2, 3])
    with left:
        st.subheader(say("tables"))
        age = (pd.Timestamp.now("UTC").tz_localize(None).normalize() - pd.Timestamp(span[1])).days
        st.metric(say("newest"), str(span[1]), f"{number(age, language)} {say('age')}", delta_color="off", delta_arrow="off")
        st.dataframe(tables, hide_index=True)
        streams = ask("streams", uri)
        if len(streams):
            st.subheader(say("streams"))
            st.dataframe(streams, hide_index=True)
    with right:
        st.subheader(say("runs"))
        runs = ask("runs", uri)
        if runs is None:
            st.info(say("no_runs"))
            return
        st.dataframe(runs, hide_index=True)
        st.subheader(say("checks"))
        st.dataframe(ask("checks", uri), hide_index=True)


def main():
    st.set_page_config(page_title="PQRS", layout="wide")
    language = language_of()
    say = texts(language)
    st.title(say("title"))
    types, days = chosen(say, language)
    uri = data.default_uri()
    try:
        first, last = ask("bounds", uri)
    except data.Unpublished as why:
        st.info(say("nothing", data.shown(uri), why))
        st.stop()
    if not types:
        st.info(say("no_type"))
        st.stop()
    since = max(first, last - timedelta(days=days - 1)) if days else first
    before = since - (last - since) - timedelta(days=1)  # as many days, or none to compare with
    span = (since, last, before if before >= first else since)
    st.caption(say("between", since, last))
    pages = (overview, compliance, territory, cases, lake)
    for tab, page in zip(st.tabs([say(page.__name__) for page in pages]), pages):
        with tab:
            page(uri, say, language, span, types)


main()
