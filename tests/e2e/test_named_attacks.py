"""The failures of this field by name: for each past class of them what it took then, done to us. Servers run with sanitizers
where there is such a build (LASTRA_ASAN_BIN)."""

import contextlib
import glob
import io
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid

import pydicom
import pytest
from pydicom.dataset import Dataset

import upper_layer as ul
from conftest import BINARY, PYDICOM_FILES, ROOT
from receiver import Peer

sys.path.insert(0, os.path.join(ROOT, "bench"))
import objects  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

EVERYTHING = ((1, ul.VERIFICATION, (ul.IMPLICIT_LE,)), (3, ul.CT_IMAGE, (ul.EXPLICIT_LE,)),
              (5, ul.STUDY_ROOT_FIND, (ul.IMPLICIT_LE,)), (7, ul.STUDY_ROOT_GET, (ul.IMPLICIT_LE,)))
SAMPLE = os.path.join(PYDICOM_FILES, "CT_small.dcm")
OURS = re.compile(r"(/data(/(packs(/([0-9a-f]+\.pack|lock))?|audit(/.*)?|index\.db.*|lock|control|serve\.state.*|lastra\.conf))?)?")


def associate(archive, calling="TEST", **more):
    return ul.Association(archive.port, calling, contexts=EVERYTHING, roles=((ul.CT_IMAGE, 1, 1),), **more)


def still_serves(archive):
    a = associate(archive)
    assert a.echo() == 0
    a.release()


def image(study=1, instance=1):
    return objects.data_set(study, 1, instance, 4, 4, bytes(32))


def store_one(archive, data, uid):
    a = associate(archive)
    assert a.store(ul.CT_IMAGE, uid, data) == 0, a.comment
    a.release()


def files_of(archive):
    return {p[len(archive.folder):] for p in glob.glob(f"{archive.folder}/**", recursive=True)}


# --- CVE-2022-2119, CVE-2026-50003: a path out of a peer's UID

EVIL = ["../../../../tmp/evil", "/etc/cron.d/evil", "1.2.3/../../4", "1.2.3\\..\\4", "..", ".", "1.2.3\0/../x", "1.2.3%2e%2e",
        "~root/.ssh", "1.2.3\n4", "1.2.3;touch evil", "$(touch evil)", "1.2.3.", ".1.2.3", "1..2", "1.02.3", "1." * 32 + "1", "A",
        "", "\xff\xfe", "-rf", "CON", "1.2.3 "]
UIDS = {"SOPInstanceUID": (8, 0x18), "SOPClassUID": (8, 0x16), "StudyInstanceUID": (0x20, 0xD), "SeriesInstanceUID": (0x20, 0xE)}


def with_uid(data, tag, value):
    """The data set with another value there."""
    at = data.index(struct.pack("<HH2s", *tag, b"UI"))
    length = struct.unpack_from("<H", data, at + 6)[0]
    return data[:at] + objects.element(*tag, "UI", value) + data[at + 8 + length:]


@pytest.mark.parametrize("field", UIDS)
def test_path_from_a_uid_of_the_data_set_cve_2022_2119(hostile, field):
    archive = hostile()
    data, uid = image()
    a = associate(archive)
    before = files_of(archive)
    for evil in (e.encode("latin-1") for e in EVIL):
        if evil in (b"1.2.3 ", b"1.02.3"):
            continue  # padding, and a component that a few makers write: these are no paths
        sent = evil if field == "SOPInstanceUID" else uid
        status = a.store(ul.CT_IMAGE, sent, with_uid(data, UIDS[field], evil))
        assert status in (0x0117, 0x0120, 0x0122, 0xA900, 0xC000), (evil, hex(status))
        assert a.comment and a.comment.isprintable(), evil
    assert a.echo() == 0
    a.release()
    assert all(OURS.fullmatch(p) for p in files_of(archive) - before)
    assert not glob.glob("/tmp/evil*") and not os.path.exists(os.path.join(archive.folder, "evil"))
    assert all(line.isprintable() for line in archive.lines)


