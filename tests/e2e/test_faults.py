"""The whole program on bad days: the n-th write, sync, reservation, open, read, allocation or thread fails while the server
starts and takes objects in, and while an administrator's command runs; the disk is full; the index is locked or gone; the
clock steps back; the last record is torn; a bit is flipped. It never crashes, the sender is told, nothing acknowledged is
lost, and afterwards it goes on working.

FAULTS=all  every n, not a spread of them (`make soak`)"""

import contextlib
import copy
import fcntl
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

import upper_layer as ul
from conftest import ROOT, Archive, free_port

sys.path.insert(0, os.path.join(ROOT, "bench"))
import objects  # noqa: E402

BUILD = os.path.abspath(os.environ.get("LASTRA_BUILD", os.path.join(ROOT, "build")))
FAULTS = os.path.join(BUILD, "tests", "faults", "faults.so")
CLOCK = os.path.join(BUILD, "tests", "faults", "clock.so")
ALL = os.environ.get("FAULTS") == "all"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # syncs cost nothing there

pytestmark = pytest.mark.skipif(not os.path.exists(FAULTS), reason="a sanitizer has its own malloc")

CONTEXTS = ((1, ul.CT_IMAGE, (ul.EXPLICIT_LE,)), (3, ul.STUDY_ROOT_FIND, (ul.IMPLICIT_LE,)),
            (5, ul.STUDY_ROOT_GET, (ul.IMPLICIT_LE,)), (7, ul.VERIFICATION, (ul.IMPLICIT_LE,)))
OUT_OF_RESOURCES = range(0xA700, 0xA800)


def spread(count, most):
    """From 1 to count, first and last among them."""
    if ALL or count <= most:
        return list(range(1, count + 1))
    return sorted({1 + round(i * (count - 1) / (most - 1)) for i in range(most)})


