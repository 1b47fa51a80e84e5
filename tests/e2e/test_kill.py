"""Nothing acknowledged is ever lost: several senders, `kill -9` at random points, a restart, and every acknowledged
object is found by query and comes back bit for bit. KILL_CYCLES sets how many times (20 in `make test`)."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time

import upper_layer as ul

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bench"))
import objects  # noqa: E402

CYCLES = int(os.environ.get("KILL_CYCLES", "20"))
SENDERS = 4


class Sender(threading.Thread):
    """Stores objects until the server is gone; remembers exactly which were acknowledged."""

    def __init__(self, port, cycle, number, seed):
        super().__init__()
        self.port, self.cycle, self.number = port, cycle, number
        self.random = random.Random(seed)
        self.acknowledged = {}
        self.refusals = []

    def run(self):
        try:
            a = ul.Association(self.port, "STORESCU", contexts=((1, ul.CT_IMAGE, (ul.EXPLICIT_LE,)),), timeout=30)
            for i in range(1, 100000):
                side = self.random.choice((16, 62, 180, 512))
                data, uid = objects.data_set(100 * self.cycle + self.number, 1, i, side, side,
                                             self.random.randbytes(side * side * 2))
                status = a.store(ul.CT_IMAGE, uid, data)
                if status == 0:
                    self.acknowledged[uid] = hashlib.sha256(data).digest()
                else:
                    self.refusals.append((status, a.comment))
        except (ul.Aborted, OSError):
            pass


def check(port, study, expected):
    """Every object by query and by retrieval."""
    contexts = ((1, ul.STUDY_ROOT_FIND, (ul.IMPLICIT_LE,)), (3, ul.STUDY_ROOT_GET, (ul.IMPLICIT_LE,)),
                (5, ul.CT_IMAGE, (ul.EXPLICIT_LE,)))
    a = ul.Association(port, "STORESCU", contexts=contexts, roles=((ul.CT_IMAGE, 1, 1),), timeout=60)
    study_uid, series_uid, _ = objects.uids(study)
    status, answers = a.find(ul.STUDY_ROOT_FIND, ul.identifier("IMAGE", study=study_uid, series=series_uid, instance=""))
    assert status == 0, (hex(status), a.comment)
    found = b"".join(answers)
    missing = [uid for uid in expected if uid.encode() not in found]
    assert not missing, f"{len(missing)} acknowledged objects are not found, first {missing[0]}"
    status, got = a.get(ul.STUDY_ROOT_GET, ul.identifier("STUDY", study=study_uid))
    assert status == 0, hex(status)
    for uid, digest in expected.items():
        assert hashlib.sha256(got[uid]).digest() == digest, f"{uid} came back changed"
    a.release()


def test_nothing_acknowledged_is_lost_over_kills(archive_factory):
    archive = archive_factory()
    archive.peer("STORESCU", grants="echo,store,find,get")
    pick = random.Random(20260101)
    expected, total = {}, 0
    for cycle in range(1, CYCLES + 1):
        archive.start()
        senders = [Sender(archive.port, cycle, n, pick.random()) for n in range(SENDERS)]
        for s in senders:
            s.start()
        time.sleep(pick.uniform(0.02, 0.8))
        archive.process.send_signal(signal.SIGKILL)
        archive.process.wait()
        for s in senders:
            s.join(60)
            assert not s.refusals, s.refusals[0]
            if s.acknowledged:
                expected[100 * cycle + s.number] = s.acknowledged
                total += len(s.acknowledged)
        archive.start()
        recent = [k for k in expected if k >= 100 * cycle]
        older = pick.sample(sorted(expected), min(3, len(expected)))
        for study in set(recent + older):
            check(archive.port, study, expected[study])
        # Half the time the restarted server is killed too, in the middle of nothing.
        archive.kill() if pick.random() < 0.5 else archive.stop()
    assert total > 0
    archive.start()
    for study, objects_ in expected.items():
        check(archive.port, study, objects_)
    archive.stop()
    done = subprocess.run([archive.binary, "verify", archive.data], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    print(f"{CYCLES} kills, {total} acknowledged objects, all there")
