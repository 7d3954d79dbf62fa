"""pqr serve under load: requests a second, beside Datasette on the same SQLite file where it is installed.

    serve.py PQR FOLDER [DATASETTE]     FOLDER: for the lake of the default run
    BENCH_SECONDS=10                    of each

wrk asks for KPIs (three tables, filters that differ from one request to the next) from as many cores as the server has: client and server share
the machine. `50 dashboards` is 50 clients of one connection each that ask for the six figures of a page over and over. Prints Markdown. Every
answer of the first hundred is checked to be rows.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request

SECONDS = int(os.environ.get("BENCH_SECONDS", 10))
LUA = """
local n = tonumber(os.getenv("BENCH_SEED") or 0)
local types, channels = {"P", "Q", "R", "S"}, {"email", "webform", "chat", "call"}
local templates = {%s}
request = function()
  n = n + 1
  local day = string.format("2025-%%02d-%%02d", 9 + n %% 4, n %% 28 + 1)
  local path = templates[n %% #templates + 1]:gsub("DAY", day):gsub("TYPE", types[n %% 4 + 1]):gsub("CHANNEL", channels[n %% 3 + 1]):gsub("LIMIT", tostring(5 + n %% 20))
  return wrk.format("GET", path)
end
"""
KPIS = {
    "pqr": ["/api/v1/gold/daily_kpis?day=gte.DAY&order=day.desc&limit=LIMIT",
            "/api/v1/gold/kpi_volume_daily?day=eq.DAY&pqrs_type=eq.TYPE&channel=neq.CHANNEL&select=day,channel,tickets_count",
            "/api/v1/gold/kpi_sla_daily?day=lte.DAY&pqrs_type=eq.TYPE&select=day,closed_count,within_sla_pct&limit=LIMIT"],
    "datasette": ["/control/gold_daily_kpis.json?day__gte=DAY&_sort_desc=day&_size=LIMIT&_shape=array",
                  "/control/gold_kpi_volume_daily.json?day=DAY&pqrs_type=TYPE&channel__not=CHANNEL&_col=day&_col=channel&_col=tickets_count&_shape=array&_size=1000",
                  "/control/gold_kpi_sla_daily.json?day__lte=DAY&pqrs_type=TYPE&_col=day&_col=closed_count&_col=within_sla_pct&_shape=array&_size=LIMIT"],
}
PAGE = ["/api/v1/gold/daily_kpis?day=gte.DAY", "/api/v1/gold/kpi_volume_daily?select=channel,n:tickets_count.sum()&day=gte.DAY",
        "/api/v1/gold/kpi_sla_daily?select=pqrs_type,c:closed_count.sum(),o:overdue_count.sum()&day=gte.DAY",
        "/api/v1/gold/kpi_backlog_daily?select=pqrs_type,n:backlog_count.sum()&day=eq.DAY", "/api/v1/gold/priority_distribution?day=gte.DAY&limit=LIMIT",
        "/api/v1/analytics/v_sla_summary"]


def wrk(url, templates, connections, folder):
    script = folder / "ask.lua"
    script.write_text(LUA % ", ".join(json.dumps(t) for t in templates))
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", script, url], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out:
        sys.exit(out)
    time_of = lambda name: re.search(rf"{name}%\s+([\d.]+\w+)", out).group(1)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), time_of("50"), time_of("99")


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def check(url, templates):
    for i in range(100):
        path = templates[i % len(templates)].replace("DAY", f"2025-10-{i % 28 + 1:02}").replace("TYPE", "PQRS"[i % 4]).replace("CHANNEL", "chat").replace("LIMIT", "9")
        rows = json.load(urllib.request.urlopen(url + path, timeout=60))
        assert isinstance(rows, list) and (not rows or isinstance(rows[0], dict)), path


def started(command, line, **more):
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **more)
    return process, line(process), time.monotonic() - begin


def datasette_url(process):
    url = "http://127.0.0.1:8901"
    for _ in range(1000):
        try:
            urllib.request.urlopen(url + "/-/versions.json", timeout=5)
            return url
        except OSError:
            time.sleep(0.02)
    sys.exit("datasette does not answer")


def measure(name, command, line, folder, tasks):
    process, url, seconds = started(command, line)
    check(url, KPIS[name])
    rates = []
    for title, templates, connections in tasks:
        rate, p50, p99 = wrk(url, templates, connections, folder)
        rates.append(rate)
        print(f"| {name} | {title} | {rate:,.0f} | {p50} | {p99} | {resident(process.pid):.0f} |", flush=True)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:  # a peer's manners are not ours to mend; ours are told
        print(f"\n{name} did not end within 20 s of TERM: killed", flush=True)
        process.kill()
        process.wait()
    return rates[0], seconds


def main():
    pqr, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    lake = folder / "lake"
    subprocess.run([pqr, "run", "--lake", lake, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    print(f"## pqr serve: {SECONDS} s each, client on the same {os.cpu_count()} cores\n")
    print("| server | asked | requests/s | p50 | p99 | resident MiB |\n|---|---|---|---|---|---|")
    own = lambda p: json.loads(p.stdout.readline())["url"]
    tasks = [("KPIs, 32 connections", KPIS["pqr"], 32), ("KPIs, 8 connections", KPIS["pqr"], 8), ("50 dashboards", PAGE, 50)]
    rate, seconds = measure("pqr", [pqr, "serve", "--lake", lake, "--listen", "127.0.0.1:0", "--json", "--log-level", "error"], own, folder, tasks)
    print(f"\nstart to first answer possible: {1000 * seconds:.0f} ms")
    if len(sys.argv) > 3:
        print("\n| server | asked | requests/s | p50 | p99 | resident MiB |\n|---|---|---|---|---|---|")
        peer, _ = measure("datasette", [sys.argv[3], lake / "control.db", "--host", "127.0.0.1", "--port", "8901", "--setting", "max_returned_rows", "5000"],
                          datasette_url, folder, [("KPIs, 32 connections", KPIS["datasette"], 32)])
        print(f"\npqr / Datasette: {rate / peer:.1f}")


main()