def test_path_from_a_uid_of_the_command_cve_2026_50003(hostile):
    """The data set is in order; the command set, from which careless archives make file names, is not."""
    archive = hostile()
    data, uid = image()
    before = files_of(archive)
    for evil in (e.encode("latin-1") for e in EVIL):
        for elements in (((2, ul.uid_bytes(ul.CT_IMAGE)), (0x1000, ul.uid_bytes(evil))),
                         ((2, ul.uid_bytes(evil)), (0x1000, ul.uid_bytes(uid)))):
            if evil == b"1.2.3 " or (evil == b"" and elements[0][1]):
                continue
            a = associate(archive)
            a.send_message(3, ul.command(elements[0], (0x100, ul.us(1)), (0x110, ul.us(1)), (0x700, ul.us(0)),
                                         (0x800, ul.us(0)), elements[1]), data)
            try:
                status = ul.number(a.read_message()[1], 0x900)
            except ul.Aborted:
                status = "aborted"
            assert status in ("aborted", 0x0117, 0x0118, 0x0120, 0x0122, 0xA900, 0xC000), (evil, status)
            a.close()
    still_serves(archive)
    assert all(OURS.fullmatch(p) for p in files_of(archive) - before)
    assert all(line.isprintable() for line in archive.lines)


def test_path_from_a_uid_of_a_query_or_a_retrieve(hostile):
    archive = hostile()
    store_one(archive, *image())
    a = associate(archive)
    for evil in (e.encode("latin-1") for e in EVIL):
        identifier = ul.element(8, 0x52, "CS", "STUDY") + ul.element(0x20, 0xD, "UI", evil)
        status, answers = a.find(ul.STUDY_ROOT_FIND, identifier)
        assert status in (0, 0xA900) and (not evil or not answers), (evil, hex(status))
        if evil:
            status, got = a.get(ul.STUDY_ROOT_GET, identifier)
            assert status in (0, 0xA900) and not got, (evil, hex(status))
    assert a.echo() == 0
    a.release()


def test_path_from_patient_and_series_values_in_an_export(archive_factory, tmp_path):
    """They may be any text, and the layout of an export is by patient, study and series."""
    archive = archive_factory()
    source = tmp_path / "in"
    source.mkdir()
    for i, evil in enumerate(EVIL):
        ds = pydicom.dcmread(SAMPLE)
        with contextlib.suppress(UnicodeError, ValueError):
            ds.PatientID = ds.PatientName = ds.StudyID = ds.SeriesDescription = ds.AccessionNumber = evil
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = f"1.2.{i}", f"1.2.{i}.1", f"1.2.{i}.1.1"
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.save_as(source / f"{i}.dcm")
    archive.lastra("import", archive.data, str(source))
    out = tmp_path / "deep" / "er" / "out"
    out.parent.mkdir(parents=True)
    before = {p for p in tmp_path.rglob("*")}
    archive.lastra("export", archive.data, "--all", str(out))
    made = {p for p in tmp_path.rglob("*")} - before - {out}
    assert len([p for p in made if p.is_file()]) == len(EVIL) + 1
    for path in made:
        parts = path.relative_to(out).parts
        assert len(parts) <= 8 and all(re.fullmatch(r"[A-Z0-9_]{1,8}", part) for part in parts), path


class EvilArchive(threading.Thread):
    """Answers a C-GET with an object under a UID of its own choice; keeps the status that the client gives it."""

    def __init__(self, command_uid, data_uid):
        super().__init__(daemon=True)
        self.uids, self.status = (command_uid, data_uid), None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        peer = Peer(self.listener.accept()[0])
        with contextlib.suppress(ul.Aborted, OSError):
            peer.associate(lambda abstract, transfers: ul.EXPLICIT_LE if ul.EXPLICIT_LE in transfers else transfers[0])
            context = next(c for c, abstract in peer.abstracts.items() if abstract == ul.CT_IMAGE)
            cid, fields, _ = peer.read_message()
            data = with_uid(image()[0], UIDS["SOPInstanceUID"], self.uids[1])
            peer.send_message(context, ul.command((2, ul.uid_bytes(ul.CT_IMAGE)), (0x100, ul.us(1)), (0x110, ul.us(1)),
                                                       (0x700, ul.us(0)), (0x800, ul.us(0)), (0x1000, ul.uid_bytes(self.uids[0]))), data)
            self.status = ul.number(peer.read_message()[1], 0x900)
            peer.send_message(cid, ul.command((2, fields[2]), (0x100, ul.us(0x8010)), (0x120, fields[0x110]), (0x800, ul.us(0x101)),
                                              (0x900, ul.us(0xA702)), (0x1021, ul.us(0)), (0x1022, ul.us(1)), (0x1023, ul.us(0))))
            peer.read_message()


