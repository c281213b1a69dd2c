#!/usr/bin/env python3
"""Prints one table of what Tallyline takes beside what a user would otherwise pick, ratio by ratio.

    tests/testkit/bench/compare.py [--peers DIR] [--python PYTHON] [--node-modules DIR] [--rows N] [--builds] [--only PART]

Needs a release build of the binary `bench`, which it makes, and for the peers' side:
- PEERS: a folder with reconcile_peers.py, cw_server.mjs, fetch_pyconnectwise.py and fetch_connectwise_rest.mjs;
- PYTHON: of an environment with polars, duckdb, pandas, pyarrow and pyconnectwise;
- NODE_MODULES: a folder whose node_modules holds connectwise-rest;
- `openssl` for the throw-away certificate of the clients that speak HTTPS alone.
What is missing is left out, the table says so, and the program exits with 1, as where a target is not met. `--builds` also measures clean release builds, which takes many
minutes. Every ratio is of one run on one machine: absolute times say nothing beside another machine's.
"""
import argparse, json, math, os, re, shutil, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
parser = argparse.ArgumentParser()
parser.add_argument("--peers", default=str(ROOT.parent / "shared" / "bench"))
parser.add_argument("--python", default=sys.executable)
parser.add_argument("--node-modules")
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--builds", action="store_true")
parser.add_argument("--only", action="append", choices=["reconcile", "stream", "read", "apply", "limit", "cost"])
parser.add_argument("--agreements", type=int, default=500)
parser.add_argument("--additions", type=int, default=40)
parser.add_argument("--changes", type=int, default=1200)
args = parser.parse_args()
PEERS = Path(args.peers)
table = []


def row(target, what, ours, peer, ratio, wanted, met):
    table.append([target, what, ours, peer, ratio, wanted, {True: "yes", False: "NO", None: "-"}[met]])


def seconds(value):
    return f"{value:.3f} s"


def run(command, **more):
    return subprocess.run(command, check=True, text=True, capture_output=True, **more).stdout


def bench(*words):
    return json.loads(run([BENCH, *map(str, words), "--json"]))


def wants(part):
    return not args.only or part in args.only


def machine():
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown processor")
    rustc = run(["rustc", "--version"]).strip()
    return f"{cpu}, {os.cpu_count()} cores, {os.uname().sysname} {os.uname().release}, {rustc}, load {os.getloadavg()[0]:.1f} at first"


def peers_of_reconcile(rows, folder, *engines):
    """The peers' medians and counts, and the rows in the folder."""
    out = run([args.python, PEERS / "reconcile_peers.py", str(rows), *engines, "--csv", str(folder)])
    found = re.findall(r"^(\w+) +N=\d+ median=([\d.]+)s .*same=\(([^)]*)\)", out, re.M)
    return {name: (float(median), [int(n) for n in counts.split(",")]) for name, median, counts in found}


KINDS = ["new revenue", "vendor missing", "change", "no change"]