def one(study, instance, side=24):
    """An object of its own: (UID, data set)."""
    pixels = hashlib.sha256(f"{study} {instance}".encode()).digest() * (side * side * 2 // 32)
    data, uid = objects.data_set(study, 1, instance, side, side, pixels)
    return uid, data


@contextlib.contextmanager
def environment(**more):
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def associate(archive, timeout=20):
    return ul.Association(archive.port, "TEST", contexts=CONTEXTS, roles=((ul.CT_IMAGE, 1, 1),), timeout=timeout)


def store(archive, some, refused=None):
    """Those that were acknowledged, as {uid: data}; refused gets (status, comment) of the others. An association that is
    lost is made anew."""
    kept, a = {}, None
    for uid, data in some:
        try:
            a = a or associate(archive)
            status = a.store(ul.CT_IMAGE, uid, data)
            if status in (0, 0xB000):
                kept[uid] = data
            elif refused is not None:
                refused.append((status, a.comment))
        except (ul.Aborted, ul.Refused, OSError) as e:
            a = None
            if refused is not None:
                refused.append((None, repr(e)))
    if a:
        a.release()
    return kept


def settled(archive):
    """Until a query is answered: the index has caught up."""
    deadline = time.monotonic() + 20
    while True:
        a = associate(archive, timeout=60)
        status, _ = a.find(ul.STUDY_ROOT_FIND, ul.identifier("STUDY", study=""))
        a.release()
        if status == 0:
            return
        assert status in OUT_OF_RESOURCES and a.comment, (hex(status), a.comment)
        assert time.monotonic() < deadline, a.comment
        time.sleep(0.05)


def check(archive, expected):
    """Every object by query and bit for bit, in a server that runs."""
    settled(archive)
    a = associate(archive, timeout=60)
    for study in sorted({uid.split(".")[-3] for uid in expected}, key=int):
        study_uid, series_uid, _ = objects.uids(int(study))
        status, answers = a.find(ul.STUDY_ROOT_FIND, ul.identifier("IMAGE", study=study_uid, series=series_uid, instance=""))
        assert status == 0, (hex(status), a.comment)
        found = b"".join(answers)
        status, got = a.get(ul.STUDY_ROOT_GET, ul.identifier("STUDY", study=study_uid))
        assert status == 0, (hex(status), a.fields.get(0x902))
        for uid, data in expected.items():
            if uid.startswith(study_uid + "."):
                assert uid.encode() in found, f"{uid} is not found"
                assert got.get(uid) == data, f"{uid} came back changed"
    a.release()


def status_of(archive):
    done = archive.lastra("status", archive.data, "--json", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Made:
    """A data folder made once a module, with a few objects in it; copies are quick."""

    def __init__(self, folder):
        self.first = Archive(folder, reserve="0")
        self.first.peer("TEST")
        self.first.start()
        self.objects = store(self.first, [one(1, i) for i in range(1, 5)])
        assert len(self.objects) == 4
        self.count = 0
        self.first.stop()

    def another(self, keep=None):
        self.count += 1
        made = copy.copy(self.first)
        made.folder = os.path.join(self.first.folder, str(self.count))
        made.data = os.path.join(made.folder, "data")
        shutil.copytree(self.first.data, made.data, ignore=shutil.ignore_patterns("control"))
        made.port, made.tls_port, made.options = free_port(), free_port(), dict(self.first.options)
        made.process = None
        return made


@pytest.fixture(scope="module")
def made():
    folder = tempfile.mkdtemp(prefix="lastra-faults-", dir=MEMORY)
    m = Made(folder)
    yield m
    m.first.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def one_more(made):
    """A copy of the made archive with .objects; whatever runs on it at the end is killed."""
    running = []

    def make():
        running.append(made.another())
        running[-1].objects = dict(made.objects)
        return running[-1]

    yield make
    for archive in running:
        archive.close()
        shutil.rmtree(archive.folder, ignore_errors=True)


def counts_in(path):
    with open(path) as f:
        return {name: int(n) for name, n in (line.split() for line in f)}


def end(archive):
    """The exit status of a server that is told to stop: 0, or 1 where the fault came at the end."""
    archive.process.terminate()
    try:
        code = archive.process.wait(30)
    except subprocess.TimeoutExpired:
        os.kill(archive.process.pid, 6)
        raise AssertionError(f"it does not stop:\n{archive.log()}") from None
    archive.reader.join(10)
    archive.process = None
    return code


def whole_after(archive, expected):
    """Without faults, from the start: everything is there, and the audit trail and packs hold."""
    archive.start()
    check(archive, expected)
    archive.stop()


# --- (a) starting


START = {"write": "EIO", "sync": "EIO", "truncate": "EIO", "allocate": "ENOSPC", "open": "EMFILE", "read": "EIO", "rename": "EIO",
         "remove": "EIO", "memory": "ENOMEM", "thread": "EAGAIN"}


def crashed(archive):
    """After a kill, so that the next start has something to recover: its objects, one more than the index has seen."""
    archive.start()
    archive.objects.update(store(archive, [one(1, 5)]))
    archive.kill()
    return archive


def starts_or_says_why(archive):
    """Whether it serves; else it has ended with a message."""
    try:
        archive.wait_for("started:", 20)
        return True
    except AssertionError:
        code = archive.process.wait(20)
        assert code == 1, f"exit status {code}:\n{archive.log()}"
        assert "lastra serve:" in archive.log(), archive.log()
        return False


@pytest.mark.parametrize("kind", START)
def test_a_fault_at_the_start_is_told_and_nothing_is_lost(one_more, kind):
    clean = crashed(one_more())
    count = os.path.join(clean.folder, "count")
    with environment(LD_PRELOAD=FAULTS, LASTRA_FAULT_COUNT=count):
        clean.start()
    clean.stop()
    started = failed = 0
    for n in spread(counts_in(count)[kind], 20):
        archive = crashed(one_more())
        with environment(LD_PRELOAD=FAULTS, LASTRA_FAULT=f"{kind}:{n}:{START[kind]}"):
            archive.start(wait=False)
        if starts_or_says_why(archive):
            started += 1
            archive.kill()
        else:
            failed += 1
            archive.reader.join(10)
            archive.process = None
        whole_after(archive, archive.objects)
    print(f"{kind}: {started} started, {failed} said why not")


# --- (b) taking objects in


INGEST = ["write:{}:ENOSPC", "write:{}:EIO", "sync:{}:EIO", "sync:{}:ENOSPC", "allocate:{}:ENOSPC", "open:{}:EMFILE", "read:{}:EIO",
          "memory:{}:ENOMEM", "thread:{}:EAGAIN", "truncate:{}:EIO"]
SENT = 6


def serve_with(archive, rule=None):
    """A server in which the rule holds while archive.switch is there; and what it counted is in archive.count."""
    archive.switch, archive.count = os.path.join(archive.folder, "switch"), os.path.join(archive.folder, "count")
    more = {"LASTRA_FAULT": rule} if rule else {}
    with environment(LD_PRELOAD=FAULTS, LASTRA_FAULT_WHILE=archive.switch, LASTRA_FAULT_COUNT=archive.count, **more):
        archive.start()


@contextlib.contextmanager
def bad_day(archive):
    with open(archive.switch, "w"):
        pass
    try:
        yield
    finally:
        os.remove(archive.switch)


def send_and_look(archive, study, refused):
    """Six objects, a query and a retrieve; what was acknowledged."""
    kept = store(archive, [one(study, i) for i in range(1, SENT + 1)], refused)
    try:
        a = associate(archive)
        a.find(ul.STUDY_ROOT_FIND, ul.identifier("STUDY", study=""))
        a.get(ul.STUDY_ROOT_GET, ul.identifier("STUDY", study=objects.uids(1)[0]))
        a.release()
    except (ul.Aborted, ul.Refused, OSError):
        pass
    return kept


def works_again(archive, study):
    """The next objects are taken, at the latest after a moment."""
    refused = []
    for attempt in range(1, 40):
        kept = store(archive, [one(study, attempt)], refused)
        if kept:
            return kept
        time.sleep(0.1)
    raise AssertionError(f"{refused}\n{archive.log()}")


@pytest.mark.parametrize("rule", INGEST)
def test_a_fault_while_objects_come_in(one_more, rule):
    kind = rule.split(":")[0]
    clean = one_more()
    serve_with(clean)
    with bad_day(clean):
        assert len(send_and_look(clean, 2, None)) == SENT
    assert end(clean) == 0
    archive, expected, told = one_more(), {}, 0
    for round_, n in enumerate(spread(counts_in(clean.count)[kind], 24)):
        serve_with(archive, rule.format(n))
        refused, study = [], 10 + 2 * round_
        with bad_day(archive):
            expected.update(send_and_look(archive, study, refused))
        for status, comment in refused:
            told += 1
            if kind not in ("memory", "thread", "open"):  # those may end an association, or let none begin
                assert status in OUT_OF_RESOURCES and comment, (rule.format(n), status, comment)
            assert status is None or comment
        assert len(refused) <= 3, (rule.format(n), refused)  # the fault is over after one call
        expected.update(works_again(archive, study + 1))
        check(archive, {**archive.objects, **expected})
        assert end(archive) == 0, archive.log()
    whole_after(archive, {**archive.objects, **expected})
    assert archive.lastra("verify", archive.data, check=False).returncode == 0
    print(f"{rule}: {told} objects refused, {len(expected)} acknowledged")


@pytest.mark.parametrize("rule,path", [("write:1:ENOSPC:on", "/packs/"), ("write:1:EIO:on", "/packs/"),
                                       ("sync:1:EIO:on", "/packs/"), ("write:1:ENOSPC:on", "/index.db"),
                                       ("write:1:EIO:on", "/index.db"), ("write:1:ENOSPC:on", "/data/")])
def test_a_fault_that_lasts_is_told_to_sender_and_administrator_until_it_is_gone(one_more, rule, path):
    archive = one_more()
    with environment(LASTRA_FAULT_PATH=path):
        serve_with(archive, rule)
    refused, packs = [], path != "/index.db"
    with bad_day(archive):
        kept = send_and_look(archive, 2, refused)
        assert len(kept) + len(refused) == SENT
        assert not packs or len(refused) == SENT
        for status, comment in refused:
            assert status in OUT_OF_RESOURCES and comment, (status, comment)
        a = associate(archive)
        status, _ = a.find(ul.STUDY_ROOT_FIND, ul.identifier("STUDY", study=""))
        # Behind the packs, a query says so rather than leave something out.
        assert status == 0 if packs else status in OUT_OF_RESOURCES and a.comment, (hex(status), a.comment)
        a.release()
        await_attention(archive, "behind" if not packs else "not written how it is" if path == "/data/" else "the last:")
    kept.update(works_again(archive, 3))
    check(archive, {**archive.objects, **kept})
    assert end(archive) == 0
    whole_after(archive, {**archive.objects, **kept})


def await_attention(archive, words):
    """Until `lastra status` says what is wrong."""
    deadline = time.monotonic() + 20
    while not any(words in note for note in status_of(archive)["attention"]):
        assert time.monotonic() < deadline, status_of(archive)
        time.sleep(0.1)


# --- (c) an administrator's commands


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slices")
    objects.slices(str(folder), 4, rows=24, columns=24, first_study=7)
    return str(folder)


def faulty(archive, *arguments, rule=None):
    """A command under the preload: its exit status and what it said; archive.counts has what it did."""
    count = os.path.join(archive.folder, "count")
    more = {"LASTRA_FAULT": rule} if rule else {"LASTRA_FAULT_COUNT": count}
    with environment(LD_PRELOAD=FAULTS, **more):
        done = archive.lastra(*arguments, check=False)
    assert done.returncode in (0, 1), f"{rule}: exit status {done.returncode}: {done.stdout}{done.stderr}"
    assert done.returncode == 0 or done.stderr.strip(), f"{rule}: failed without a word"
    if not rule:
        archive.counts = counts_in(count)
    return done


COMMAND_RULES = ["write:{}:ENOSPC", "sync:{}:EIO", "open:{}:EMFILE", "rename:{}:EIO", "read:{}:EIO", "memory:{}:ENOMEM",
                 "allocate:{}:ENOSPC", "remove:{}:EIO", "truncate:{}:EIO"]


def every_fault(clean, most=12):
    for rule in COMMAND_RULES:
        for n in spread(clean.counts[rule.split(":")[0]], most):
            yield rule.format(n)


def test_import_under_faults_loses_nothing_and_goes_on(one_more, slices):
    clean = one_more()
    assert faulty(clean, "import", clean.data, slices).returncode == 0
    for rule in every_fault(clean):
        archive = one_more()
        faulty(archive, "import", archive.data, slices, rule=rule)
        again = archive.lastra("import", archive.data, slices, check=False)
        assert again.returncode == 0, (rule, again.stderr)
        assert status_of(archive)["instances"] == 8, rule
        verified = archive.lastra("verify", archive.data, check=False)
        assert verified.returncode == 0, (rule, verified.stdout, verified.stderr)


def test_remove_under_faults_takes_all_or_can_be_done_again(one_more, slices):
    study = objects.uids(7)[0]

    def prepared():
        archive = one_more()
        archive.lastra("import", archive.data, slices)
        return archive

    clean = prepared()
    assert faulty(clean, "remove", clean.data, "--study", study, "--yes").returncode == 0
    for rule in every_fault(clean, 6):
        archive = prepared()
        faulty(archive, "remove", archive.data, "--study", study, "--yes", rule=rule)
        assert status_of(archive)["instances"] in range(4, 9), rule
        archive.lastra("remove", archive.data, "--study", study, "--yes", check=False)
        for _ in range(2):
            assert status_of(archive)["instances"] == 4, rule
            assert archive.lastra("verify", archive.data, check=False).returncode == 0, rule
            archive.lastra("rebuild", archive.data)  # does not bring back what was removed
        whole_after(archive, archive.objects)


def test_backup_under_faults_is_done_again_and_restores(one_more):
    clean = one_more()
    copy_to = os.path.join(clean.folder, "copy")
    assert faulty(clean, "backup", clean.data, copy_to).returncode == 0
    for rule in every_fault(clean, 6):
        archive = one_more()
        copy_to = os.path.join(archive.folder, "copy")
        faulty(archive, "backup", archive.data, copy_to, rule=rule)
        archive.lastra("backup", archive.data, copy_to)
        back = os.path.join(archive.folder, "back")
        archive.lastra("restore", copy_to, back)
        archive.data = back
        whole_after(archive, archive.objects)


def test_rebuild_under_faults_leaves_the_old_index_or_makes_the_new_one(one_more):
    clean = one_more()
    assert faulty(clean, "rebuild", clean.data).returncode == 0
    for rule in every_fault(clean, 6):
        archive = one_more()
        done = faulty(archive, "rebuild", archive.data, rule=rule)
        if "NOT come along" in done.stdout:  # the old index, which stays, could not be read
            assert done.returncode == 0 and rule.startswith("read:"), (rule, done.stdout)
            archive.peer("TEST")
        status = archive.lastra("status", archive.data, check=False)
        assert status.returncode == 0 or "lastra rebuild" in status.stderr, (rule, status.stderr)
        if status.returncode:
            archive.lastra("rebuild", archive.data)
        assert "TEST" in archive.lastra("peer", "list", archive.data).stdout, rule
        whole_after(archive, archive.objects)


def test_a_rebuild_that_is_killed_is_done_again_with_all_peers(one_more):
    clean = one_more()
    faulty(clean, "rebuild", clean.data)
    told = 0
    for kind in ("write", "sync", "rename", "remove"):
        for n in spread(clean.counts[kind], 5):
            archive = one_more()
            with environment(LD_PRELOAD=FAULTS, LASTRA_FAULT=f"{kind}:{n}:kill"):
                done = archive.lastra("rebuild", archive.data, check=False)
            assert done.returncode == -9, (kind, n, done.returncode)
            status = archive.lastra("status", archive.data, check=False)
            if status.returncode:
                assert "lastra rebuild" in status.stderr, (kind, n, status.stderr)
                told += 1
                archive.lastra("rebuild", archive.data)
            assert "TEST" in archive.lastra("peer", "list", archive.data).stdout, (kind, n)
            whole_after(archive, archive.objects)
    assert told


# --- a full disk


def test_the_reserve_is_kept_and_told(one_more):
    archive = one_more()
    archive.set(reserve="900 TiB")
    archive.start()
    refused = []
    assert not store(archive, [one(2, 1)], refused)
    assert refused[0][0] in OUT_OF_RESOURCES and refused[0][1]
    assert any("the disk is full" in note for note in status_of(archive)["attention"])
    check(archive, archive.objects)
    archive.stop()
    archive.set(reserve="0")
    archive.start()
    kept = store(archive, [one(2, 1)])
    check(archive, {**archive.objects, **kept})
    assert not any("the disk is full" in note for note in status_of(archive)["attention"])
    archive.stop()


@pytest.fixture
def small_disk():
    """A file system of 24 MiB of its own, where this machine lets us make one."""
    folder = tempfile.mkdtemp(prefix="lastra-small-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True).returncode != 0:
        os.rmdir(folder)
        pytest.skip("mounting is not for us")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)


def test_a_full_disk_refuses_and_loses_nothing_and_room_brings_it_back(one_more, small_disk):
    archive = one_more()
    data = os.path.join(small_disk, "data")
    shutil.move(archive.data, data)
    archive.data = data
    archive.set(pack_size="4 MiB")
    ballast = os.path.join(small_disk, "ballast")
    with open(ballast, "wb") as f:
        f.write(bytes(8 << 20))
    archive.start()
    kept, refused = {}, []
    for i in range(1, 200):
        kept.update(store(archive, [one(2, i, side=320)], refused))
        if len(refused) > 5:
            break
    assert kept and len(refused) > 5, (len(kept), refused)
    assert all(status in OUT_OF_RESOURCES and comment for status, comment in refused), refused
    # With no reserve the index's disk is full too: a query is answered in full, or refused with the reason.
    a = associate(archive, timeout=60)
    status, _ = a.find(ul.STUDY_ROOT_FIND, ul.identifier("STUDY", study=""))
    assert status == 0 or (status in OUT_OF_RESOURCES and "no space" in a.comment), (hex(status), a.comment)
    a.release()
    await_attention(archive, "the last:")
    os.remove(ballast)
    kept.update(works_again(archive, 3))
    check(archive, {**archive.objects, **kept})
    archive.stop()
    whole_after(archive, {**archive.objects, **kept})


def test_a_limit_on_file_sizes_is_an_error_of_the_store_not_the_end(one_more):
    archive = one_more()
    limit = max(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(archive.data) for name in names)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit + 300_000, before[1]))
    try:
        archive.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    kept, refused = {}, []
    for i in range(1, 12):
        kept.update(store(archive, [one(2, i, side=320)], refused))
    assert refused and all(status in OUT_OF_RESOURCES and comment for status, comment in refused), refused
    check(archive, {**archive.objects, **kept})
    assert end(archive) in (0, 1)
    whole_after(archive, {**archive.objects, **kept})