def get_from(server, folder):
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([BINARY, "get", f"EVIL@127.0.0.1:{server.port}", "--class", ul.CT_IMAGE, "-k", "StudyInstanceUID=1.2",
                           "-d", str(folder), "--timeout", "10"], capture_output=True, timeout=60)
    server.join(10)
    server.listener.close()
    return done


def test_our_client_keeps_an_object_under_its_uid(tmp_path):
    server = EvilArchive(b"1.2.3.4", b"1.2.3.4")
    get_from(server, tmp_path)
    assert server.status == 0 and [p.name for p in tmp_path.iterdir()] == ["1.2.3.4.dcm"]


@pytest.mark.parametrize("evil", [e for e in EVIL if e and e not in ("1.2.3 ", "1.02.3")], ids=range(len(EVIL) - 3))
def test_path_from_a_uid_that_an_archive_sends_to_our_client(tmp_path, evil):
    """`lastra get` names files by UIDs that the other side says."""
    evil = evil.encode("latin-1")
    for command, data in ((evil, evil), (b"1.2.3.4", evil), (evil, b"1.2.3.4")):
        server = EvilArchive(command, data)
        done = get_from(server, tmp_path / "in" / "here")
        assert done.returncode == 1, done.stderr
        assert (server.status == 0) == (command == b"1.2.3.4")  # of the data set no name is made
        names = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")}
        assert names <= {"in", "in/here", "in/here/1.2.3.4.dcm"}, names


# --- CVE-2022-2121: a PDU in a state that does not expect it


def request():
    return ul.associate_rq("TEST", "LASTRA", EVERYTHING, roles=((ul.CT_IMAGE, 1, 1),))


def store_command(uid):
    return ul.command((2, ul.uid_bytes(ul.CT_IMAGE)), (0x100, ul.us(1)), (0x110, ul.us(1)), (0x700, ul.us(0)), (0x800, ul.us(0)),
                      (0x1000, ul.uid_bytes(uid)))


def data_pdu(content, cid, flags):
    return ul.pdu(4, struct.pack(">IBB", len(content) + 2, cid, flags) + content)


def connected(archive):
    s = socket.create_connection(("127.0.0.1", archive.port), 10)
    s.settimeout(5)
    return s


def established(archive):
    return associate(archive).sock


def in_a_command(archive):
    s = established(archive)
    s.sendall(data_pdu(store_command("1.2.3")[:30], 3, 1))
    return s


def in_a_data_set(archive):
    s = established(archive)
    data, uid = image()
    s.sendall(data_pdu(store_command(uid), 3, 3) + data_pdu(data[:100], 3, 0))
    return s


def before_the_data_set(archive):
    s = established(archive)
    s.sendall(data_pdu(store_command("1.2.3"), 3, 3))
    return s


def in_a_pdu(archive):
    s = established(archive)
    s.sendall(struct.pack(">BxI", 4, 500) + bytes(20))
    return s


def released(archive):
    s = established(archive)
    s.sendall(ul.pdu(5, bytes(4)))
    return s


def awaiting_a_store_response(archive):
    a = associate(archive)
    a.request(7, 0x10, ul.STUDY_ROOT_GET, ul.identifier("STUDY", study=objects.uids(900)[0]))
    a.read_message()
    return a.sock


STATES = [connected, established, in_a_command, before_the_data_set, in_a_data_set, in_a_pdu, released, awaiting_a_store_response]


