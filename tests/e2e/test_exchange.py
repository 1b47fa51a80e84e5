"""Studies to and from other people's programs: DCMTK's tools, GDCM's, Orthanc in both directions, each a judge of ours."""

import io
import json
import os
import subprocess
import time
import urllib.request
import zlib

import pydicom
import pytest
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

import samples
import test_dicom_data
import test_json
import upper_layer as ul
from conftest import ROOT, free_port
from receiver import Receiver

pytestmark = [pytest.mark.xdist_group("exchange"), pytest.mark.filterwarnings("ignore")]

STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"


def run(*command, check=True, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, errors="replace", **kwargs)
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def sample(name):
    return next(s for s in samples.STORABLE if s.name == name)


# Of each kind one: CT, MR in JPEG 2000, Japanese names, an RT plan in implicit VR, RLE colours, a big endian dose.
SOME = [sample(name) for name in ("CT_small.dcm", "JPEG2000.dcm", "chrH31.dcm", "rtplan.dcm", "SC_rgb_rle.dcm", "rtdose_expb.dcm",
                                  "reportsi.dcm")]
PADDING = 0xFFFCFFFC


def read(data, syntax):
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    if syntax == DeflatedExplicitVRLittleEndian:
        data = zlib.decompress(data, wbits=-15)
    with samples.reading(guessing=False):
        return samples.whole(read_dataset(io.BytesIO(data), implicit, little))


def read_file(file):
    with samples.reading(guessing=False):
        return samples.whole(pydicom.dcmread(file, force=True))


def content(ds, big=False):
    """What a data set says, whatever its lengths look like; DCMTK leaves trailing padding out."""
    return [e for e in test_dicom_data.flat(ds, big) if e[0][0] != PADDING]


def associate(archive, calling, *contexts, **more):
    return ul.Association(archive.port, calling, contexts=contexts, timeout=60, **more)


def store(archive, some):
    for s in some:
        a = associate(archive, "STORESCU", (1, s.sop_class, (s.syntax,)))
        assert a.store(s.sop_class, s.instance, s.data) == 0, (s, a.comment)
        a.release()


def get(archive, s):
    a = associate(archive, "GETSCU", (1, ul.STUDY_ROOT_GET, (ul.IMPLICIT_LE,)), (3, s.sop_class, (s.syntax,)),
                  roles=((s.sop_class, 0, 1),))
    status, got = a.get(ul.STUDY_ROOT_GET, ul.identifier("IMAGE", study=s.study, series=s.series, instance=s.instance))
    assert status == 0, (s, hex(status), a.fields.get(0x902))
    a.release()
    return got[s.instance]


def same_content(data, s):
    theirs, ours = content(read(data, s.syntax), s.syntax == ExplicitVRBigEndian), content(s.plain, not s.plain.is_little_endian)
    if s.syntax not in test_dicom_data.NATIVE:
        theirs, ours = without_pixels(theirs), without_pixels(ours)
    # It takes the VR of pixel data from the bits, whatever a file says.
    assert [(path, value) for path, _, value in theirs] == [(path, value) for path, _, value in ours], s


def without_pixels(elements):
    """DCMTK writes encapsulated pixel data anew, with another offset table and other padding."""
    return [e for e in elements if e[0][0] != 0x7FE00010]


# --- everything that there is to be stored


def registered_storage_classes():
    """Of PS3.6, retired ones too, by the name that every one of them has."""
    with open(os.path.join(ROOT, "data", "uids.tsv")) as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line[0].isdigit()]
    return [row[0] for row in rows if row[2] == "SOP Class" and row[0].startswith("1.2.840.10008.5.1.4.1.1.")
            and "Storage" in row[1]]


def minimal(sop_class, number):
    return b"".join(ul.element(*e) for e in ((8, 0x16, "UI", sop_class), (8, 0x18, "UI", f"1.2.3.4.{number}"),
                                             (0x10, 0x10, "PN", "Any^One"), (0x10, 0x20, "LO", "ANY"),
                                             (0x20, 0xD, "UI", "1.2.3.4"), (0x20, 0xE, "UI", "1.2.3.4.0")))