# --- the index


def test_an_index_that_another_process_holds_delays_and_loses_nothing(one_more):
    """The lock of a writer (SQLite's WAL-index format: byte 120 of the shared memory file)."""
    archive = one_more()
    archive.start()
    check(archive, archive.objects)
    refused = []
    with open(os.path.join(archive.data, "index.db-shm"), "r+b") as f:
        fcntl.lockf(f, fcntl.LOCK_EX, 1, 120)
        kept = store(archive, [one(2, i) for i in range(1, 6)], refused)
        assert len(kept) == 5 and not refused  # the packs have them; the rows follow
        a = associate(archive, timeout=60)
        status, _ = a.find(ul.STUDY_ROOT_FIND, ul.identifier("STUDY", study=""))
        assert status in OUT_OF_RESOURCES and a.comment, (hex(status), a.comment)
        a.release()
        await_attention(archive, "behind")
        fcntl.lockf(f, fcntl.LOCK_UN, 1, 120)
    check(archive, {**archive.objects, **kept})
    archive.stop()


def test_a_lost_index_is_told_and_rebuilt_from_the_packs(one_more):
    archive = one_more()
    for name in os.listdir(archive.data):
        if name.startswith("index.db"):
            os.remove(os.path.join(archive.data, name))
    archive.start(wait=False)
    assert archive.process.wait(30) == 1
    archive.reader.join(10)
    assert "lastra rebuild" in archive.log(), archive.log()
    archive.process = None
    archive.lastra("rebuild", archive.data)
    archive.peer("TEST")  # peers stood in the index alone
    whole_after(archive, archive.objects)