def every_pdu():
    rq = request()
    echo = ul.command((2, ul.uid_bytes(ul.VERIFICATION)), (0x100, ul.us(0x30)), (0x110, ul.us(9)), (0x800, ul.us(0x101)))
    yield from (rq, ul.pdu(2, rq[6:]), ul.pdu(3, bytes(4)), ul.pdu(5, bytes(4)), ul.pdu(6, bytes(4)), ul.pdu(7, bytes(4)))
    yield from (data_pdu(echo, 1, 3), data_pdu(echo, 1, 1), data_pdu(b"", 3, 2), data_pdu(echo, 99, 3), data_pdu(b"\xff" * 9, 1, 3))
    yield from (ul.pdu(kind, b"") for kind in range(9))
    yield from (ul.pdu(0x42, b"x" * 10), ul.pdu(0xFF, bytes(4)), bytes(64), b"GET / HTTP/1.0\r\n\r\n", struct.pack(">BxI", 4, 0xFFFFFFF0))
    yield ul.pdu(4, b"\0\0\0\0")
    yield ul.pdu(4, b"\xff\xff\xff\xff\1\3")
    yield ul.pdu(1, rq[6:74] + ul.item(0x50, b""))
    yield ul.pdu(1, rq[6:74] + struct.pack(">BxH", 0x10, 0xFFFF))


@pytest.mark.parametrize("state", STATES, ids=lambda s: s.__name__)
def test_every_pdu_in_every_state_cve_2022_2121(hostile, state):
    """Each ends its own association at the worst: what the server sends is well-formed, and the next peer is served."""
    archive = hostile(artim="300 ms", idle="1 s", dimse_timeout="300 ms")
    for i in (1, 2):
        store_one(archive, *image(900, i))
    for pdu in every_pdu():
        s = state(archive)
        with contextlib.suppress(ConnectionError):
            s.sendall(pdu)
            s.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError, socket.timeout):
            while piece := s.recv(65536):
                answer += piece
        s.close()
        while answer:
            kind, length = struct.unpack_from(">BxI", answer)
            assert kind in (2, 3, 4, 5, 6, 7) and len(answer) >= 6 + length, (state.__name__, pdu[:12], answer[:12])
            answer = answer[6 + length:]
    still_serves(archive)


# --- CVE-2026-35505: something left behind by each association


def descriptors(archive):
    return len(os.listdir(f"/proc/{archive.process.pid}/fd"))


def threads(archive):
    return len(os.listdir(f"/proc/{archive.process.pid}/task"))


def some_associations(archive, count):
    """Released, aborted, dropped at every stage, refused, with and without work."""
    data, uid = image()
    for i in range(count):
        kind = i % 8
        if kind == 0:
            connected(archive).close()
        elif kind == 1:
            s = connected(archive)
            s.sendall(request()[:50 + i % 200])
            s.close()
        elif kind == 2:
            with pytest.raises(ul.Refused):
                associate(archive, "NOBODY")
        elif kind == 3:
            s = established(archive)
            s.sendall(ul.pdu(7, bytes(4)))
            s.close()
        elif kind == 4:
            in_a_data_set(archive).close()
        elif kind == 5:
            a = associate(archive)
            a.store(ul.CT_IMAGE, uid, data)
            a.find(ul.STUDY_ROOT_FIND, ul.identifier("STUDY", study=""))
            a.close()
        elif kind == 6:
            s = established(archive)
            s.sendall(ul.pdu(0x42, bytes(4)))
            s.close()
        else:
            still_serves(archive)


def test_two_thousand_associations_leave_nothing_behind_cve_2026_35505(hostile):
    archive = hostile()
    some_associations(archive, 400)
    time.sleep(0.3)
    memory, files = archive.rss(), descriptors(archive)
    some_associations(archive, 2000)
    time.sleep(0.5)
    sanitized = archive.server_binary != archive.binary
    grown = archive.rss() - memory
    print(f"2,000 associations: {grown >> 10} KiB more, {descriptors(archive) - files} descriptors, {threads(archive)} threads")
    assert grown < ((48 if sanitized else 2) << 20), grown
    assert descriptors(archive) <= files + 2
    assert threads(archive) < 40


