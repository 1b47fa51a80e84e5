"""What we send, as tshark's DICOM dissector sees it, and what we write, as dciodvfy sees it: neither has anything to say that
it would not say of the original."""

import collections
import os
import re
import shutil
import subprocess
import tempfile
import time

import pydicom
import pytest

import samples
import upper_layer as ul
from conftest import free_port
from receiver import Receiver

pytestmark = [pytest.mark.xdist_group("wire"), pytest.mark.filterwarnings("ignore")]

NAMES = ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "chrH31.dcm", "chrX2.dcm", "rtplan.dcm",
         "SC_rgb_rle.dcm", "reportsi.dcm", "test-SR.dcm", "waveform_ecg.dcm", "liver_1frame.dcm", "693_J2KI.dcm"]
# Each SOP instance once, of even length: a data set of odd length is kept and returned as it came, and PDVs must be even.
SOME = list({s.instance: s for s in samples.STORABLE if s.name in NAMES and len(s.data) % 2 == 0}.values())
# tshark 4.0 reads the message that follows encapsulated pixel data wrongly, between DCMTK and DCMTK too.
NATIVE = [s for s in SOME if s.syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")]


def run(*command, check=True, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, errors="replace",
                          env={**os.environ, "TCP_NODELAY": "1"}, **kwargs)
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


# --- tshark


class Capture:
    """The traffic of some loopback ports, while it is open."""

    def __init__(self, folder, ports):
        self.path, self.ports = os.path.join(folder, "wire.pcapng"), ports
        self.process = subprocess.Popen(["dumpcap", "-q", "-i", "lo", "-B", "32", "-w", self.path, "-f",
                                         " or ".join(f"tcp port {p}" for p in ports)], stderr=subprocess.PIPE)
        line = ""
        while "File:" not in line and self.process.poll() is None:
            line = self.process.stderr.readline().decode(errors="replace")
        if self.process.poll() is not None:
            pytest.skip("capturing is not for us")
        time.sleep(0.3)

    def close(self):
        if self.process.poll() is not None:
            return
        time.sleep(0.5)
        self.process.terminate()
        self.process.wait(20)

    def tshark(self, *arguments):
        decode = [x for p in self.ports for x in ("-d", f"tcp.port=={p},dicom")]
        return run("tshark", "-n", "-r", self.path, *decode, *arguments)

    def complaints(self):
        """Of DICOM and of anything malformed; how TCP fares on a busy machine is its own affair, and that an association was
        rejected or aborted is no fault of form."""
        rows = self.tshark("-Y", "_ws.malformed || (dicom && _ws.expert)", "-T", "fields", "-E", "separator=|", "-e", "frame.number",
                           "-e", "_ws.malformed", "-e", "_ws.expert.message").splitlines()
        tcp = re.compile(r"Association (rejected|aborted)|TCP|window|retransmission|segment|ACK|SYN|FIN|RST|Connection", re.IGNORECASE)
        return [row for row in rows if "|" in row and not (row.split("|")[1] == "" and tcp.search(row.split("|")[2]))]

    def pdus(self):
        """How often each PDU type was sent."""
        values = self.tshark("-Y", "dicom", "-T", "fields", "-e", "dicom.pdu.type").replace(",", "\n").split()
        return collections.Counter(int(v, 0) for v in values if re.fullmatch(r"0x[0-9a-f]+|\d+", v))

    def commands(self):
        """The DIMSE commands that the dissector names in its summaries."""
        return set(re.findall(r"C-\w+-R[QS]P?", self.tshark("-Y", "dicom", "-T", "fields", "-e", "_ws.col.Info")))


@pytest.fixture
def wire(archive_factory, tmp_path):
    """An archive with peers, a receiver that it may send to, and a capture of both."""
    archive = archive_factory()
    archive.receiver, archive.scp_port = Receiver(), free_port()
    for aet in ("STORESCU", "FINDSCU", "GETSCU", "ECHOSCU", "OURS"):
        archive.peer(aet)
    for aet, port in (("TAKER", archive.receiver.port), ("STORESCP", archive.scp_port)):
        archive.lastra("peer", "add", archive.data, aet, "127.0.0.1", "--host", "127.0.0.1", "--port", str(port))
    archive.peer("MOVER", "127.0.0.1", "find,move", "--to", "TAKER", "--to", "STORESCP")
    archive.start()
    archive.capture = Capture(str(tmp_path), [archive.port, archive.receiver.port, archive.scp_port])
    yield archive
    archive.capture.close()
    archive.receiver.close()
    archive.stop()


def check_capture(archive, expected_commands):
    archive.capture.close()
    pdus = archive.capture.pdus()
    assert pdus[1] == pdus[2] >= 5 and pdus[4] > 20 and pdus[5] == pdus[6] >= 5, pdus
    assert archive.capture.commands() >= expected_commands
    assert archive.capture.complaints() == []


ALL_COMMANDS = {f"C-{c}-{d}" for c in ("ECHO", "STORE", "FIND", "GET", "MOVE") for d in ("RQ", "RSP")}


def test_tshark_finds_nothing_wrong_with_our_clients_and_our_server(wire, tmp_path):
    to = f"LASTRA@127.0.0.1:{wire.port}"
    ours = lambda verb, aet, *more: wire.lastra(verb, to, "-a", aet, *map(str, more))  # noqa: E731
    ours("echo", "OURS", "-n", 3)
    # One at a time: tshark puts a response into the request that is on its way in the same context.
    ours("send", "OURS", "--window", 1, *[s.path for s in NATIVE])
    ours("find", "OURS", "--relational", "-k", "PatientName=*", "-k", "RequestAttributesSequence.ScheduledProcedureStepID")
    ours("find", "OURS", "-l", "image", "-k", f"StudyInstanceUID={NATIVE[0].study}", "-k", f"SeriesInstanceUID={NATIVE[0].series}")
    for s in NATIVE:
        (tmp_path / "got").mkdir(exist_ok=True)
        ours("get", "OURS", "-k", f"StudyInstanceUID={s.study}", "-d", tmp_path / "got")
        ours("move", "MOVER", "--to", "TAKER", "-k", f"StudyInstanceUID={s.study}")
    assert len(wire.receiver.objects) == len(NATIVE)
    check_capture(wire, ALL_COMMANDS)


def test_tshark_finds_nothing_wrong_with_what_dcmtk_is_answered(wire, tmp_path):
    port = str(wire.port)
    scp = subprocess.Popen(["storescp", "-od", str(tmp_path), str(wire.scp_port)])
    try:
        run("echoscu", "-aec", "LASTRA", "127.0.0.1", port)
        run("storescu", "-R", "-aec", "LASTRA", "127.0.0.1", port, *[s.path for s in NATIVE])
        run("findscu", "-S", "-aec", "LASTRA", "127.0.0.1", port, "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "-k",
            "PatientName", "-k", "0032,1064")
        for s in NATIVE:
            keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={s.study}")
            run("getscu", "-S", "-aec", "LASTRA", "-od", tmp_path, "127.0.0.1", port, *keys)
            run("movescu", "-S", "-aet", "MOVER", "-aec", "LASTRA", "-aem", "STORESCP", "127.0.0.1", port, *keys)
    finally:
        scp.terminate()
        scp.wait(10)
    check_capture(wire, ALL_COMMANDS)


def test_tshark_finds_nothing_wrong_with_refusals_and_aborts(wire):
    """Errors with comments, failed UID lists, a rejection, a cancel, an abort."""
    contexts = ((1, ul.VERIFICATION, (ul.IMPLICIT_LE,)), (3, ul.CT_IMAGE, (ul.EXPLICIT_LE,)), (5, ul.STUDY_ROOT_FIND, (ul.IMPLICIT_LE,)),
                (7, ul.STUDY_ROOT_GET, (ul.IMPLICIT_LE,)), (9, "1.2.840.10008.5.1.4.1.1.88.11", ("1.2.840.10008.1.2.4.90",)))
    jpeg = next(s for s in SOME if s.name == "JPEG2000.dcm")
    a = ul.Association(wire.port, "STORESCU", contexts=((1, jpeg.sop_class, (jpeg.syntax,)),))
    assert a.store(jpeg.sop_class, jpeg.instance, jpeg.data) == 0
    a.release()
    a = ul.Association(wire.port, "STORESCU", contexts=contexts, roles=((ul.CT_IMAGE, 1, 1),))
    assert a.store(ul.CT_IMAGE, "1.2.3", SOME[0].data[:200]) != 0
    assert a.find(ul.STUDY_ROOT_FIND, ul.identifier("NOWHERE"))[0] == 0xA900
    assert a.get(ul.STUDY_ROOT_GET, ul.identifier("STUDY", study=jpeg.study))[0] == 0xA702
    mid = a.request(5, 0x20, ul.STUDY_ROOT_FIND, ul.identifier("STUDY", study=""))
    a.send_message(5, ul.command((0x100, ul.us(0xFFF)), (0x120, ul.us(mid)), (0x800, ul.us(0x101))))
    while ul.number(a.read_message()[1], 0x900) in (0xFF00, 0xFF01):
        pass
    a.release()
    with pytest.raises(ul.Refused):
        ul.Association(wire.port, "NOBODY", contexts=contexts)
    a = ul.Association(wire.port, "STORESCU", contexts=contexts)
    a.sock.sendall(ul.pdu(6, bytes(4)))  # a release that nobody asked for
    with pytest.raises(ul.Aborted):
        a.read_pdu()
    a.close()
    wire.capture.close()
    pdus = wire.capture.pdus()
    assert pdus[3] == 1 and pdus[7] == 1 and pdus[4] > 8, pdus
    assert wire.capture.complaints() == []


# --- dciodvfy


def complaints(path):
    """What dciodvfy holds against a file; without the numbers of bytes that tell where."""
    done = subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace", timeout=60)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
    return {re.sub(r"0x[0-9a-f]+|\d+ dec", "#", line) for line in lines}


def by_instance(files):
    found = {}
    for path in files:
        with open(path, "rb") as f:
            if f.read(132)[128:] == b"DICM" and os.path.basename(path) != "DICOMDIR":
                found[str(pydicom.dcmread(path, force=True, stop_before_pixels=True).SOPInstanceUID)] = path
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Files of the same objects as we write them: exported, got by `lastra get` and by getscu. (folders, archive's data)"""
    from conftest import Archive

    top = tempfile.mkdtemp(prefix="lastra-e2e-wire-")
    archive = Archive(top)
    archive.peer("GETTER")
    folder = tmp_path_factory.mktemp("written")
    for name in ("ours", "dcmtk"):
        (folder / name).mkdir()
    archive.lastra("import", archive.data, *[str(s.path) for s in SOME])
    archive.lastra("export", archive.data, "--all", str(folder / "export"))
    archive.start()
    for s in SOME:
        archive.lastra("get", f"LASTRA@127.0.0.1:{archive.port}", "-a", "GETTER", "-k", f"StudyInstanceUID={s.study}", "-d",
                       str(folder / "ours"))
        run("getscu", "+B", "-aet", "GETTER", "-aec", "LASTRA", "-S", "-od", folder / "dcmtk", "127.0.0.1", archive.port, "-k",
            "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={s.study}", check=s.syntax.startswith("1.2.840.10008.1.2.1"))
    archive.stop()
    yield folder
    shutil.rmtree(top)


@pytest.mark.parametrize("how", ["export", "ours", "dcmtk"])
def test_dciodvfy_says_no_more_of_what_we_write_than_of_the_original(written, how):
    files = by_instance(p for p in (written / how).rglob("*") if p.is_file())
    assert len(files) == len(SOME) if how != "dcmtk" else len(files) >= 5
    for s in SOME:
        original = complaints(s.path)
        if s.instance in files and not any("read failed" in line for line in original):
            assert complaints(files[s.instance]) <= original, s.name


def test_dciodvfy_and_dcmtk_read_our_dicomdir(written):
    """Its records, one for each object, and every file where it says."""
    path = written / "export" / "DICOMDIR"
    # When a verified report was verified stands within a sequence of it; the rest is as it must be.
    assert {c for c in complaints(path) if "VerificationDateTime" not in c} == set()
    text = run("dcmdump", "-q", path)
    assert text.count("ReferencedFileID") == len(SOME)
    for name in re.findall(r"CS \[([^\]]+)\].*ReferencedFileID", text):
        assert (written / "export").joinpath(*name.split("\\")).is_file(), name
    done = subprocess.run(["dcentvfy", *[str(p) for p in (written / "export").rglob("*") if p.is_file() and p.name != "DICOMDIR"]],
                          capture_output=True, text=True, errors="replace")
    assert not [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error - Cannot read")]