def test_every_storage_class_is_taken_retired_and_private_ones_too(archive):
    classes = registered_storage_classes() + ["1.3.46.670589.11.0.0.12.1", "1.2.840.113619.4.30", "2.25.123456789"]
    assert len(classes) > 150
    for first in range(0, len(classes), 128):
        part = classes[first:first + 128]
        a = associate(archive, "STORESCU", *((2 * i + 1, c, (ul.IMPLICIT_LE,)) for i, c in enumerate(part)))
        for i, sop_class in enumerate(part):
            data = minimal(sop_class, first + i + 1)
            assert a.store(sop_class, f"1.2.3.4.{first + i + 1}", data) == 0, (sop_class, a.comment)
        a.release()
    # All of one study: they come back over as many associations as it takes, each in its own context.
    receiver = Receiver()
    archive.lastra("peer", "add", archive.data, "TAKER", "127.0.0.1", "--host", "127.0.0.1", "--port", str(receiver.port),
                   "--grant", "move", "--to", "TAKER")
    a = associate_retry(archive, "TAKER", (1, STUDY_ROOT_MOVE, (ul.IMPLICIT_LE,)))
    assert move(a, "TAKER", study="1.2.3.4") == 0
    assert {c for c, _, _ in receiver.objects.values()} == set(classes)
    receiver.close()


def associate_retry(archive, calling, *contexts):
    """A peer that was registered a moment ago is let in within a second."""
    for _ in range(50):
        try:
            return associate(archive, calling, *contexts)
        except (ul.Refused, ul.Aborted):
            time.sleep(0.1)
    return associate(archive, calling, *contexts)


def move(a, to, **uids):
    """The final status of a C-MOVE of a study."""
    a.request(1, 0x21, STUDY_ROOT_MOVE, ul.identifier("STUDY", **uids), (0x600, to.encode().ljust(16)))
    status = 0xFF00
    while status == 0xFF00:
        fields = a.read_message()[1]
        status = ul.number(fields, 0x900)
    a.release()
    return status


def registered_transfer_syntaxes():
    with open(os.path.join(ROOT, "data", "transfer-syntaxes.tsv")) as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line[0] != "#"][1:]
    encodings = {row[0]: (row[1], row[3]) for row in rows if row[2] != "none"}
    with open(os.path.join(ROOT, "data", "uids.tsv")) as f:
        uids = {row[5]: row[0] for row in (line.rstrip("\n").split("\t") for line in f if line[0].isdigit())}
    return {uids[keyword]: encoding for keyword, encoding in encodings.items()}


def encoded(data, how):
    """The few elements of minimal() in the encoding of a transfer syntax."""
    encoding, deflated = how
    ds = read_dataset(io.BytesIO(data), True, True)
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = encoding == "implicit", encoding != "big"
    pydicom.filewriter.write_dataset(buffer, ds)
    if not deflated:
        return buffer.getvalue()
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(buffer.getvalue()) + packer.flush()
    return packed + b"\0" * (len(packed) % 2)


def test_every_transfer_syntax_is_taken_and_given_back_as_it_was(archive):
    syntaxes = registered_transfer_syntaxes()
    syntaxes["1.2.840.113619.5.2"] = ("implicit", "")  # a maker's own
    assert len(syntaxes) > 50
    for i, (syntax, how) in enumerate(syntaxes.items()):
        uid = f"1.2.3.4.{i + 1}"
        data = encoded(minimal(ul.CT_IMAGE, i + 1), how)
        a = associate(archive, "STORESCU", (1, ul.CT_IMAGE, (syntax,)), (3, ul.STUDY_ROOT_GET, (ul.IMPLICIT_LE,)),
                      roles=((ul.CT_IMAGE, 1, 1),))
        assert a.store(ul.CT_IMAGE, uid, data) == 0, (syntax, a.comment)
        status, got = a.get(ul.STUDY_ROOT_GET, ul.identifier("IMAGE", study="1.2.3.4", series="1.2.3.4.0", instance=uid))
        assert (status, got) == (0, {uid: data}), syntax
        a.release()


# --- DCMTK

# Newer than DCMTK 3.6.7, or without a file meta that says so.
UNKNOWN_TO_DCMTK = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203", "1.2.840.10008.1.2.8.1")