# --- CVE-2026-10528: nesting without end

DEEP = 1_000_000


def nestings():
    """{name: (bytes of a data set in explicit little endian, whether an identifier may be that)}."""
    sq, item = b"\x40\x00\x75\x02SQ\0\0", b"\xfe\xff\x00\xe0"
    endless = sq + b"\xff" * 4 + item + b"\xff" * 4
    return {
        "undefined lengths": endless * DEEP,
        "lengths that contain each other": b"".join(
            sq + struct.pack("<I", 20 * (20000 - i)) + item + struct.pack("<I", 20 * (20000 - i) - 8) for i in range(20000)),
        "unknown, undefined length": (b"\x41\x00\x75\x10UN\0\0" + b"\xff" * 4 + item + b"\xff" * 4) * 100000,
        "private": (b"\x41\x00\x75\x10SQ\0\0" + b"\xff" * 4 + item + b"\xff" * 4) * 100000,
        "items in items": sq + b"\xff" * 4 + (item + b"\xff" * 4) * DEEP,
        "ends that nothing began": (b"\xfe\xff\x0d\xe0" + bytes(4) + b"\xfe\xff\xdd\xe0" + bytes(4)) * 100000,
    }


@pytest.mark.parametrize("name", nestings())
def test_a_million_nested_sequences_in_a_store_cve_2026_10528(hostile, name):
    archive = hostile(dimse_timeout="30 s")
    data, uid = image()
    head = data[:data.rindex(b"\xe0\x7f\x10\x00")]
    before = archive.rss()
    a = associate(archive)
    status = a.store(ul.CT_IMAGE, uid, head + nestings()[name])
    # An end too much is a fault that readers pass over; the others are refused.
    assert status == 0xC000 or (status == 0 and "nothing began" in name), hex(status)
    assert status == 0 or a.comment
    assert a.echo() == 0
    a.release()
    assert archive.server_binary != archive.binary or archive.rss() - before < 16 << 20


def implicit(deep):
    return (b"\x40\x00\x75\x02" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4) * deep


def test_a_million_nested_sequences_in_a_query_cve_2026_10528(hostile):
    archive = hostile(identifier_size="16 MiB", dimse_timeout="30 s")
    level = ul.identifier("STUDY", study="")
    for deep in (40, 1000, DEEP):
        a = associate(archive)
        status, answers = a.find(ul.STUDY_ROOT_FIND, level + implicit(deep))
        assert status in (0xA900, 0xA700) and a.comment and not answers, (deep, hex(status))
        status, got = a.get(ul.STUDY_ROOT_GET, ul.identifier("STUDY", study="1.2.3") + implicit(deep))
        assert status in (0xA900, 0xA700, 0xA701, 0xA702, 0xC000) and not got, (deep, hex(status))
        assert a.echo() == 0
        a.release()


@pytest.mark.parametrize("name", nestings())
def test_a_million_nested_sequences_in_a_file_cve_2026_10528(archive_factory, tmp_path, name):
    archive = archive_factory()
    data, uid = image()
    head = data[:data.rindex(b"\xe0\x7f\x10\x00")]
    path = tmp_path / "deep.dcm"
    path.write_bytes(objects.file_meta(ul.CT_IMAGE, uid) + head + nestings()[name])
    for arguments in (("import", archive.data, str(path)), ("dump", str(path)), ("dump", "--json", str(path))):
        done = subprocess.run([archive.binary, *arguments], capture_output=True, timeout=60)
        assert done.returncode in (0, 1), (arguments, done.returncode)
        assert done.returncode == 0 or b"lastra" in done.stderr


# --- CVE-2019-11687: a preamble that can be run

PREAMBLES = {"MZ": b"MZ\x90\0" + b"\xcc" * 124, "ELF": b"\x7fELF\2\1\1" + b"\x90" * 121, "script": b"#!/bin/sh\ntouch evil\nexit\n".ljust(128),
             "PDF": b"%PDF-1.7\n".ljust(128), "TIFF": b"II*\0" + b"\x08\0\0\0".ljust(124, b"\0")}


