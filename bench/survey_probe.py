"""`lastra survey probe` against nmap's dicom-ping on the same loopback hosts, in one run, rounds interleaved.

2,048 addresses, four ports each: two where a bare acceptor (bench/scp) answers, two that are closed. nmap tells who takes an
association; Lastra tells that, the implementation and its version, draws its conclusions and prints its summary."""

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time

NETWORK = "127.60.0.0/21"
HOSTS, OPEN, CLOSED = 2048, (11112, 4242), (104, 2762)


def probe(lastra, scope, folder, n):
    site = os.path.join(folder, f"site-{n}")
    begun = time.monotonic()
    done = subprocess.run([lastra, "survey", "probe", site, "--scope", scope, "--unlimited"], capture_output=True, text=True)
    seconds = time.monotonic() - begun
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-1000:])
    found = re.search(r"endpoints done: (\d+) open.* sent in ([0-9.]+) s", done.stderr)
    return seconds, float(found.group(2)), int(found.group(1))


def nmap(ports):
    begun = time.monotonic()
    done = subprocess.run(["nmap", "-Pn", "-n", "-T5", "--min-rate", "100000", "-p", ports, "--script", "dicom-ping", NETWORK],
                          capture_output=True, text=True)
    return time.monotonic() - begun, done.stdout.count("DICOM Service Provider discovered")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build")
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    lastra = os.path.abspath(os.path.join(a.build, "src", "app", "lastra"))
    server = subprocess.Popen([os.path.join(a.build, "bench", "scp"), *map(str, OPEN)], stdout=subprocess.PIPE, text=True)
    ours, asked, theirs, ours_found, theirs_found = [], [], [], 0, 0
    try:
        assert server.stdout.readline().strip() == "ready"
        with tempfile.TemporaryDirectory(prefix="lastra-bench-") as folder:
            scope = os.path.join(folder, "scope.conf")
            with open(scope, "w", encoding="utf-8") as f:
                f.write("owner = bench\npermission = this machine's user\npermitted-until = 2099-12-31\n"
                        f"network = {NETWORK}\nports = {', '.join(map(str, sorted(OPEN + CLOSED)))}\n")
            for n in range(a.rounds):
                seconds, probing, ours_found = probe(lastra, scope, folder, n)
                ours.append(seconds)
                asked.append(probing)
                seconds, theirs_found = nmap(",".join(map(str, sorted(OPEN + CLOSED))))
                theirs.append(seconds)
    finally:
        server.kill()
        server.wait()
    mine, probing, other = statistics.median(ours), statistics.median(asked), statistics.median(theirs)
    print(f"probe, {HOSTS} hosts x 4 ports, {HOSTS * len(OPEN)} associations, rate limit lifted for loopback")
    print(f"  lastra survey probe   {mine:6.2f} s   {ours_found} found, with implementation, version, findings and a summary")
    print(f"    of that, probing    {probing:6.2f} s")
    print(f"  nmap dicom-ping       {other:6.2f} s   {theirs_found} found")
    print(f"  ratio                 {other / probing:6.1f}   probing alone, {other / mine:.1f} the whole command (10 asked for)")


if __name__ == "__main__":
    main()
