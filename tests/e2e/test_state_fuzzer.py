"""Random legal and illegal sequences of PDUs against the server: whatever comes, each answer is a well-formed PDU that
PS3.8 knows, the connection ends, and the next peer is served. STATE_FUZZ sets how many sequences (400)."""

import errno
import os
import random
import socket
import struct
import sys
import threading

import upper_layer as ul
from conftest import ROOT

sys.path.insert(0, os.path.join(ROOT, "bench"))
import objects  # noqa: E402

SEQUENCES = int(os.environ.get("STATE_FUZZ", "400"))
CONTEXTS = ((1, ul.VERIFICATION, (ul.IMPLICIT_LE,)), (3, ul.CT_IMAGE, (ul.EXPLICIT_LE,)),
            (5, ul.STUDY_ROOT_FIND, (ul.IMPLICIT_LE,)), (7, ul.STUDY_ROOT_GET, (ul.IMPLICIT_LE,)))


def pdv(context, flags, data):
    return struct.pack(">IBB", len(data) + 2, context, flags) + data


def message(rng):
    """A command that makes sense, one that does not, or a data set."""
    data, uid = objects.data_set(rng.randrange(50), 1, rng.randrange(50), 4, 4, bytes(32))
    mid = rng.randrange(65536)
    echo = ul.command((2, ul.uid_bytes(ul.VERIFICATION)), (0x100, ul.us(0x30)), (0x110, ul.us(mid)), (0x800, ul.us(0x101)))
    store = ul.command((2, ul.uid_bytes(ul.CT_IMAGE)), (0x100, ul.us(1)), (0x110, ul.us(mid)), (0x700, ul.us(0)),
                       (0x800, ul.us(0)), (0x1000, ul.uid_bytes(uid)))
    find = ul.command((2, ul.uid_bytes(ul.STUDY_ROOT_FIND)), (0x100, ul.us(0x20)), (0x110, ul.us(mid)),
                      (0x700, ul.us(0)), (0x800, ul.us(0)))
    get = ul.command((2, ul.uid_bytes(ul.STUDY_ROOT_GET)), (0x100, ul.us(0x10)), (0x110, ul.us(mid)),
                     (0x700, ul.us(0)), (0x800, ul.us(0)))
    cancel = ul.command((0x100, ul.us(0xFFF)), (0x120, ul.us(mid)), (0x800, ul.us(0x101)))
    response = ul.command((0x100, ul.us(0x8001)), (0x120, ul.us(mid)), (0x800, ul.us(0x101)), (0x900, ul.us(0)))
    odd = ul.command((0x100, ul.us(rng.randrange(65536))), (0x110, ul.us(mid)), (0x800, ul.us(rng.randrange(0x103))))
    level = ul.identifier("STUDY", study=rng.choice(["", objects.uids(rng.randrange(50))[0]]))
    return rng.choice([
        [pdv(1, 3, echo)], [pdv(3, 3, store), pdv(3, 2, data)], [pdv(5, 3, find), pdv(5, 2, level)],
        [pdv(7, 3, get), pdv(7, 2, level)], [pdv(5, 3, cancel)], [pdv(3, 3, response)], [pdv(1, 3, odd)],
        [pdv(3, 3, store)], [pdv(3, 2, data)], [pdv(9, 3, echo)], [pdv(3, 1, store[:20])], [pdv(1, 3, data)],
        [pdv(5, 3, find), pdv(5, 3, cancel)], [pdv(3, 3, store), pdv(3, 0, data[:50])],
    ])


def pdus(rng):
    """One step of a sequence: bytes."""
    request = ul.associate_rq("TEST", "LASTRA", CONTEXTS, roles=((ul.CT_IMAGE, 1, 1),))
    parts = message(rng)
    together = ul.pdu(4, b"".join(parts))
    apart = b"".join(ul.pdu(4, p) for p in parts)
    step = rng.choice([
        request, together, apart, together, apart, together, apart, ul.pdu(5, bytes(4)), ul.pdu(6, bytes(4)),
        ul.pdu(7, bytes(4)), ul.pdu(3, bytes(4)), ul.pdu(2, request[6:]), ul.pdu(rng.randrange(256), rng.randbytes(20)),
        struct.pack(">BxI", rng.randrange(1, 8), rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF])), rng.randbytes(30),
    ])
    if rng.random() < 0.1:  # a byte that is not what it was
        step = bytearray(step)
        step[rng.randrange(len(step))] ^= 1 << rng.randrange(8)
    return bytes(step)


def check_answer(stream):
    """Whole PDUs of kinds that an acceptor sends; the last may be cut where the connection was reset."""
    at = 0
    while at + 6 <= len(stream):
        kind, length = struct.unpack_from(">BxI", stream, at)
        assert kind in (2, 3, 4, 5, 6, 7), (kind, stream[at:at + 20])
        assert kind in (2, 4) or length == 4
        if kind == 7 and at + 10 <= len(stream):
            source, reason = stream[at + 8], stream[at + 9]
            assert source in (0, 2) and reason in (0, 1, 2, 4, 5, 6), (source, reason)
        at += 6 + length


def play(port, seed):
    rng = random.Random(seed)
    stream = bytearray()
    with socket.create_connection(("127.0.0.1", port), 20) as s:
        s.settimeout(20)
        try:
            if rng.random() < 0.8:
                s.sendall(ul.associate_rq("TEST", "LASTRA", CONTEXTS, roles=((ul.CT_IMAGE, 1, 1),)))
            for _ in range(rng.randrange(1, 8)):
                s.sendall(pdus(rng))
            if rng.random() < 0.5:
                s.shutdown(socket.SHUT_WR)
            while piece := s.recv(65536):
                stream += piece
        except OSError as e:  # the server may close at any moment
            assert e.errno in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN), e
    check_answer(bytes(stream))


def test_random_sequences_of_pdus_are_survived(hostile):
    a = hostile(artim="500 ms", dimse_timeout="500 ms", idle="500 ms")
    seeds, failures, lock = iter(range(SEQUENCES)), [], threading.Lock()

    def worker():
        while True:
            with lock:
                seed = next(seeds, None)
            if seed is None or failures:
                return
            try:
                play(a.port, seed)
            except Exception as e:  # noqa: BLE001
                failures.append((seed, repr(e)))

    threads = [threading.Thread(target=worker) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[0]
    association = ul.Association(a.port)
    assert association.echo() == 0
    association.release()