@pytest.mark.parametrize("kind", PREAMBLES)
def test_an_executable_preamble_does_not_come_out_again_cve_2019_11687(archive_factory, tmp_path, kind):
    """Imported and exported, and fetched by our own client: 128 zeros; and of the file meta information only what we wrote."""
    archive = archive_factory()
    archive.peer("GETTER", "127.0.0.1", "get,find")
    source = tmp_path / "in"
    source.mkdir()
    ds = pydicom.dcmread(SAMPLE)
    ds.preamble = PREAMBLES[kind]
    ds.file_meta.PrivateInformationCreatorUID = "1.2.3.4"
    ds.file_meta.PrivateInformation = b"MZ" + PREAMBLES[kind]
    ds.save_as(source / "evil.dcm")
    archive.lastra("import", archive.data, str(source))
    archive.lastra("export", archive.data, "--all", str(tmp_path / "out"))
    archive.start()
    (tmp_path / "got").mkdir()
    archive.lastra("get", f"LASTRA@127.0.0.1:{archive.port}", "-a", "GETTER", "-k", f"StudyInstanceUID={ds.StudyInstanceUID}",
                   "-d", str(tmp_path / "got"))
    archive.stop()
    files = [p for folder in ("out", "got") for p in (tmp_path / folder).rglob("*") if p.is_file()]
    assert len(files) >= 3
    for path in files:
        content = path.read_bytes()
        assert content[:128] == bytes(128) and content[128:132] == b"DICM", path
        assert PREAMBLES[kind][:64] not in content
        meta = pydicom.filereader.read_file_meta_info(path)
        assert "PrivateInformation" not in meta and "PrivateInformationCreatorUID" not in meta
    for pack in glob.glob(f"{archive.data}/packs/*.pack"):
        with open(pack, "rb") as f:
            assert PREAMBLES[kind][:32] not in f.read()


# --- SQL and its wildcards in keys

NASTY = ["%", "_", "100%", "a_b", "' OR '1'='1", "';DROP TABLE study;--", '"', "x'y", 'q"r', "[a-z]", "a%' --", "\\%", "b;c", "{}", "$1",
         "?1", "NULL", "0x41", "\u2019", "%00"]


def keys(level="STUDY", **values):
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.QueryRetrieveLevel = level
    ds.StudyInstanceUID = ""
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_implicit_VR = buffer.is_little_endian = True
    pydicom.filewriter.write_dataset(buffer, ds)
    return buffer.getvalue()


def patient(text, number):
    """An image of a patient of that name and number and with that in every other text."""
    ds = pydicom.filereader.read_dataset(io.BytesIO(image(number)[0]), False, True)
    ds.PatientID = ds.AccessionNumber = ds.StudyDescription = ds.StudyID = ds.ReferringPhysicianName = ds.PatientName = text
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    pydicom.filewriter.write_dataset(buffer, ds)
    return buffer.getvalue(), str(ds.SOPInstanceUID)


TEXTS = ["PatientID", "AccessionNumber", "StudyDescription", "StudyID", "ReferringPhysicianName", "PatientName"]


def test_sql_and_its_wildcards_are_only_text_in_every_key(hostile):
    """Each of the patients with such names is found by its own name, and by no other's."""
    archive = hostile()
    nasty = [n for n in NASTY if "\\" not in n and "?" not in n and len(n) <= 16]
    a = associate(archive)
    for i, text in enumerate([*nasty, "plain", "ab", "aXb", "100 percent"]):
        data, uid = patient(text, i + 1)
        assert a.store(ul.CT_IMAGE, uid, data) == 0, (text, a.comment)
    for keyword in TEXTS:
        for i, text in enumerate(nasty):
            status, answers = a.find(ul.STUDY_ROOT_FIND, keys(**{keyword: text}))
            assert status == 0 and len(answers) == 1, (keyword, text, hex(status), len(answers))
            assert objects.uids(i + 1)[0].encode() in answers[0], (keyword, text)
            status, answers = a.find(ul.STUDY_ROOT_FIND, keys(**{keyword: text[:-1] + "?"}))  # our own wildcard works beside it
            assert status == 0 and any(objects.uids(i + 1)[0].encode() in answer for answer in answers), (keyword, text)
    a.release()


