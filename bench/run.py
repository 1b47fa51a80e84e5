"""`make bench`: Lastra and its peers on the same inputs with the same client in one run, as ratios.

Rounds are interleaved (one server after the other, then again), and each figure is the median of its rounds, since the
machine is noisy. Nothing here passes or fails: it prints what is, beside what was asked for."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import objects
import peers


def run(command, **environment):
    """Seconds that a client command takes as a whole process; it must succeed."""
    begun = time.monotonic()
    done = subprocess.run(command, env=dict(os.environ, **environment), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:6])} ...: exit {done.returncode}\n{done.stdout[-2000:]}")
    return time.monotonic() - begun


def storescu(server, folder):
    return run(["storescu", "-aec", server.aet, "127.0.0.1", str(server.port), "+sd", folder], TCP_NODELAY="1")


def getscu(server, study_uid):
    return run(["getscu", "-S", "--ignore", "-aec", server.aet, "127.0.0.1", str(server.port),
                "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study_uid}"], TCP_NODELAY="1")


def lastra(build):
    return os.path.join(build, "src", "app", "lastra")


def bare_writes(folder, files):
    """One thread of bare write + fdatasync of the same bytes, one file, a sync an object."""
    contents = [open(f, "rb").read() for f in files]
    path = os.path.join(folder, "bare")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    begun = time.monotonic()
    for c in contents:
        os.write(fd, c)
        os.fdatasync(fd)
    seconds = time.monotonic() - begun
    os.close(fd)
    os.unlink(path)
    return seconds


def files_in(folder):
    return sorted(os.path.join(folder, f) for f in os.listdir(folder))


def rates(rounds, subjects, measure, count):
    """{name: median objects a second}; measure(server) gives seconds; a fresh server each round."""
    seen = {s.__name__: [] for s in subjects}
    for _ in range(rounds):
        for subject in subjects:
            seen[subject.__name__].append(count / measure(subject))
    return {name: statistics.median(values) for name, values in seen.items()}


def table(title, figures, goals):
    print(f"\n{title}")
    ours = figures["Lastra"]
    for name, rate in figures.items():
        note = "" if name == "Lastra" else f"   Lastra / {name} = {ours / rate:.2f}"
        goal = goals.get(name)
        note += f" (asked: {goal})" if goal and name != "Lastra" else ""
        print(f"  {name:10s} {rate:9.0f} objects/s{note}")
    sys.stdout.flush()


def bench_store(args, title, folder):
    count = len(files_in(folder))

    def measure(subject):
        with subject(args.build, args.dir) as server:
            return storescu(server, folder)

    figures = rates(args.rounds, [peers.StoreScp, peers.Orthanc, peers.Lastra], measure, count)
    table(f"C-STORE, one storescu association: {title}", figures, {"StoreScp": "1.0", "Orthanc": "5.0"})


def bench_send(args, folder):
    files = files_in(folder)
    ratios = []
    for _ in range(args.rounds):
        bare = len(files) / bare_writes(args.dir, files)
        with peers.Lastra(args.build, args.dir) as server:
            sent = len(files) / run([lastra(args.build), "send", "--aet", "LASTRA_SCU", "-j", "4",
                                     f"{server.aet}@127.0.0.1:{server.port}", folder])
        ratios.append((sent / bare, sent, bare))
    ratio, sent, bare = (statistics.median(column) for column in zip(*ratios))
    print(f"\nlastra send -j 4, 525 kB: {sent:.0f} objects/s; one thread of bare write+fdatasync: {bare:.0f}/s; "
          f"ratio {ratio:.2f} (asked: 0.70)")
    sys.stdout.flush()


def bench_get(args, folder):
    files = files_in(folder)
    study = objects.uids(1)[0]

    def client(server):
        # Into memory, so that the client's disk is not what is measured.
        with tempfile.TemporaryDirectory(prefix="lastra-bench-", dir="/dev/shm") as out:
            return run([lastra(args.build), "get", "--aet", "LASTRA_SCU", f"{server.aet}@127.0.0.1:{server.port}",
                        "-q", "-k", f"StudyInstanceUID={study}", "-d", out])

    for label, measure in (("getscu --ignore", lambda s: getscu(s, study)), ("lastra get into memory", client)):
        seen = {}
        for subject in (peers.DcmQrScp, peers.Orthanc, peers.Lastra):
            with subject(args.build, args.dir) as server:
                storescu(server, folder)
                measure(server)
                seen[subject.__name__] = len(files) / statistics.median(measure(server) for _ in range(args.rounds))
        table(f"C-GET of {len(files)} slices of 525 kB, client {label}", seen,
              {"DcmQrScp": "1.5 of the faster", "Orthanc": "1.5 of the faster"})


def bench_find(args, folder):
    """Single queries by PatientID as whole findscu processes, less what a C-ECHO costs the same way."""
    queries = 40

    def measure(subject):
        with subject(args.build, args.dir) as server:
            storescu(server, folder)
            target = ["-aec", server.aet, "127.0.0.1", str(server.port)]
            keys = ["-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID"]
            times = [run(["findscu", *keys, "-k", f"PatientID=P{7 + 11 * i:07d}", *target], TCP_NODELAY="1")
                     for i in range(queries)]
            return sum(times)

    figures = rates(1, [peers.Orthanc, peers.Lastra], measure, queries)
    table(f"C-FIND by PatientID over {len(files_in(folder))} studies, whole findscu processes", figures, {})


def bench_memory(args, big):
    with peers.Lastra(args.build, args.dir) as server:
        time.sleep(0.5)
        idle = peers.rss_kib(server.process.pid)
        senders = [subprocess.Popen(["storescu", "-aec", server.aet, "127.0.0.1", str(server.port), f],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    env=dict(os.environ, TCP_NODELAY="1")) for f in big]
        failed = sum(p.wait() != 0 for p in senders)
        peak = peers.rss_kib(server.process.pid, "VmHWM")
        print(f"\nLastra's memory: idle {idle / 1024:.1f} MiB (asked: 16); {len(big)} senders of "
              f"{os.path.getsize(big[0]) / 1e6:.0f} MB at once: peak {peak / 1024:.1f} MiB (asked: 64), {failed} failed; "
              f"start {server.started_in * 1000:.0f} ms with an empty index")
    sys.stdout.flush()


def bench_survey(args):
    """The survey's own measures, one program after another; each says what was asked for."""
    print("\nThe survey", flush=True)
    here = os.path.dirname(os.path.abspath(__file__))
    built = os.path.join(args.build, "bench")
    for command in ([sys.executable, os.path.join(here, "survey_probe.py"), "--build", args.build, "--rounds", str(args.rounds)],
                    [os.path.join(built, "survey_import"), "1000000"],
                    [os.path.join(built, "survey_capture"), "1000", args.dir],
                    [os.path.join(built, "survey_match")],
                    [os.path.join(built, "inventory_bench"), os.path.join(args.dir, "site"), "1000000"]):
        print(f"-- {os.path.basename(command[1] if command[0] == sys.executable else command[0])}", flush=True)
        subprocess.run(command, cwd=args.dir, check=False)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--build", default="build")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--slices", type=int, default=1000)
    ap.add_argument("--small", type=int, default=5000)
    ap.add_argument("--senders", type=int, default=50)
    ap.add_argument("--only", default="", help="store,send,get,find,memory,survey")
    args = ap.parse_args()
    args.build = os.path.abspath(args.build)
    args.dir = tempfile.mkdtemp(prefix="bench-", dir=args.build)
    chosen = args.only.split(",") if args.only else ["store", "send", "get", "find", "memory", "survey"]
    try:
        if chosen == ["survey"]:
            bench_survey(args)
            return
        big, small = os.path.join(args.dir, "slices"), os.path.join(args.dir, "small")
        print(f"making {args.slices} slices of 525 kB and {args.small} images of 8 kB ...", flush=True)
        objects.slices(big, args.slices)
        objects.studies(small, args.small, first_study=1000)
        if "store" in chosen:
            bench_store(args, f"{args.slices} CT slices of 525 kB", big)
            bench_store(args, f"{args.small} objects of 8 kB", small)
        if "send" in chosen:
            bench_send(args, big)
        if "get" in chosen:
            bench_get(args, big)
        if "find" in chosen:
            bench_find(args, small)
        if "memory" in chosen:
            paths = []
            for i in range(args.senders):
                paths.append(os.path.join(args.dir, f"big{i}.dcm"))
                objects.write_file(paths[-1], 500000 + i, rows=7000, columns=7143)
            bench_memory(args, paths)
        if "survey" in chosen:
            bench_survey(args)
        print("\nAt 10^6 studies: `build/bench/scale` (see bench/README.md).")
    finally:
        shutil.rmtree(args.dir, ignore_errors=True)


if __name__ == "__main__":
    main()