def storescu_profile(path, pairs):
    """A configuration of storescu in which each class is proposed with the syntax of its files only."""
    syntaxes = sorted({syntax for _, syntax in pairs})
    lines = ["[[TransferSyntaxes]]"]
    for i, syntax in enumerate(syntaxes):
        lines += [f"[TS{i}]", f"TransferSyntax1 = {syntax}"]
    lines += ["[[PresentationContexts]]", "[ALL]"]
    lines += [f"PresentationContext{i + 1} = {c}\\TS{syntaxes.index(s)}" for i, (c, s) in enumerate(pairs)]
    lines += ["[[Profiles]]", "[ALL]", "PresentationContexts = ALL"]
    path.write_text("\n".join(lines) + "\n")


def test_storescu_sends_samples_in_their_own_syntax(archive, tmp_path):
    """Some two hundred in one call; DCMTK writes a data set anew when it sends it, so that contents are compared."""
    meta = [s for s in samples.shelves()[0] if samples.split(s.path.read_bytes())[0] and s.syntax not in UNKNOWN_TO_DCMTK
            and getattr(s.ds, "file_meta", {}).get("TransferSyntaxUID") and
            s.ds.file_meta.get("MediaStorageSOPInstanceUID") == s.instance]
    pairs = sorted({(s.sop_class, s.syntax) for s in meta})[:128]
    meta = [s for s in meta if (s.sop_class, s.syntax) in pairs]
    storescu_profile(tmp_path / "storescu.cfg", pairs)
    done = subprocess.run(["storescu", "-v", "--no-halt", "-xf", tmp_path / "storescu.cfg", "ALL", "-aet", "STORESCU", "-aec",
                           "LASTRA", "127.0.0.1", str(archive.port), *[s.path for s in meta]], capture_output=True, text=True,
                          timeout=120, errors="replace", env={**os.environ, "TCP_NODELAY": "1"})
    said = done.stdout + done.stderr
    assert said.count("Success") >= len(meta) - 5, said[-3000:]
    compared = 0
    for s in meta:
        try:
            data = get(archive, s)
        except (AssertionError, KeyError):
            continue  # what DCMTK itself could not read or send
        if s.name not in test_json.DAMAGED:
            same_content(data, s)
            compared += 1
    assert compared >= len(meta) - 8 and compared > 80


@pytest.fixture
def taker(archive_factory):
    """An archive that may send to whoever listens at .taker_port as TAKER, for who asks as MOVER."""
    archive = archive_factory()
    archive.taker_port = free_port()
    for aet in ("STORESCU", "FINDSCU", "GETSCU"):
        archive.peer(aet)
    archive.lastra("peer", "add", archive.data, "TAKER", "127.0.0.1", "--host", "127.0.0.1", "--port",
                   str(archive.taker_port), "--grant", "echo,find,move,get,store", "--to", "TAKER")
    archive.peer("MOVER", "127.0.0.1", "find,move", "--to", "TAKER")
    archive.start()
    yield archive
    archive.stop()


def listening(port, process, seconds=30):
    import socket

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "it ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


@pytest.fixture
def background():
    """Starts programs that are ended when the test is."""
    running = []

    def start(*command, port=None, **kwargs):
        running.append(subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        **kwargs))
        if port:
            listening(port, running[-1])
        return running[-1]

    yield start
    for process in running:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def movescu(archive, s, check=True):
    return run("movescu", "-v", "-aet", "MOVER", "-aec", "LASTRA", "-aem", "TAKER", "-S", "127.0.0.1", archive.port, "-k",
               "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={s.study}", check=check)


def test_storescp_is_a_move_destination(taker, background, tmp_path):
    store(taker, SOME)
    background("storescp", "+B", "+xa", "-od", tmp_path, taker.taker_port, port=taker.taker_port)
    for s in SOME:
        movescu(taker, s)
    got = {}
    for path in tmp_path.iterdir():
        meta, data = samples.split(path.read_bytes())
        got[str(pydicom.filereader.read_dataset(io.BytesIO(meta), False, True)[2, 3].value)] = data
    assert got == {s.instance: s.data for s in SOME}


