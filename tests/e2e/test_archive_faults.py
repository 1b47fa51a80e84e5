"""The archive under injected faults: whatever fails, and wherever it is killed, what it had acknowledged is found by query and
comes back bit for bit once the fault is gone; and a fault is an error, never a crash."""

import os
import shutil
import subprocess
import tempfile

import pytest

BUILD = os.environ.get("LASTRA_BUILD", "build")
FAULTS = os.path.join(BUILD, "tests", "faults", "faults.so")
PROBE = os.path.join(BUILD, "tests", "faults", "archive_probe")
OBJECTS = 6
MOST = 40  # runs a case: spread over all calls when there are more
FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

pytestmark = pytest.mark.skipif(not os.path.exists(FAULTS), reason="a sanitizer has its own malloc")


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="lastra-faults-", dir=FOLDER)
    yield path
    shutil.rmtree(path)


def run(folder, job, data, fault=None):
    """The exit status, the lines, the calls counted by class."""
    count = os.path.join(folder, "count")
    env = dict(os.environ, LD_PRELOAD=os.path.abspath(FAULTS), LASTRA_FAULT_COUNT=count)
    if fault:
        env["LASTRA_FAULT"] = fault
    p = subprocess.run([PROBE, job, data], env=env, capture_output=True, text=True, timeout=120)
    counts = {}
    if os.path.exists(count):
        with open(count) as f:
            counts = {name: int(n) for name, n in (line.split() for line in f)}
        os.remove(count)
    return p.returncode, p.stdout.splitlines(), counts


def fresh(folder):
    """An empty archive: a copy of one that was made once."""
    made, data = os.path.join(folder, "made"), os.path.join(folder, "data")
    if not os.path.exists(made):
        assert run(folder, "create", made)[0] == 0
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(made, data)
    return data


def kept(lines):
    return {line.split()[1] for line in lines if line.startswith("kept ")}


def spread(n):
    return range(1, n + 1, max(1, -(-n // MOST)))


def check(folder, data, acknowledged):
    """Without faults: what was acknowledged is whole, and nothing is half there."""
    status, lines, _ = run(folder, "check", data)
    assert status == 0, lines
    state = {line.split()[1]: line.split()[0] for line in lines[:OBJECTS]}
    assert "different" not in state.values()
    assert all(state[sop] == "whole" for sop in acknowledged), (acknowledged, lines)


def test_without_faults_all_are_kept_and_whole(folder):
    data = fresh(folder)
    status, lines, counts = run(folder, "fill", data)
    assert (status, lines[-1], len(kept(lines))) == (0, "done", OBJECTS)
    assert counts["sync"] >= OBJECTS
    check(folder, data, kept(lines))


@pytest.mark.parametrize("rule", ["write:{}:EIO", "write:{}:ENOSPC", "write:{}:short", "sync:{}:EIO", "read:{}:EIO",
                                  "allocate:{}:ENOSPC", "truncate:{}:EIO", "open:{}:EMFILE", "memory:{}:ENOMEM", "thread:{}:EAGAIN"])
def test_the_nth_call_fails(folder, rule):
    calls = run(folder, "fill", fresh(folder))[2][rule.split(":")[0]]
    for n in spread(calls):
        data = fresh(folder)
        status, lines, _ = run(folder, "fill", data, rule.format(n))
        assert status in (0, 1), (rule.format(n), status, lines)
        check(folder, data, kept(lines))


@pytest.mark.parametrize("rule", ["write:{}:ENOSPC:on", "write:{}:EIO:on", "sync:{}:EIO:on"])
def test_from_the_nth_call_on_all_fail(folder, rule):
    calls = run(folder, "fill", fresh(folder))[2][rule.split(":")[0]]
    for n in list(spread(calls))[::4]:
        data = fresh(folder)
        status, lines, _ = run(folder, "fill", data, rule.format(n))
        assert status in (0, 1), (rule.format(n), status, lines)
        check(folder, data, kept(lines))


@pytest.mark.parametrize("rule", ["write:{}:kill", "write:{}:tear", "sync:{}:kill"])
def test_killed_at_the_nth_call(folder, rule):
    calls = run(folder, "fill", fresh(folder))[2][rule.split(":")[0]]
    for n in spread(calls):
        data = fresh(folder)
        status, lines, _ = run(folder, "fill", data, rule.format(n))
        assert status in (0, 1, -9), (rule.format(n), status, lines)
        check(folder, data, kept(lines))


@pytest.mark.parametrize("rule", ["read:{}:EIO", "memory:{}:ENOMEM", "open:{}:EMFILE"])
def test_a_fault_while_reading_is_told_and_does_no_harm(folder, rule):
    data = fresh(folder)
    acknowledged = kept(run(folder, "fill", data)[1])
    calls = run(folder, "check", data)[2][rule.split(":")[0]]
    for n in spread(calls):
        status, lines, _ = run(folder, "check", data, rule.format(n))
        assert status in (0, 1), (rule.format(n), status, lines)
        assert not any(line.startswith("different") for line in lines)
    check(folder, data, acknowledged)