def test_a_clock_that_steps_back_changes_nothing(one_more):
    archive = one_more()
    clock = os.path.join(archive.folder, "clock")
    kept, step = {}, {0: 0, 1: -366 * 86400, 2: 3600, 3: -20 * 366 * 86400}
    with open(clock, "w") as f:
        f.write("0")
    with environment(LD_PRELOAD=CLOCK, LASTRA_CLOCK=clock):
        archive.start()
        a = associate(archive)
        for i, seconds in step.items():
            with open(clock, "w") as f:
                f.write(str(seconds))
            kept.update(store(archive, [one(2 + i, 1), one(2 + i, 2)]))
            assert a.echo() == 0  # no timer of an open association ran out
        assert len(kept) == 8
        time.sleep(1.2)  # the keeper has been round
        check(archive, {**archive.objects, **kept})
        a.release()
        archive.stop()
        whole_after(archive, {**archive.objects, **kept})
    archive.lastra("audit", "verify", archive.data)
    whole_after(archive, {**archive.objects, **kept})


# --- packs


def pack_of(archive):
    folder = os.path.join(archive.data, "packs")
    return max((os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".pack")), key=os.path.getmtime)


def test_a_torn_last_record_is_cut_and_the_others_stay(one_more):
    """The state that a crash leaves: the index and the pack's own mark have not heard of the last object, and of its record
    there is so much."""
    before, after, last = one_more(), one_more(), one(1, 5)
    pack, name = pack_of(before), os.path.basename(pack_of(before))
    with open(pack, "rb") as f:
        old = f.read()
    after.start()
    assert len(store(after, [last])) == 1
    after.stop()
    with open(pack_of(after), "rb") as f:
        new = old[:4096] + f.read()[4096:]
    begin = len(old)
    assert len(new) > begin
    for size in range(begin, len(new), 7 if ALL else 97):
        # Cut there; or, where the power failed, without the sectors from there on.
        sectors = max(size // 512 * 512, begin)
        for content in (new[:size], new[:sectors] + bytes(len(new) - sectors)):
            archive = copy.copy(before)
            archive.data = os.path.join(before.folder, f"torn-{size}")
            shutil.copytree(before.data, archive.data, ignore=shutil.ignore_patterns("control"))
            with open(os.path.join(archive.data, "packs", name), "wb") as f:
                f.write(content)
            try:
                archive.start()
                check(archive, archive.objects)
                kept = store(archive, [last])  # the same object again is new
                check(archive, {**archive.objects, **kept})
                archive.stop()
            finally:
                archive.close()
                shutil.rmtree(archive.data)


@pytest.mark.parametrize("where", [3, 60, 150, 300, 700, 2000, 8000])
def test_a_flipped_bit_fails_its_object_alone(one_more, where):
    archive = one_more()
    pack = pack_of(archive)
    archive.start()
    start = os.path.getsize(pack)
    kept = store(archive, [one(2, i, side=64) for i in range(1, 6)])
    archive.stop()
    size = os.path.getsize(pack)
    at = start + (size - start) // 5 * 2 + where  # within the third of five
    with open(pack, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 4]))
    archive.start()
    a = associate(archive)
    status, got = a.get(ul.STUDY_ROOT_GET, ul.identifier("STUDY", study=objects.uids(2)[0]))
    missing = [uid for uid in kept if uid not in got]
    assert len(missing) == 1 and all(got[uid] == kept[uid] for uid in got)
    assert status == 0xB000 and ul.number(a.fields, 0x1022) == 1 and ul.number(a.fields, 0x1021) == 4
    assert a.fields.get(0x902, b"").strip()
    study, series, _ = objects.uids(2)
    status, got = a.get(ul.STUDY_ROOT_GET, ul.identifier("IMAGE", study=study, series=series, instance=missing[0]))
    assert status == 0xA702 and not got and a.fields.get(0x902, b"").strip(), (hex(status), a.fields)
    check(archive, archive.objects)
    kept.update(works_again(archive, 3))
    archive.stop()
    done = archive.lastra("verify", archive.data, check=False)
    assert done.returncode == 1 and "damaged" in done.stdout + done.stderr