def all_keys():
    with open(os.path.join(ROOT, "src", "archive", "attrs.def")) as f:
        found = re.findall(r"^(?:EXTRA|COLUMN|EQUIPMENT)\((?:\w+, )?(\w+), \"(\w\w)\"", f.read(), re.MULTILINE)
    # The timezone is no key where it has a value: it says how the times of the others are meant.
    return [(keyword, vr) for keyword, vr in found if vr != "SQ" and pydicom.datadict.tag_for_keyword(keyword)
            and keyword != "TimezoneOffsetFromUTC"]


def test_nothing_in_any_key_of_any_level_reaches_the_index_as_anything_but_a_value(hostile):
    """Raw bytes in each key: an answer that is none, or a refusal; never an error of the index, never everybody."""
    archive = hostile()
    store_one(archive, *image())
    a = associate(archive)
    study, series, _ = objects.uids(1)
    fixed = {0x00080052: ul.element(8, 0x52, "CS", "IMAGE"), 0x0020000D: ul.element(0x20, 0xD, "UI", study),
             0x0020000E: ul.element(0x20, 0xE, "UI", series)}
    for keyword, vr in all_keys():
        tag = pydicom.datadict.tag_for_keyword(keyword)
        for text in (b"%", b"_%", b"' OR 1=1 --", b'"', b"\0", b"a\0b", b"';DELETE FROM study;--", b"\\", b"\xff\xfe", b"%" * 60):
            if vr == "US":
                text = text[:2].ljust(2, b"\0")
            elements = {**fixed, tag: ul.element(tag >> 16, tag & 0xFFFF, vr, text)}
            status, answers = a.find(ul.STUDY_ROOT_FIND, b"".join(elements[n] for n in sorted(elements)))
            assert status in (0, 0xA900), (keyword, text, hex(status), a.comment)
            # What is no value at all (nothing but padding or separators) asks for anything.
            assert not answers or not text.strip(b"\0 \\"), (keyword, text)
    status, answers = a.find(ul.STUDY_ROOT_FIND, keys(PatientID="*"))
    assert status == 0 and len(answers) == 1
    a.release()
    assert not [line for line in archive.lines if " error " in line]


# --- CVE-2025-0896: anybody may store


def silent(port, host="127.0.0.1", source=None):
    """Whether the other side closes without a byte, whatever is proposed."""
    try:
        with socket.create_connection((host, port), 10, source_address=(source, 0) if source else None) as s:
            s.settimeout(10)
            s.sendall(request())
            return s.recv(100) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


def nothing_in(archive):
    done = archive.lastra("status", archive.data, "--json")
    assert '"instances":0' in done.stdout.replace(" ", ""), done.stdout


def test_an_unregistered_title_stores_nothing_cve_2025_0896(hostile):
    archive = hostile()
    for title in ("NOBODY", "test", "TEST2", "ANY-SCP", "*", "STORESCU", "ORTHANC", "LASTRA"):
        with pytest.raises(ul.Refused) as refusal:
            associate(archive, title)
        assert refusal.value.args[0] == (1, 1, 3), title
    nothing_in(archive)


def test_an_unregistered_network_gets_no_byte_cve_2025_0896(archive_factory):
    """The right title from the wrong address: all of loopback is another network than 127.0.0.1/32."""
    archive = archive_factory()
    archive.peer("TEST", "127.0.0.1/32")
    archive.start()
    assert silent(archive.port, source="127.0.0.2")
    assert silent(archive.port, source="127.0.0.77")
    assert not silent(archive.port)
    nothing_in(archive)
    archive.stop()