def reconcile(scratch):
    # Twice in turn, and the lesser of each side: the machine is shared.
    peers, both, long_way = {}, [], []
    for _ in range(2):
        for name, found in peers_of_reconcile(args.rows, scratch / "rows").items():
            peers[name] = min(found, peers.get(name, found))
        both.append(bench("reconcile", "--csv", scratch / "rows"))
        long_way.append(bench("reconcile", "--csv", scratch / "rows", "--long-way"))
    ours = min(both, key=lambda figures: figures["seconds"])
    counts = [ours["found"].get(kind, 0) for kind in KINDS]
    assert "duckdb" in peers, "the peers' program told nothing of DuckDB"
    for name, (median, theirs) in peers.items():
        assert theirs == counts, f"{name} counts {theirs}, and we {counts}"
        ratio = ours["seconds"] / median
        wanted = "<= 0.50" if name == "duckdb" else ""
        met = ratio <= 0.5 if name == "duckdb" else None
        row(1, f"reconcile {args.rows:,} x {args.rows:,} / {name}", seconds(ours["seconds"]), seconds(median), f"{ratio:.2f}", wanted, met)
    took = ours["seconds"]
    touch = ours["each_record_touched_once"]["seconds"]
    row(1, "of it: each record touched once, nothing done", seconds(touch), seconds(took), f"{touch / took:.2f}", "", None)
    memory = max(figures["peak_bytes_a_line"] for figures in both)
    row(1, "peak memory above the inputs", f"{memory:.0f} B a line", "", "", "<= 200", memory <= 200)
    plan, write = (min(figures[part]["seconds"] for figures in both) for part in ("plan", "write_plan"))
    row(1, f"plan of {ours['changes']:,} changes / reconcile", seconds(plan), seconds(took), f"{plan / took:.2f}", "<= 1.00", plan <= took)
    copied = min(figures["changes_copied"]["seconds"] for figures in both)
    row(1, "of it: its changes copied once, nothing looked at, decided or sealed", seconds(copied), seconds(took), f"{copied / took:.2f}", "", None)
    row(1, "plan written to the disk", seconds(write), "", "", "<= 1 s", write <= 1)
    assert all(figures["found"] == ours["found"] for figures in long_way), "the long way counts otherwise"
    long, theirs = min(figures["seconds"] for figures in long_way), peers["duckdb"][0]
    row(1, "reconcile all the long way: each account's first usage line in two, and in one for duckdb", seconds(long), seconds(theirs), f"{long / theirs:.2f}", "", None)
    _, counts_of_more = peers_of_reconcile(4 * args.rows, scratch / "more", "duckdb")["duckdb"]
    pairs = [
        [bench("reconcile", "--csv", scratch / folder, "--runs", 3) for folder in ("rows", "more")]
        for _ in range(3)
    ]
    for _, figures in pairs:
        assert [figures["found"].get(kind, 0) for kind in KINDS] == counts_of_more, "four times the rows are counted otherwise"
    again, more = (min(figures["seconds"] for figures in of_size) for of_size in zip(*pairs))
    row(1, f"reconcile {4 * args.rows:,} / {args.rows:,}", seconds(more), seconds(again), f"{more / again:.2f}", "<= 4.50", more / again <= 4.5)
    shutil.rmtree(scratch / "more")


def stream():
    sizes = [1_250_000, 5_000_000]
    few, many = (bench("stream", "--vendor-lines", size)["peak_bytes_above_inputs"] for size in sizes)
    ratio = many / max(few, 1)
    row(2, "stream 5,000,000 / 1,250,000 lines: peak", f"{many / 1e6:.1f} MB", f"{few / 1e6:.1f} MB", f"{ratio:.2f}", "<= 1.10", ratio <= 1.1)


class Server:
    """A ConnectWise-shaped server of the peers."""

    def __init__(self, port, *more):
        words = ["node", PEERS / "cw_server.mjs", str(port), str(args.agreements), str(args.additions), "50", *map(str, more)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def free_port():
    import socket
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def beside_by_hand(rounds, side, by, judged):
    """Adds the rows of ours and of a loop by hand, and gives our time: that of the median pair. Of processor time the least of each counts."""
    lines = rounds[0][0]["lines"]
    ours, theirs = sorted(((sides[0]["seconds"], sides[side]["seconds"]) for sides in rounds), key=lambda pair: pair[0] / pair[1])[1]
    ratio = ours / theirs
    row(3, f"read {lines:,} lines / {by}", seconds(ours), seconds(theirs), f"{ratio:.2f}", "<= 1.10" if judged else "", ratio <= 1.1 if judged else None)
    mine, other = (min(sides[at]["cpu_microseconds_a_line"] for sides in rounds) for at in (0, side))
    ratio = mine / other
    row(3, f"processor time a line / {by}", f"{mine:.1f} us", f"{other:.1f} us", f"{ratio:.2f}", "<= 1.30" if judged else "", ratio <= 1.3 if judged else None)
    return ours


def read(scratch):
    port = free_port()
    with Server(port, "-", "-", "http"):
        url = f"http://localhost:{port}"
        readers = [[], ["--baseline"], ["--baseline", "plain"]]
        rounds = [[bench("read", "--url", url, "--concurrency", 16, "--runs", 1, *reader) for reader in readers] for _ in range(3)]
    lines = args.agreements * args.additions
    for figures in (figures for sides in rounds for figures in sides):
        assert figures["lines"] == lines, f"{figures['reader']} has read {figures['lines']} lines of {lines}"
    ours = beside_by_hand(rounds, 1, "reqwest by hand", True)
    beside_by_hand(rounds, 2, "reqwest by hand into plain structs of the few fields looked at", False)
    cert, key = scratch / "cert.pem", scratch / "key.pem"
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert])
    port = free_port()
    with Server(port, cert, key):
        trust = {**os.environ, "REQUESTS_CA_BUNDLE": str(cert), "NODE_TLS_REJECT_UNAUTHORIZED": "0", "NODE_NO_WARNINGS": "1"}
        as_called = "as its users call it"
        clients = {f"pyconnectwise {as_called}": ([args.python, PEERS / "fetch_pyconnectwise.py", str(port), str(args.agreements)], 25)}
        if args.node_modules:
            trust["PEERS"] = args.node_modules
            rest = ["node", PEERS / "fetch_connectwise_rest.mjs", str(port)]
            clients[f"connectwise-rest {as_called}"] = ([*rest, "1"], 10)
            clients["connectwise-rest with 16 under way by hand"] = ([*rest, "16"], None)
        for name, (command, times) in clients.items():
            read, took = re.search(r"lines (\d+) seconds ([\d.]+)", run(command, env=trust)).groups()
            assert int(read) == lines, f"{name} has read {read} lines of {lines}"
            took = float(took)
            faster = took / ours
            wanted, met = (f">= {times}", faster >= times) if times else ("", None)
            row(3, f"{name} / ours", seconds(ours), seconds(took), f"{faster:.1f}", wanted, met)
    if not args.node_modules:
        row(3, "connectwise-rest", "", "left out: --node-modules", "", ">= 10", False)


