"""The io layer under injected faults: for every n, the n-th write, sync, open, rename, allocation or thread fails, and what
is left is either the old or the new, never something else; and the preload itself does what it says."""

import os
import shutil
import subprocess
import tempfile

import pytest

BUILD = os.environ.get("LASTRA_BUILD", "build")
FAULTS = os.path.join(BUILD, "tests", "faults", "faults.so")
PROBE = os.path.join(BUILD, "tests", "faults", "io_probe")
WORDS = {"done", "out of memory", "input/output error", "no space left", "not permitted", "not found",
         "cryptography failed", "closed by the other side", "the other side broke the protocol", "timed out", "busy",
         "over a limit", "malformed", "damaged", "rejected by the other side", "not supported"}


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="lastra-faults-")
    yield path
    shutil.rmtree(path)


def run(folder, job, *args, fault=None, path=None):
    """The exit status, the last word, all lines, and the calls counted by class."""
    count = os.path.join(folder, "count")
    if os.path.exists(count):
        os.remove(count)
    env = dict(os.environ, LD_PRELOAD=os.path.abspath(FAULTS), LASTRA_FAULT_COUNT=count)
    if fault:
        env["LASTRA_FAULT"] = fault
    if path:
        env["LASTRA_FAULT_PATH"] = path
    p = subprocess.run([PROBE, job, *args], env=env, capture_output=True, text=True, timeout=60)
    lines = p.stdout.splitlines()
    counts = {}
    if os.path.exists(count):
        with open(count) as f:
            counts = {name: int(n) for name, n in (line.split() for line in f)}
    return p.returncode, lines[-1] if lines else None, lines, counts


def data(folder):
    path = os.path.join(folder, "data")
    os.makedirs(path, exist_ok=True)
    return path


def content(folder):
    with open(os.path.join(data(folder), "file")) as f:
        return f.read()


def save(folder, text, **kw):
    return run(folder, "save", data(folder), text, **kw)


def test_counts_what_a_run_does(folder):
    status, word, _, counts = save(folder, "old")
    assert (status, word) == (0, "done")
    assert counts["write"] == 1 and counts["sync"] == 2 and counts["rename"] == 1


@pytest.mark.parametrize("fault,word", [
    ("write:1:ENOSPC", "no space left"), ("write:1:EDQUOT", "no space left"), ("write:1:EFBIG", "no space left"),
    ("write:1:EIO", "input/output error"), ("sync:1:EIO", "input/output error"), ("sync:2:EIO", "input/output error"),
    ("rename:1:EIO", "input/output error"), ("rename:1:EROFS", "not permitted"), ("open:2:EMFILE", "input/output error"),
    ("open:1:EACCES", "not permitted"), ("open:1:ENOMEM", "out of memory")])
def test_a_failed_save_says_why_and_leaves_one_whole_text(folder, fault, word):
    assert save(folder, "old")[0] == 0
    status, got, _, _ = save(folder, "new", fault=fault)
    assert (status, got) == (1, word)
    assert content(folder) in ("old", "new")
    assert save(folder, "newest")[1] == "done"
    assert content(folder) == "newest" and os.listdir(data(folder)) == ["file"]


@pytest.mark.parametrize("fault", ["write:1:short", "write:1:EINTR", "sync:1:EINTR", "sync:2:EINTR", "open:1:EINTR"])
def test_interrupted_and_short_calls_are_continued(folder, fault):
    assert save(folder, "old")[0] == 0
    assert save(folder, "a new text", fault=fault)[1] == "done"
    assert content(folder) == "a new text"


def test_killed_at_any_call_the_text_is_old_or_new(folder):
    assert save(folder, "old")[0] == 0
    counts = save(folder, "old")[3]
    seen = set()
    for kind in ("write", "sync", "open", "rename"):
        for n in range(1, counts[kind] + 1):
            for what in ("kill", "tear") if kind == "write" else ("kill",):
                save(folder, "old")
                assert save(folder, "new", fault=f"{kind}:{n}:{what}")[0] == -9
                seen.add(content(folder))
    assert seen == {"old", "new"}


