"""Runs on real clusters: Dask (a scheduler, two workers) and Spark (local, and a standalone master with a worker). The same manifest root and
the same bytes of every file as on threads, on disk and on S3, of both workloads; whoever is killed in the middle; workers that are refused. Tables as data
frames of the workers.
Seeded: PQR_TEST_SEED chooses other moments, PQR_EXECUTOR_KILLS how many of each kind."""

import contextlib
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import urllib.parse

import pytest
from conftest import PQR, ROOT

sys.path.insert(0, str(ROOT / "tests"))
from poll import within  # noqa: E402

LIBRARY = PQR.parent / "libpqr.so"
SEED = int(os.environ.get("PQR_TEST_SEED", "4711"))
KILLS = int(os.environ.get("PQR_EXECUTOR_KILLS", "1"))
QUIET = ["--quiet", "--json", "--no-progress"]
WORKLOADS = {
    "pqrs": ["pqrs", "--from", "2025-09-01", "--to", "2025-09-04", "--volume", "60", *QUIET],
    "clickstream": ["clickstream", "--from", "2026-01-05", "--to", "2026-01-06", "--rate", "1", *QUIET],
}
pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built")


class Stack:
    """Components of scripts/stack, each started once and when first asked for."""

    def __init__(self, folder):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PQR_", "AWS_")) or k in ("PQR_BUILD", "PQR_CACHE", "PQR_STACK_PREPARED")}
        self.env = clean | {"PQR_STACK_DIR": str(folder), "PQR_STACK_WAIT": "180", "PQR_BUILD": str(PQR.parent)}

    def do(self, *arguments):
        return subprocess.run([ROOT / "scripts" / "stack", *arguments], env=self.env, capture_output=True, text=True, check=False)

    def up(self, component):
        """Its environment."""
        up = self.do("up", component)
        if up.returncode == 77:
            pytest.skip(up.stderr.strip().splitlines()[-1])
        assert up.returncode == 0, up.stderr
        told = subprocess.run(["bash", "-c", f"{self.do('env', component).stdout}\nenv"], env={}, capture_output=True, text=True, check=True).stdout
        return dict(line.split("=", 1) for line in told.splitlines() if line.split("=", 1)[0] not in ("PWD", "SHLVL", "_"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    made = Stack(tmp_path_factory.mktemp("stack"))
    yield made
    made.do("down", "--clean")


class Cluster:
    """Where tasks run: what --executor says, and the environment of who says it."""

    def __init__(self, name, uri, python, more):
        base = {k: v for k, v in os.environ.items() if not k.startswith(("PQR_", "AWS_", "PYTHON"))}
        self.name, self.uri = name, uri
        self.env = base | {"PQR_PYTHON": python, "PYTHONPATH": str(ROOT / "python"), "PQR_LIB": str(LIBRARY), "PYTHONDONTWRITEBYTECODE": "1"} | more
        self.env |= {"PQR_SIMULATION_SPIKE_ENABLED": "false"}

    def command(self, lake, workload, *more):
        return [PQR, "run", *WORKLOADS[workload], "--lake", str(lake), "--executor", self.uri, *more]

    def run(self, lake, workload, *more, **env):
        return subprocess.run(self.command(lake, workload, *more), env=self.env | env, capture_output=True, text=True, check=False)


def cluster(stack, name):
    if name == "threads":
        return Cluster(name, "threads", sys.executable, {})
    if name == "dask":
        env = stack.up("dask")
        return Cluster(name, env["DASK_SCHEDULER_ADDRESS"].replace("tcp://", "dask://"), env["PQR_STACK_DASK_PYTHON"], {})
    env = stack.up("spark")
    more = {k: env[k] for k in ("SPARK_LOCAL_IP", "PYSPARK_PYTHON")}
    return Cluster(name, "spark-local[2]" if name == "spark-local" else env["SPARK_MASTER"], env["PQR_STACK_SPARK_PYTHON"], more)


def content(lake):
    return {
        str(p.relative_to(lake)): p.read_bytes()
        for p in pathlib.Path(lake).rglob("*")
        if p.is_file() and "_delta_log" not in p.parts and not p.name.startswith("control.db")
    }


def query(lake, sql):
    with contextlib.closing(sqlite3.connect(pathlib.Path(lake) / "control.db")) as c:
        return c.execute(sql).fetchall()


@pytest.fixture(scope="module")
def expected(stack, tmp_path_factory):
    """Of each workload: the report and every file, as threads make them."""
    made = {}

    def of(workload):
        if workload not in made:
            lake = tmp_path_factory.mktemp("threads") / "lake"
            done = cluster(stack, "threads").run(lake, workload)
            assert done.returncode == 0, done.stderr
            made[workload] = json.loads(done.stdout), content(lake)
        return made[workload]

    return of


def whole(lake, workload, expected, done):
    assert done.returncode == 0, done.stderr
    report, files = expected(workload)
    again = json.loads(done.stdout)
    assert (again["root"], again["rows"]) == (report["root"], report["rows"])
    assert content(lake) == files


@pytest.mark.parametrize("name, workload", [("dask", "pqrs"), ("dask", "clickstream"), ("spark-local", "clickstream"), ("spark", "pqrs")])
def test_same_bytes(name, workload, stack, expected, tmp_path):
    on, lake = cluster(stack, name), tmp_path / "lake"
    whole(lake, workload, expected, on.run(lake, workload))
    assert query(lake, "SELECT executor FROM meta_runs") == [(on.uri,)]
    workers = {w for w, in query(lake, "SELECT DISTINCT worker FROM meta_tasks WHERE status = 'SUCCESS'")}
    assert workers and not any(w.startswith("thread-") for w in workers)
    assert name != "dask" or len(workers) == 2


def get(s3, key):
    who = f'user = "{s3["AWS_ACCESS_KEY_ID"]}:{s3["AWS_SECRET_ACCESS_KEY"]}"\n'.encode()
    empty = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    command = ["curl", "-fsS", "-K", "-", "--noproxy", "*", "--aws-sigv4", "aws:amz:us-east-1:s3", "-H", empty, f"{s3['AWS_ENDPOINT_URL']}/{urllib.parse.quote(key)}"]
    return subprocess.run(command, input=who, capture_output=True, check=True).stdout


PLUGINS = "import sys, distributed; print(*distributed.Client(sys.argv[1]).run_on_scheduler(lambda dask_scheduler: [n for n in dask_scheduler.worker_plugins if n.startswith('pqr-')]))"


def plugins(on):
    """What sessions have left on the scheduler."""
    return subprocess.run([on.env["PQR_PYTHON"], "-c", PLUGINS, on.uri.replace("dask://", "tcp://")], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("name", ["dask", "spark-local"] if KILLS > 1 else ["dask"])  # the latter in make test-long
def test_same_bytes_on_s3(name, stack, expected, tmp_path):
    """The workers have no credentials of their own: those of this process go with the connection, and into nothing that is kept."""
    s3 = {k: v for k, v in stack.up("s3").items() if k.startswith("AWS_")}
    on, lake, control = cluster(stack, name), f"s3://pqr/{name}", f"sqlite:{tmp_path}/control.db"
    plain = on.run(lake, "pqrs", "--control", control, **s3)
    if name == "dask":  # of Spark's local executors the environment is this process's
        assert plain.returncode != 0 and "is refused" in plain.stderr and not plugins(on)
    done = on.run(lake, "pqrs", "--control", control, "--forward-credentials", **s3)
    assert done.returncode == 0, done.stderr
    report, files = expected("pqrs")
    assert name != "dask" or not plugins(on)
    again = json.loads(done.stdout)
    assert again["root"] == report["root"]
    verified = subprocess.run([PQR, "verify", "--lake", lake, "--control", control, "--run-id", again["run_id"]], env=on.env | s3, capture_output=True, check=False)
    assert verified.returncode == 0, verified.stderr
    (key, sums), = [(k, v) for k, v in files.items() if k.endswith("/checksums.json")]  # the hashes of all files
    assert get(s3, f"pqr/{name}/{key}") == sums
    secret = s3["AWS_SECRET_ACCESS_KEY"]
    assert secret.encode() not in (tmp_path / "control.db").read_bytes() and secret not in done.stderr + plain.stderr


PROGRAM = """
import sys
from pqr_lakehouse import Run

options = dict(lake=sys.argv[1], from_="2025-09-01", to="2025-09-04", volume=60, settings={"simulation.spike.enabled": False})
if sys.argv[2].startswith("tcp://"):
    import distributed
    from pqr_lakehouse.dask import run
    with distributed.Client(sys.argv[2]) as client:
        report = run(Run("pqrs", **options), client=client)
elif sys.argv[2] == "adaptive":  # no worker at first; they come with the tasks and go without them
    import distributed
    from poll import within
    from pqr_lakehouse.dask import run
    many = dict(n_workers=0, threads_per_worker=1, dashboard_address=None, local_directory=sys.argv[3])
    with distributed.LocalCluster(**many) as made, distributed.Client(made) as client:
        made.adapt(minimum=0, maximum=2, interval="200ms", wait_count=1)
        report = run(Run("pqrs", **options), client=client)
        within(300, lambda: not client.nthreads())
else:
    from pyspark.sql import SparkSession
    from pqr_lakehouse.spark import run
    session = SparkSession.builder.master(sys.argv[2]).config("spark.ui.enabled", "false").getOrCreate()
    report = run(Run("pqrs", **options), session)
    assert session.range(3).count() == 3  # it is still the caller's
print(report["root"])
"""


@pytest.mark.parametrize("name", ["dask", "spark-local"])
def test_from_a_program(name, stack, expected, tmp_path):
    """dask.run() and spark.run() over a client or session that the caller has."""
    on, lake = cluster(stack, name), tmp_path / "lake"
    where = on.uri.replace("dask://", "tcp://").replace("spark-", "")
    done = subprocess.run([on.env["PQR_PYTHON"], "-c", PROGRAM, lake, where], env=on.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == expected("pqrs")[0]["root"]
    assert content(lake) == expected("pqrs")[1]
    said = "dask://" + where if name == "dask" else where
    assert query(lake, "SELECT executor FROM meta_runs") == [(said,)]


def test_adaptive(stack, expected, tmp_path):
    """A cluster that has no worker until there are tasks."""
    on, lake = cluster(stack, "dask"), tmp_path / "lake"
    program = tmp_path / "program.py"  # a file: the workers are processes that import it
    program.write_text("if __name__ == '__main__':\n" + textwrap.indent(PROGRAM, "    "))
    done = subprocess.run([on.env["PQR_PYTHON"], program, lake, "adaptive", tmp_path / "dask"],
        env=on.env | {"PYTHONPATH": f"{ROOT / 'python'}:{ROOT / 'tests'}", "DASK_TEMPORARY_DIRECTORY": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == expected("pqrs")[0]["root"]
    assert content(lake) == expected("pqrs")[1]


PROGRESS = """
from poll import within
from pqr_lakehouse import _worker
from pqr_lakehouse._engine import Session
from pqr_lakehouse.dask import PqrWorkerPlugin

class Lake:
    at = (0, 0)

    def progress(self):
        return self.at

class Worker:
    address, told = "tcp://here:1", []

    def log_event(self, topic, body):
        self.told.append((topic, body["id"], body["attempt"], body["worker"], body["progress"]))

plugin, worker, lake, other = PqrWorkerPlugin(Session("/l", "r", '{"nonce": "01234567"}', 120.0, False)), Worker(), Lake(), Lake()
other.at = (9, 9)
plugin.setup(worker)
with _worker._known((plugin.name, 3, 1), lake), _worker._known(("pqr-another", 4, 0), other):
    for at in ((5, 50), (6, 60)):
        lake.at = at
        within(120, lambda: worker.told and worker.told[-1][4] == {"rows": at[0], "bytes": at[1]})
assert not _worker.progress()
plugin.teardown(worker)
assert [t[:4] for t in worker.told] == [("pqr-01234567", 3, 1, "tcp://here:1")] * 2, worker.told
"""


def test_the_plugin_tells_how_far_tasks_are(stack, tmp_path):
    """Of its session's, when they got further."""
    on = cluster(stack, "dask")
    env = on.env | {"PYTHONPATH": f"{ROOT / 'python'}:{ROOT / 'tests'}", "DASK_TEMPORARY_DIRECTORY": str(tmp_path)}
    done = subprocess.run([on.env["PQR_PYTHON"], "-c", PROGRESS], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


FRAMES = """
import sys
import distributed
import pyarrow as pa
from pqr_lakehouse import Table

def rows(first):
    ids = range(first, first + 100)
    return pa.table({"id": ids, "part": ["ab"[i % 2] for i in ids], "text": [str(i) for i in ids]})

def read(frame):  # the columns that are read of each file
    found = frame.expr.optimize(fuse=False)
    while found.dependencies():
        found, = found.dependencies()
    return found.columns

table = Table("scratch.rows", lake=sys.argv[1])
for first in (0, 100, 200):
    table.append(rows(first), partition_by="part")
with distributed.Client(sys.argv[2]):
    frame = table.to_dask()
    table.append(rows(300))
    whole = frame.compute()  # of the version that was there
    assert frame.npartitions == 6 and sorted(whole["id"]) == list(range(300)), whole
    assert all(whole["text"] == whole["id"].astype(str)) and list(whole.columns) == ["id", "part", "text"]
    assert len(table.to_dask()) == 400
    assert read(frame[["id"]]) == ["id"] and frame["id"].sum().compute() == 300 * 299 // 2
    some = Table("scratch.rows", lake=sys.argv[1], version=2, columns=["text", "id"], where=["part = a", "id >= 150", "id < 260"]).to_dask()
    assert some.npartitions == 2 and list(some.columns) == ["text", "id"], some
    assert sorted(some["id"].compute()) == list(range(150, 260, 2))
    none = Table("scratch.rows", lake=sys.argv[1], where="id > 1000").to_dask()
    assert len(none) == 0 and list(none.dtypes) == list(frame.dtypes)
"""


def test_tables_as_frames(stack, tmp_path):
    """Table.to_dask(): a partition a file of a version, without the files and columns that nobody asks for, read by the workers."""
    on = cluster(stack, "dask")
    program = [on.env["PQR_PYTHON"], "-c", FRAMES, tmp_path, on.uri.replace("dask://", "tcp://")]
    done = subprocess.run(program, env=on.env | {"DASK_TEMPORARY_DIRECTORY": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- whoever dies ------------------------------------------------------------------------------------------------------------------


def start(on, lake, workload="pqrs"):
    return subprocess.Popen(on.command(lake, workload), env=on.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def count(lake, where):
    try:
        return query(lake, f"SELECT count(*) FROM meta_tasks WHERE {where}")[0][0]
    except sqlite3.OperationalError:
        return 0


def in_the_middle(running, lake, at):
    """Until `at` tasks have begun: then the run is held, so that it cannot end before somebody is killed."""
    within(120, lambda: count(lake, "1") >= at or running.poll() is not None)
    running.send_signal(signal.SIGSTOP)
    assert running.poll() is None, running.stderr.read()


def processes(word, parent=None):
    """Pids whose command line holds the word."""
    found = []
    for p in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            line = (p / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            up = int((p / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if word in line and (parent is None or up == parent):
                found.append(int(p.name))
    return found


def moments(kind):
    """After how many begun tasks, of ten: few enough that there is a rest."""
    rng = random.Random(f"{SEED} {kind}")
    return [rng.randrange(1, 5) for _ in range(KILLS)]


@pytest.mark.parametrize("at", moments("worker"))
def test_a_worker_is_killed(at, stack, expected, tmp_path):
    """Its task runs elsewhere, and the run does not notice more than that."""
    on, lake = cluster(stack, "dask"), tmp_path / "lake"
    port = on.uri.rsplit(":", 1)[1]
    running = start(on, lake)
    in_the_middle(running, lake, at)
    os.kill(processes(f"dask_worker tcp://127.0.0.1:{port} --name worker-1")[0], signal.SIGKILL)
    running.send_signal(signal.SIGCONT)
    out, err = running.communicate(timeout=120)
    whole(lake, "pqrs", expected, subprocess.CompletedProcess((), running.returncode, out, err))
    stack.up("dask")


@pytest.mark.parametrize("at", moments("scheduler"))
def test_the_scheduler_is_killed(at, stack, expected, tmp_path):
    on, lake = cluster(stack, "dask"), tmp_path / "lake"
    port = on.uri.rsplit(":", 1)[1]
    running = start(on, lake)
    in_the_middle(running, lake, at)
    os.kill(processes(f"dask_scheduler --host 127.0.0.1 --port {port}")[0], signal.SIGKILL)
    running.send_signal(signal.SIGCONT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 5 and len(err.splitlines()) == 1 and "goes on where it was" in err, err
    whole(lake, "pqrs", expected, cluster(stack, "dask").run(lake, "pqrs"))


@pytest.mark.parametrize("at", moments("driver"))
@pytest.mark.parametrize("who", ["pqr", "python"])
def test_the_driver_is_killed(who, at, stack, expected, tmp_path):
    on, lake = cluster(stack, "dask"), tmp_path / "lake"
    running = start(on, lake)
    in_the_middle(running, lake, at)
    driver = processes("pqr_lakehouse.executor", running.pid)[0]
    os.kill(running.pid if who == "pqr" else driver, signal.SIGKILL)
    running.send_signal(signal.SIGCONT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == (-9 if who == "pqr" else 5), err
    within(120, lambda: not pathlib.Path(f"/proc/{driver}").exists())  # it saw the end of its input
    whole(lake, "pqrs", expected, on.run(lake, "pqrs"))


def of_spark(stack, word):
    """Pids of the standalone cluster, another's beside it aside, whose command line holds the word."""
    session = int((pathlib.Path(stack.env["PQR_STACK_DIR"]) / "spark" / "pid").read_text().split()[0])
    found = []
    for pid in processes(word):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == session:
                found.append(pid)
    return found


@pytest.mark.parametrize("who", ["executor", "python", "pqr"] if KILLS > 1 else ["executor"])  # the others in make test-long
def test_spark_is_killed(who, stack, expected, tmp_path):
    """An executor, or its Python, is killed once a task has come to it: Spark runs its tasks again. pqr is: the next run goes on."""
    on, lake = cluster(stack, "spark"), tmp_path / "lake"
    running = start(on, lake)
    tasks = within(300, lambda: of_spark(stack, "pyspark.daemon") or running.poll() is not None, every=0.05)
    assert running.poll() is None, running.stderr.read()
    for pid in {"executor": of_spark(stack, "CoarseGrainedExecutorBackend"), "python": tasks, "pqr": [running.pid]}[who]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    out, err = running.communicate(timeout=600)
    done = subprocess.CompletedProcess((), running.returncode, out, err)
    if who == "pqr":
        assert running.returncode == -9
        within(120, lambda: not of_spark(stack, "CoarseGrainedExecutorBackend"), every=0.1)  # its driver saw the end, its application is over
        done = on.run(lake, "pqrs")
    whole(lake, "pqrs", expected, done)


# ---- who may not ---------------------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_shared_is_refused(stack, tmp_path):
    """A lake of the same name on another machine: here the workers' own view of the folder, in a mount name space where there may be one."""
    on, lake = cluster(stack, "dask"), tmp_path / "lake"
    lake.mkdir()
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount name spaces for this user")
    program = f'mount -t tmpfs none {lake} && exec "$@"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", program, "-", *on.command(lake, "pqrs")], env=on.env, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "is refused" in done.stderr and "not the lake of the run here" in done.stderr, done.stderr


@pytest.mark.parametrize("of, other, said", [(b"0.1.", b"0.2.", "libpqr is of version 0.2.0 here"), (b"tickets_count", b"tickets_kount", "the contract of workload pqrs is")])
def test_a_worker_of_another_library_is_refused(of, other, said, stack, tmp_path):
    """A third worker, whose libpqr says another version, or has a column of another name."""
    on = cluster(stack, "dask")
    library, before = tmp_path / "libpqr.so", LIBRARY.read_bytes()
    assert of in before
    library.write_bytes(before.replace(of, other))
    scheduler = on.uri.replace("dask://", "tcp://")
    command = [on.env["PQR_PYTHON"], "-m", "distributed.cli.dask_worker", scheduler, "--name", "stranger", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    command += ["--local-directory", str(tmp_path / "dask"), "--death-timeout", "60"]
    with subprocess.Popen(command, env=on.env | {"PQR_LIB": str(library), "DASK_TEMPORARY_DIRECTORY": str(tmp_path)}, stderr=subprocess.PIPE, text=True) as worker:
        try:
            begun = next((line for line in worker.stderr if "Starting established connection" in line), None)
            assert begun, "the worker did not start"
            done = on.run(tmp_path / "lake", "pqrs")
        finally:
            worker.terminate()
            worker.stderr.read()
    assert done.returncode == 1 and "worker tcp://" in done.stderr and "is refused" in done.stderr and said in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1 and not list((tmp_path / "lake").glob("bronze/*")), done.stderr