def apply():
    # The run of the median journal.
    runs = sorted((bench("apply", "--changes", args.changes) for _ in range(3)), key=lambda run: run["journal_waited_for_microseconds_a_change_median"])
    figures = runs[1]
    ratio = figures["ratio_to_floor"]
    row(4, f"apply {args.changes:,} changes / floor of {figures['requests_needed']:,} requests", seconds(figures["seconds"]),
        seconds(figures["floor_seconds"]), f"{ratio:.2f}", "<= 1.15", ratio <= 1.15)
    sent = figures["ratio_to_floor_of_sent"]
    row(4, f"the same / floor of the {figures['requests']:,} requests sent", seconds(figures["seconds"]), seconds(figures["floor_seconds_of_sent"]), f"{sent:.2f}", "", None)
    journal = figures["journal_waited_for_microseconds_a_change_median"]
    row(4, "journal a change that is waited for, median", f"{journal} us", "", "", "< 1000", journal < 1000)
    with_last = figures["journal_microseconds_a_change_median"]
    row(4, "the same with an agreement's last, which nobody waits for", f"{with_last} us", "", "", "", None)
    every = figures["journal_all_waited_for_microseconds_a_change_median"]
    row(4, "all journal time that is waited for, lease and reading of what is on record included, a change, median", f"{every} us", "", "", "", None)
    lease = figures["lease_microseconds_a_call_median"]
    row(4, "a lease taken, kept or given back, a call, median", f"{lease} us", "", "", "", None)


def limit():
    for rule in ["window", "bucket"]:
        alone = bench("limit", "--rule", rule)
        # The run of the median use: the other's requests come as its timer has it.
        runs = [bench("limit", "--rule", rule, "--shared", "--periods", 15) for _ in range(3)]
        failed = sum(run["failed"] for run in [alone, *runs])
        assert failed == 0, f"{failed} calls have failed"
        use, later = alone["use_of_what_was_left"], alone["refused_after_the_first"]
        row(5, f"{rule}: use of what is allowed", str(alone["passed"]), str(alone["allowed"]), f"{use:.3f}", ">= 0.95", use >= 0.95)
        row(5, f"{rule}: refused after the first", str(later), "", "", "0", later == 0)
        runs = sorted((run["beside_the_other"] for run in runs), key=lambda run: run["after_ten_seconds"]["use_of_what_was_left"])
        adapts = max(run["seconds_to_the_last_refusal"] for run in runs)
        row(5, f"{rule}, half taken by another: from its start to our last refusal, at most", seconds(adapts), "", "", "<= 10 s", adapts <= 10)
        early, then = runs[1]["of_the_other_in_ten_seconds"], runs[1]["after_ten_seconds"]
        row(5, f"{rule}, half taken by another: what that one has in its first 10 s", f"{early:.3f}", "", "", "", None)
        theirs, use = then["of_the_other"], then["use_of_what_was_left"]
        row(5, f"{rule}, half taken by another: what that one has from then on", f"{theirs:.3f}", "", "", ">= 0.45", theirs >= 0.45)
        row(5, f"{rule}, half taken by another: our use of the rest from then on", f"{use:.3f}", "", "", ">= 0.95", use >= 0.95)


