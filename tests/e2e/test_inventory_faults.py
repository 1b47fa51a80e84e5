"""A survey folder under injected faults: whatever fails, and wherever it is killed, what stands in it is the state of one mark
(run position and evidence together), what was acknowledged is there, and going on brings everything; conclusions are whole or not
there; a merge that was broken off is done again."""

import os
import shutil
import subprocess
import tempfile

import pytest

BUILD = os.environ.get("LASTRA_BUILD", "build")
FAULTS = os.path.join(BUILD, "tests", "faults", "faults.so")
PROBE = os.path.join(BUILD, "tests", "faults", "inventory_probe")
RECORDS = 120
MOST = 25  # runs a case: spread over all calls when there are more
FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

pytestmark = pytest.mark.skipif(not os.path.exists(FAULTS), reason="a sanitizer has its own malloc")


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="lastra-inventory-", dir=FOLDER)
    yield path
    shutil.rmtree(path)


def run(folder, *job, fault=None):
    """The exit status, the lines, the calls counted by class."""
    count = os.path.join(folder, "count")
    env = dict(os.environ, LD_PRELOAD=os.path.abspath(FAULTS), LASTRA_FAULT_COUNT=count)
    if fault:
        env["LASTRA_FAULT"] = fault
    p = subprocess.run([PROBE, *job], env=env, capture_output=True, text=True, timeout=120)
    counts = {}
    if os.path.exists(count):
        with open(count) as f:
            counts = {name: int(n) for name, n in (line.split() for line in f)}
        os.remove(count)
    return p.returncode, p.stdout.splitlines(), counts


def spread(n):
    return range(1, n + 1, max(1, -(-n // MOST)))


def fresh(folder, made="made", *jobs):
    """A copy of a folder that was made once, by these jobs."""
    source, site = os.path.join(folder, made), os.path.join(folder, "site")
    if not os.path.exists(source):
        for job in jobs or ("make",):
            assert run(folder, job, source)[0] == 0
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(source, site)
    return site


def check(folder, site):
    """Without faults: consistent. The position and the number of systems."""
    status, lines, _ = run(folder, "check", site)
    assert status == 0, lines
    figures = dict(line.split() for line in lines if line != "done")
    return int(figures["position"]), int(figures["systems"])


def check_and_go_on(folder, site, lines, what):
    marked = max([int(line.split()[1]) for line in lines if line.startswith("mark ")], default=0)
    position, systems = check(folder, site)
    assert position >= marked, what
    assert systems in (0, RECORDS), what
    assert run(folder, "work", site)[0] == 0, what
    assert check(folder, site) == (RECORDS, RECORDS), what


def test_without_faults(folder):
    site = fresh(folder)
    status, lines, counts = run(folder, "work", site)
    assert (status, lines[-1]) == (0, "done")
    assert counts["sync"] >= RECORDS // 20
    assert check(folder, site) == (RECORDS, RECORDS)


@pytest.mark.parametrize("rule", ["write:{}:kill", "write:{}:tear", "sync:{}:kill", "write:{}:EIO", "write:{}:ENOSPC",
                                  "write:{}:ENOSPC:on", "sync:{}:EIO:on", "write:{}:short", "read:{}:EIO", "open:{}:EMFILE",
                                  "memory:{}:ENOMEM"])
def test_the_nth_call_fails_or_is_the_last(folder, rule):
    calls = run(folder, "work", fresh(folder))[2][rule.split(":")[0]]
    for n in spread(calls):
        site = fresh(folder)
        status, lines, _ = run(folder, "work", site, fault=rule.format(n))
        assert status in (0, 1) or (status == -9 and ("kill" in rule or "tear" in rule)), (rule.format(n), status, lines)
        check_and_go_on(folder, site, lines, rule.format(n))


@pytest.mark.parametrize("rule", ["write:{}:kill", "sync:{}:kill", "open:{}:EMFILE", "write:{}:ENOSPC:on"])
def test_making_a_folder_is_broken_off_and_done_again(folder, rule):
    site = os.path.join(folder, "new")
    calls = run(folder, "make", site)[2].get(rule.split(":")[0], 0)
    assert calls > 0
    for n in spread(calls):
        shutil.rmtree(site, ignore_errors=True)
        run(folder, "make", site, fault=rule.format(n))
        status, lines, _ = run(folder, "make", site)
        assert status == 0, (rule.format(n), lines)
        assert check(folder, site) == (0, 0)


@pytest.mark.parametrize("rule", ["write:{}:kill", "sync:{}:kill", "write:{}:ENOSPC:on", "read:{}:EIO", "memory:{}:ENOMEM"])
def test_a_merge_is_broken_off_and_done_again(folder, rule):
    fresh(folder, "other", "work")
    other = os.path.join(folder, "other")
    calls = run(folder, "merge", fresh(folder), other)[2][rule.split(":")[0]]
    for n in spread(calls):
        site = fresh(folder)
        status, lines, _ = run(folder, "merge", site, other, fault=rule.format(n))
        assert status in (0, 1, -9), (rule.format(n), status, lines)
        for _ in range(2):
            status, lines, _ = run(folder, "merge", site, other)
            assert status == 0, (rule.format(n), lines)
            assert check(folder, site) == (RECORDS, 0)