def test_short_reads_are_continued(folder):
    text = "0123456789" * 2000
    assert save(folder, text)[0] == 0
    status, _, lines, _ = run(folder, "load", data(folder), fault="read:1:short:on")
    assert status == 0 and lines[0] == "text: " + text
    assert run(folder, "load", data(folder), fault="read:1:EIO")[1] == "input/output error"


@pytest.mark.parametrize("fault", ["allocate:1:EOPNOTSUPP:on"])
def test_punching_works_where_the_file_system_cannot(folder, fault):
    status, word, lines, _ = run(folder, "punch", data(folder), fault=fault)
    assert (status, word) == (0, "done") and lines[0] == "first: 0"


def test_reserving_says_when_there_is_no_room(folder):
    assert run(folder, "punch", data(folder), fault="allocate:1:ENOSPC")[1] == "no space left"


def test_no_thread_to_be_had_is_an_error(folder):
    threads = run(folder, "crew")[3]["thread"]
    assert threads >= 2
    for n in range(1, threads + 1):
        assert run(folder, "crew", fault=f"thread:{n}:EAGAIN")[1] in ("out of memory", "done")
    assert run(folder, "crew", fault="thread:1:EAGAIN:on")[1] == "out of memory"


def every_allocation(folder, job, *args):
    """Each allocation of ours in turn; the ends that this led to."""
    status, word, _, counts = run(folder, job, *args)
    assert (status, word) == (0, "done")
    assert counts["heap"] >= counts["memory"] > 0
    ends = set()
    for n in range(1, counts["memory"] + 1):
        status, word, lines, _ = run(folder, job, *args, fault=f"memory:{n}:ENOMEM")
        assert status in (0, 1) and word in WORDS, (n, status, lines)
        ends.add(word)
    return ends


def test_no_memory_at_any_allocation_is_an_error_not_a_crash(folder):
    assert save(folder, "old")[0] == 0
    assert every_allocation(folder, "load", data(folder)) == {"over a limit"}  # a writer that cannot grow
    assert "out of memory" in every_allocation(folder, "crew")


def test_no_memory_while_making_certificates(folder):
    assert every_allocation(folder, "certs", data(folder)) == {"over a limit"}


def test_no_memory_in_a_tls_handshake(folder):
    assert run(folder, "certs", data(folder))[0] == 0
    ends = every_allocation(folder, "tls", data(folder))
    # Also "done" (the farewell needs memory too, and goes without), and what it is called when the other end has none.
    assert "out of memory" in ends


def test_no_memory_while_unpacking(folder):
    archive = os.path.join(folder, "a.zip")
    import zipfile
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
        for i in range(3):
            z.writestr(f"f{i}", b"x" * 10000)
    assert every_allocation(folder, "unpack", archive) == {"out of memory"}


def test_every_read_of_an_archive_may_fail(folder):
    archive = os.path.join(folder, "a.tar.gz")
    import tarfile
    with tarfile.open(archive, "w:gz") as t:
        t.add(__file__, "self")
    status, _, lines, counts = run(folder, "unpack", archive, path="a.tar.gz")
    assert status == 0 and lines[0] == "entry: self" and counts["read"] >= 2
    for n in range(1, counts["read"] + 1):
        assert run(folder, "unpack", archive, fault=f"read:{n}:EIO", path="a.tar.gz")[0] in (0, 1)
    assert run(folder, "unpack", archive, fault="read:1:EIO:on", path="a.tar.gz")[1] == "input/output error"


def test_the_path_filter_spares_other_files(folder):
    assert save(folder, "new", fault="write:1:EIO", path="/no/such/name")[1] == "done"
    assert save(folder, "new", fault="write:1:EIO", path="file.new")[1] == "input/output error"


def test_an_unknown_rule_is_refused_before_anything_runs(folder):
    for rule in ("write", "write:0:EIO", "write:1:EWHAT", "walk:1:EIO", "write:1:EIO:off"):
        assert save(folder, "x", fault=rule)[0] == 99