CONNECTORS = {path.parent.name: path.parent for path in sorted([*ROOT.glob("connectors/*/Cargo.toml"), *ROOT.glob("psa/*/Cargo.toml")])}
# One that reads alone, one that writes too, and the largest: their clean builds are compared.
BUILT = ["sherweb", "connectwise", "autotask"]
COMPARED = ["reqwest", *BUILT]


def ours(name, where, *features):
    return f'tallyline-{name} = {{ path = "{where}", features = {json.dumps(features)} }}'


PROJECTS = {
    "reqwest": 'reqwest = { version = "0.13", default-features = false, features = ["rustls", "gzip", "http2", "json"] }',
    "octocrab": 'octocrab = "0.54"',
    "tallyline-core": ours("core", ROOT / "core"),
    **{name: ours(name, where, "rustls") for name, where in CONNECTORS.items()},
    "everything": "\n".join([ours("core", ROOT / "core", "rustls", "sqlite"), *(ours(name, where, "rustls") for name, where in CONNECTORS.items())]),
}


def folder_of(name):
    return re.sub(r"\W+", "-", name)


def clean_build(project):
    began = time.monotonic()
    run(["cargo", "build", "--release", "--manifest-path", project / "Cargo.toml"], env={**os.environ, "CARGO_TARGET_DIR": str(project / "target")})
    took = time.monotonic() - began
    shutil.rmtree(project / "target")
    return took


def cost(scratch):
    crates, times = {}, {}
    for name, dependency in PROJECTS.items():
        project = scratch / folder_of(name)
        (project / "src").mkdir(parents=True)
        (project / "src" / "lib.rs").write_text("")
        shutil.copy(ROOT / "Cargo.lock", project)
        (project / "Cargo.toml").write_text(
            f'[package]\nname = "throw-away"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[dependencies]\n{dependency}\n')
        tree = run(["cargo", "tree", "--manifest-path", project / "Cargo.toml", "-e", "normal", "--prefix", "none", "--format", "{p}"])
        crates[name] = len({line.split(" (")[0] for line in tree.splitlines() if line.strip()} - {"throw-away v0.0.0"})
        if args.builds:
            run(["cargo", "fetch", "--manifest-path", project / "Cargo.toml"])
    # Those that are compared in turn, and the least of each: other work on the machine shows in one of them.
    alone = [name for name in PROJECTS if name not in CONNECTORS or name in BUILT]
    for name in [*alone, *COMPARED * 2] if args.builds else []:
        times[name] = min(times.get(name, math.inf), clean_build(scratch / folder_of(name)))
    for name, count in crates.items():
        more, connector = count - crates["reqwest"], name in CONNECTORS
        row(6, f"crates: {name}", str(count), str(crates["reqwest"]), f"{more:+}", "<= +25" if connector else "", more <= 25 if connector else None)
    if not args.builds:
        row(6, "clean release builds", "", "left out: --builds", "", "<= 1.40", False)
    for name, took in times.items():
        ratio, connector = took / times["reqwest"], name in CONNECTORS
        what = "clean release build" if name in COMPARED else "clean release build, once"
        row(6, f"{what}: {name}", seconds(took), seconds(times["reqwest"]), f"{ratio:.2f}", "<= 1.40" if connector else "", ratio <= 1.4 if connector else None)


def print_table():
    head = ["target", "what", "ours", "peer", "ratio", "wanted", "met"]
    print(f"\nMachine: {MACHINE}\n")
    for line in [head, ["---"] * len(head), *table]:
        print("| " + " | ".join(map(str, line)) + " |")


MACHINE = machine()
subprocess.run(["cargo", "build", "--release", "-p", "tallyline-testkit", "--bin", "bench"], cwd=ROOT, check=True)
target = json.loads(run(["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=ROOT))["target_directory"]
BENCH = Path(target) / "release" / "bench"
with tempfile.TemporaryDirectory() as scratch:
    scratch = Path(scratch)
    parts = {"reconcile": lambda: reconcile(scratch), "stream": stream, "read": lambda: read(scratch), "apply": apply,
             "limit": limit, "cost": lambda: cost(scratch)}
    for name, part in parts.items():
        if wants(name):
            print(f"{name} ...", file=sys.stderr, flush=True)
            try:
                part()
            except Exception as error:  # One part that fails leaves the others theirs.
                told = getattr(error, "stderr", None) or str(error)
                row("", name, f"could not be measured: {told.strip().splitlines()[-1] if told.strip() else error!r}", "", "", "", False)
print_table()
sys.exit(any(line[-1] == "NO" for line in table))