def test_dcmqrscp_is_a_move_destination(taker, background, tmp_path):
    store(taker, SOME)
    (tmp_path / "db").mkdir()
    (tmp_path / "qr.cfg").write_text(
        f"NetworkTCPPort = {taker.taker_port}\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n"
        f"VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nTAKER {tmp_path}/db RW (200, 1024mb) ANY\nAETable END\n")
    background("dcmqrscp", "-c", tmp_path / "qr.cfg", taker.taker_port, port=taker.taker_port)
    for s in SOME:
        movescu(taker, s, check=s.syntax in test_dicom_data.NATIVE)
    stored = [read_file(p) for p in (tmp_path / "db").iterdir() if p.name != "index.dat"]
    # It takes uncompressed syntaxes only; those are converted, the rest is told as failed.
    native = [s for s in SOME if s.syntax in test_dicom_data.NATIVE]
    assert {ds.SOPInstanceUID for ds in stored} >= {s.instance for s in native}
    for ds in stored:
        s = next(s for s in SOME if s.instance == ds.SOPInstanceUID)
        theirs, ours = content(ds, not ds.is_little_endian), content(s.plain, not s.plain.is_little_endian)
        test_dicom_data.same(ours, theirs, ds.is_implicit_VR != s.plain.is_implicit_VR)


@pytest.mark.parametrize("option,convert", [("+xi", "+ti"), ("+xe", "+te"), ("+xb", "+tb")])
def test_getscu_gets_what_dcmconv_makes(archive, tmp_path, option, convert):
    """An uncompressed object for who takes one syntax only."""
    native = [s for s in SOME if s.syntax in test_dicom_data.NATIVE]
    store(archive, native)
    for s in native:
        out = tmp_path / s.name
        out.mkdir()
        run("getscu", option, "-aet", "GETSCU", "-aec", "LASTRA", "-S", "-od", out, "127.0.0.1", archive.port, "-k",
            "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={s.study}")
        got = list(out.iterdir())
        assert len(got) == 1, s
        run("dcmconv", "-q", convert, s.path, tmp_path / "theirs.dcm")
        run("dcmconv", "-q", convert, got[0], tmp_path / "ours.dcm")
        assert without_padding(tmp_path / "ours.dcm") == without_padding(tmp_path / "theirs.dcm"), s


def without_padding(path):
    return [line for line in test_dicom_data.dcmdump(path) if not line.startswith("(fffc,fffc)")]


# --- GDCM


def gdcmscu(*arguments):
    """Debian's gdcmscu dies in its own release of every association (with storescp too): what it says before counts."""
    done = subprocess.run(["gdcmscu", "--debug", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          errors="replace")
    assert done.returncode in (0, -6), done.stderr
    return done.stdout + done.stderr


def test_gdcmscu_echoes_stores_and_finds(taker):
    """As a move destination it reads a data set by the transfer syntax of the last context it accepted for the class, not of
    the one that it came in, and ends itself over what it reads: it can take nothing from who proposes two."""
    host = ("--call", "LASTRA", "127.0.0.1", taker.port)
    gdcmscu("--echo", "--aetitle", "STORESCU", *host)
    taker.wait_for('implementation="GDCM')
    for s in SOME[:3]:
        assert "was successful" in gdcmscu("--store", "--aetitle", "STORESCU", *host, s.path)
        same_content(get(taker, s), s)
    gdcmscu("--find", "--studyroot", "--study", "--aetitle", "FINDSCU", *host, "--key", f"20,d,{SOME[0].study}", "--key", "10,10")
    assert "answers=1" in taker.wait_for("query answered: peer=FINDSCU")


# --- Orthanc


class Orthanc:
    """An Orthanc of its own, seen through its REST interface."""

    def __init__(self, folder, dicom_port, archive_port, background):
        self.http = free_port()
        config = {"StorageDirectory": f"{folder}/db", "IndexDirectory": f"{folder}/db", "HttpPort": self.http,
                  "DicomAet": "TAKER", "DicomPort": dicom_port, "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
                  "DicomModalities": {"lastra": {"AET": "LASTRA", "Host": "127.0.0.1", "Port": archive_port}},
                  "DicomAlwaysAllowStore": True, "Plugins": []}
        path = os.path.join(folder, "orthanc.json")
        with open(path, "w") as f:
            json.dump(config, f)
        background("Orthanc", path, port=self.http, cwd=folder)

    def ask(self, path, body=None):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data=body), timeout=60) as r:
            answer = r.read()
        return answer

    def json(self, path, body=None):
        return json.loads(self.ask(path, body))

    def upload(self, s):
        return self.json("/instances", s.path.read_bytes())["ID"]

    def objects(self):
        """{SOP instance UID: data set}."""
        files = [self.ask(f"/instances/{i}/file") for i in self.json("/instances")]
        sets = [read_file(io.BytesIO(f)) for f in files]
        return {str(ds.SOPInstanceUID): ds for ds in sets}