def test_without_the_grant_a_peer_stores_nothing_cve_2025_0896(archive_factory):
    archive = archive_factory()
    archive.peer("TEST", "127.0.0.1", "echo,find,get")
    archive.start()
    a = associate(archive)
    assert 3 in a.accepted  # for what a C-GET brings, in which it is the one that takes
    data, uid = image()
    try:
        assert a.store(ul.CT_IMAGE, uid, data) in (0x0124, 0x0122, 0x0112)
    except ul.Aborted:
        pass
    a = ul.Association(archive.port, "TEST", contexts=EVERYTHING)
    assert 3 not in a.accepted and 1 in a.accepted
    a.release()
    nothing_in(archive)
    archive.stop()


@pytest.fixture
def neighbour():
    """A network namespace beside ours with a cable between: .ours, .theirs, .python(code)."""
    class Neighbour:
        name = f"lastra-{uuid.uuid4().hex[:8]}"
        link = f"l{name[-8:]}"
        third = int(name[-2:], 16)
        ours, theirs, public = f"10.231.{third}.1", f"10.231.{third}.2", "198.51.100.7"

        def ip(self, *words, check=True):
            done = subprocess.run(["ip", *words], capture_output=True, text=True)
            assert not check or done.returncode == 0, done.stderr
            return done.returncode == 0

        def python(self, code):
            """In that namespace; what it prints."""
            done = subprocess.run(["ip", "netns", "exec", self.name, "/usr/bin/python3", "-c", code], capture_output=True, text=True,
                                  timeout=60, cwd=os.path.join(ROOT, "tests", "e2e"))
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

    n = Neighbour()
    if not n.ip("netns", "add", n.name, check=False):
        pytest.skip("network namespaces are not for us")
    try:
        n.ip("link", "add", n.link, "type", "veth", "peer", "name", "eth0", "netns", n.name)
        n.ip("addr", "add", f"{n.ours}/24", "dev", n.link)
        n.ip("link", "set", n.link, "up")
        for address in (f"{n.theirs}/24", f"{n.public}/32"):
            n.ip("-n", n.name, "addr", "add", address, "dev", "eth0")
        n.ip("-n", n.name, "link", "set", "eth0", "up")
        n.ip("route", "add", f"{n.public}/32", "dev", n.link)
        yield n
    finally:
        n.ip("link", "del", n.link, check=False)
        n.ip("netns", "del", n.name)


STRANGER = """
import socket, upper_layer as ul
try:
    s = socket.create_connection(({host!r}, {port}), 10, source_address=({source!r}, 0))
    s.settimeout(10)
    s.sendall(ul.associate_rq("TEST", "LASTRA", ((1, ul.VERIFICATION, (ul.IMPLICIT_LE,)), (3, ul.CT_IMAGE, (ul.EXPLICIT_LE,)))))
    answer = s.recv(1)
except ConnectionError:
    answer = b""
print(answer[0] if answer else "silence")
"""


def test_another_machine_is_let_in_by_its_network_alone_cve_2025_0896(archive_factory, neighbour):
    """A neighbour with the right title: silence, until its own network is registered with leave to come in cleartext; and
    from a public address silence even then."""
    archive = archive_factory(dicom_addresses=f"127.0.0.1, {neighbour.ours}")
    archive.peer("TEST", "127.0.0.1")
    archive.start()
    ask = lambda source: neighbour.python(STRANGER.format(host=neighbour.ours, port=archive.port, source=source))  # noqa: E731
    assert ask(neighbour.theirs) == "silence"
    archive.lastra("peer", "remove", archive.data, "TEST")
    refused = archive.lastra("peer", "add", archive.data, "TEST", neighbour.public, "--grant", "echo,store", "--cleartext", "a test",
                             check=False)
    assert refused.returncode != 0 and "public" in refused.stderr
    archive.peer("TEST", neighbour.theirs, "echo,store", "--cleartext", "an old modality")
    deadline = time.monotonic() + 10
    while ask(neighbour.theirs) != "2" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ask(neighbour.theirs) == "2"  # A-ASSOCIATE-AC
    assert ask(neighbour.public) == "silence"
    assert silent(archive.port)  # and who was let in before is not any more
    nothing_in(archive)
    archive.stop()