@pytest.fixture
def orthanc(taker, background, tmp_path):
    return Orthanc(str(tmp_path), taker.taker_port, taker.port, background)


def check_arrived(orthanc, some):
    got = orthanc.objects()
    assert set(got) == {s.instance for s in some}
    for s in some:
        ds = got[s.instance]
        test_dicom_data.same(content(s.plain, not s.plain.is_little_endian), content(ds, not ds.is_little_endian),
                             ds.is_implicit_VR != s.plain.is_implicit_VR)


def test_orthanc_echoes_and_stores(taker, orthanc):
    orthanc.ask("/modalities/lastra/echo", {})
    ids = [orthanc.upload(s) for s in SOME]
    done = orthanc.json("/modalities/lastra/store", {"Resources": ids, "Synchronous": True})
    assert done["InstancesCount"] == len(SOME) and done["FailedInstancesCount"] == 0
    for s in SOME:
        same_content(get(taker, s), s)


def test_orthanc_queries_and_retrieves(taker, orthanc):
    store(taker, SOME)
    query = orthanc.json("/modalities/lastra/query", {"Level": "Study", "Query": {"PatientName": "*", "StudyDate": ""}})["ID"]
    answers = orthanc.json(f"/queries/{query}/answers?expand&simplify")
    assert {a["StudyInstanceUID"] for a in answers} == {s.study for s in SOME}
    names = {a["StudyInstanceUID"]: a.get("PatientName", "") for a in answers}
    for s in SOME:
        # It shows the alphabetic group only.
        assert names[s.study].rstrip("^= ") == str(s.ds.PatientName).split("=")[0].rstrip("^ "), s
    orthanc.ask(f"/queries/{query}/retrieve", {"TargetAet": "TAKER", "Synchronous": True})
    check_arrived(orthanc, SOME)


def test_we_move_to_orthanc(taker, orthanc):
    store(taker, SOME)
    for s in SOME:
        a = associate(taker, "MOVER", (1, STUDY_ROOT_MOVE, (ul.IMPLICIT_LE,)))
        assert move(a, "TAKER", study=s.study) == 0, s
    check_arrived(orthanc, SOME)


# --- import and export


def test_every_sample_is_imported_and_exported_as_it_is(archive_factory, tmp_path):
    """Files of one SOP instance in different encodings are different bytes: kept aside, and none is lost."""
    archive = archive_factory()
    done = archive.lastra("import", archive.data, *(str(s.path) for s in samples.STORABLE), "--json")
    counts = json.loads(done.stdout)
    first = samples.shelves()[0]
    assert counts["taken"] == len(first)
    distinct = {(s.instance, s.syntax, s.data) for s in samples.STORABLE}
    status = json.loads(archive.lastra("status", archive.data, "--json").stdout)
    assert status["instances"] + status["conflicts"] == len(distinct), counts
    out = tmp_path / "out"
    assert json.loads(archive.lastra("export", archive.data, "--all", str(out), "--json").stdout)["objects"] == len(first)
    data = {}
    for path in out.rglob("*"):
        if path.is_file() and path.name != "DICOMDIR":
            data.setdefault(samples.split(path.read_bytes())[1], path)
    known = {s.data for s in samples.STORABLE}
    assert len(data) == len(first) and set(data) <= known
    archive.lastra("verify", archive.data)
