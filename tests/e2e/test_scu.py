"""lastra echo, send, find, get and move against other people's archives: DCMTK's storescp and dcmqrscp, Orthanc."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import pydicom
import pytest

from conftest import BINARY, PYDICOM_FILES, free_port
from samples import Sample, shelves

# Whole objects, each SOP Instance UID once. DCMTK aborts over data sets of odd length; one file is not in the syntax it
# says it is in.
GOOD = [s for s in shelves()[0] if s.name != "SC_rgb_jpeg.dcm" and len(s.data) % 2 == 0 and len(s.data) < 1000000 and s.path.is_relative_to(PYDICOM_FILES)]


def wait_for_port(port, process, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the peer ended"
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the peer does not listen")


class Peer:
    """A program that listens on a port of its own."""

    def __init__(self, folder, command, port):
        self.port, self.folder = port, folder
        self.log = open(os.path.join(folder, "peer.log"), "wb")
        # Debian's DCMTK and Orthanc wait 40 ms for delayed acknowledgements otherwise.
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, cwd=folder,
                                        env={**os.environ, "TCP_NODELAY": "1"})
        wait_for_port(port, self.process)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def lastra(*arguments, check=True):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, f"lastra {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done


@pytest.fixture
def study(tmp_path):
    """Real objects in a folder with a subfolder, a text file and a DICOMDIR between them."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    assert len(GOOD) >= 20
    for i, sample in enumerate(GOOD):
        shutil.copy(sample.path, (folder / "sub" if i % 2 else folder) / f"{i}-{sample.name}")
    (folder / "notes.txt").write_text("not a DICOM file, and long enough to be looked at closely\n" * 4)
    shutil.copy(os.path.join(PYDICOM_FILES, "dicomdirtests", "DICOMDIR"), folder / "DICOMDIR")
    return folder


def objects(folder):
    """By SOP Instance UID: the transfer syntax and the data set's bytes."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if name in ("DICOMDIR", "notes.txt", "peer.log"):
                continue
            sample = Sample(pathlib.Path(path))  # by its own UID and bytes
            found[sample.instance] = (sample.syntax, sample.data, path)
    return found


@pytest.fixture
def storescp(tmp_path):
    made = []

    def start(*more):
        out = tmp_path / f"out{len(made)}"
        out.mkdir()
        port = free_port()
        made.append(Peer(str(out), ["storescp", "-od", str(out), *more, str(port)], port))
        return made[-1]

    yield start
    for peer in made:
        peer.close()


def address(peer, aet="PEER"):
    return f"{aet}@127.0.0.1:{peer.port}"


def test_echo_says_who_answers(storescp):
    peer = storescp()
    assert "OFFIS_DCMTK" in lastra("echo", address(peer)).stdout
    said = json.loads(lastra("echo", address(peer), "--json", "--count", "20").stdout)
    assert said["status"] == 0 and said["count"] == 20


def test_echo_to_nobody_fails_in_words():
    done = lastra("echo", f"NOBODY@127.0.0.1:{free_port()}", check=False)
    assert done.returncode == 1 and "refused" in done.stderr
    assert lastra("echo", "no address", check=False).returncode == 2


def test_objects_arrive_bit_for_bit(storescp, study):
    peer = storescp("+xa", "+B", "-uf")
    done = lastra("send", address(peer), str(study))
    sent, got = objects(study), objects(peer.folder)
    assert f"{len(sent)} sent, 0 failed, 2 skipped" in done.stdout
    assert "notes.txt" in done.stderr and "DICOMDIR" in done.stderr
    assert set(sent) == set(got)
    for uid, (syntax, data, _) in sent.items():
        assert got[uid][0] == syntax
        assert got[uid][1] == data, uid


def test_json_tells_of_every_file(storescp, study):
    peer = storescp("+xa")
    result = json.loads(lastra("send", address(peer), str(study), "--json", "-q").stdout)
    assert result["sent"] == len(result["files"]) == len(objects(study))
    assert result["failed"] == 0 and result["skipped"] == 2
    assert all(f["sent"] and f["status"] == 0 for f in result["files"])
    assert {f["sop_instance"] for f in result["files"]} == set(objects(study))


@pytest.mark.filterwarnings("ignore::UserWarning")  # of pydicom, about values that a sample has wrong on purpose
def test_uncompressed_is_converted_where_only_implicit_is_taken(storescp, study, tmp_path):
    peer = storescp("+xi")
    done = lastra("send", address(peer), str(study), "--json", check=False)
    result = json.loads(done.stdout)
    sent, got = objects(study), objects(peer.folder)
    native = {uid for uid, (syntax, _, _) in sent.items() if syntax.startswith("1.2.840.10008.1.2") and "4." not in
              syntax[len("1.2.840.10008.1.2"):] and not syntax.endswith(".5")}
    assert done.returncode == 1 and result["sent"] == len(native) == len(got)
    assert all("takes no" in f["why"] for f in result["files"] if not f["sent"])
    for uid in native:
        assert got[uid][0] == "1.2.840.10008.1.2"
        before, after = (pydicom.dcmread(both[uid][2], force=True) for both in (sent, got))
        if "PixelData" in before and not before.file_meta.TransferSyntaxUID.is_little_endian:
            assert (before.pixel_array == after.pixel_array).all()
        elif "PixelData" in before:
            assert before.PixelData == after.PixelData
        assert before.get("PatientName") == after.get("PatientName")
        # DCMTK drops padding at the end.
        assert [e.tag for e in before if e.tag.element and e.tag != 0xfffcfffc] == [e.tag for e in after if e.tag.element]


def test_large_object_streams_in_bounded_memory(storescp, tmp_path):
    peer = storescp("+B")
    big = tmp_path / "big.dcm"
    ds = pydicom.dcmread(os.path.join(PYDICOM_FILES, "CT_small.dcm"))
    ds.PixelData = b""
    ds.save_as(big)
    with open(big, "r+b") as f:  # 300 MB of pixels: the length of the last element, and a hole for its value
        content = f.read()
        at = content.rindex(b"\xe0\x7f\x10\x00OW")
        size = 300 * 1000 * 1000
        f.seek(at + 8)
        f.write(size.to_bytes(4, "little"))
        f.truncate(at + 12 + size)
    done = subprocess.run(["/usr/bin/env", "bash", "-c", 'ulimit -v 200000; exec "$0" "$@"', BINARY, "send",
                           address(peer), str(big)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "1 sent" in done.stdout
    [received] = [os.path.join(peer.folder, n) for n in os.listdir(peer.folder) if n.startswith("CT")]
    assert os.path.getsize(received) >= size


def test_refused_objects_are_named_and_the_exit_status_is_1(storescp, tmp_path):
    peer = storescp("+xe")  # explicit little endian only
    path = os.path.join(PYDICOM_FILES, "JPEG2000.dcm")
    done = lastra("send", address(peer), path, check=False)
    assert done.returncode == 1
    assert "not sent" in done.stderr and "JPEG2000.dcm" in done.stderr


def make_certificates(folder):
    """An authority, and certificates for both sides."""
    def run(*command):
        subprocess.run(command, check=True, capture_output=True, cwd=folder)

    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
        "-subj", "/CN=Test authority")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
            f"/CN={name}")
        (folder / "ext").write_text(extension + "\n")
        run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-days", "2", "-extfile", "ext")


def test_tls_with_certificates_on_both_sides(storescp, study, tmp_path):
    make_certificates(tmp_path)
    peer = storescp("+tls", str(tmp_path / "server.key"), str(tmp_path / "server.pem"), "+cf",
                    str(tmp_path / "ca.pem"), "-rc", "+xa")
    ours = ["--cert", str(tmp_path / "client.pem"), "--cert-key", str(tmp_path / "client.key")]
    trusted = [*ours, "--trust", str(tmp_path / "ca.pem")]
    assert "success" in lastra("echo", address(peer), *trusted).stdout
    result = json.loads(lastra("send", address(peer), str(study), "--json", "-q", *trusted).stdout)
    assert result["sent"] == len(objects(study))
    text = subprocess.run(["openssl", "x509", "-in", "server.pem", "-noout", "-fingerprint", "-sha256"],
                          capture_output=True, text=True, cwd=tmp_path, check=True).stdout
    pin = text.strip().split("=")[1]
    assert "success" in lastra("echo", address(peer), *ours, "--pin", pin).stdout
    wrong = lastra("echo", address(peer), *ours, "--pin", "00" * 32, check=False)
    assert wrong.returncode == 1
    (tmp_path / "other").mkdir()
    make_certificates(tmp_path / "other")
    wrong = lastra("echo", address(peer), *ours, "--trust", str(tmp_path / "other" / "ca.pem"), check=False)
    assert wrong.returncode == 1


@pytest.fixture
def dcmqrscp(tmp_path, storescp):
    """DCMTK's archive, with a storescp as the destination of moves."""
    destination = storescp("+xa", "+B", "-aet", "DEST", "-uf")
    folder = tmp_path / "qr"
    (folder / "db").mkdir(parents=True)
    port = free_port()
    (folder / "config").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n\n"
        "HostTable BEGIN\n"
        f"dest = (DEST, 127.0.0.1, {destination.port})\nus = (LASTRA, 127.0.0.1, 1)\nall = dest, us\n"
        "HostTable END\n\nVendorTable BEGIN\nVendorTable END\n\n"
        f"AETable BEGIN\nQR {folder}/db RW (500, 1024mb) ANY\nAETable END\n")
    peer = Peer(str(folder), ["dcmqrscp", "-c", "config", "-v"], port)
    peer.destination = destination
    yield peer
    peer.close()


# One study of an image object that dcmqrscp and Orthanc keep as it is.
@pytest.fixture
def series(tmp_path):
    folder = tmp_path / "series"
    folder.mkdir()
    ds = pydicom.dcmread(os.path.join(PYDICOM_FILES, "CT_small.dcm"))
    del ds[0xfffcfffc]  # padding at the end, which other archives drop
    ds.PatientName, ds.PatientID, ds.StudyInstanceUID = "Rossi^Mario", "R1", "1.2.826.0.1.3680043.9.1"
    ds.SeriesInstanceUID = ds.StudyInstanceUID + ".1"
    ds.StudyDate, ds.Modality, ds.AccessionNumber = "20240131", "CT", "A77"
    for i in range(1, 13):
        ds.InstanceNumber = i
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{ds.SeriesInstanceUID}.{i}"
        ds.save_as(folder / f"{i}.dcm")
    return folder


def check_query_and_retrieve(peer, aet, series, tmp_path, destination=None):
    """What every archive must be good for."""
    at = f"{aet}@127.0.0.1:{peer.port}"
    uid = "1.2.826.0.1.3680043.9.1"
    assert "12 sent, 0 failed" in lastra("send", at, str(series)).stdout
    table = lastra("find", at, "-k", "PatientName=Rossi*").stdout.splitlines()
    assert len(table) == 2 and table[0].startswith("PatientID") and "Rossi^Mario" in table[1] and uid in table[1]
    assert table[1].index("Rossi") == table[0].index("PatientName")
    answers = json.loads(lastra("find", at, "--json", "-k", "AccessionNumber=A77", "-k", "StudyDate=20240101-").stdout)
    assert [a["0020000D"]["Value"] for a in answers] == [[uid]]
    images = json.loads(lastra("find", at, "--json", "-l", "image", "-k", f"StudyInstanceUID={uid}", "-k",
                               f"SeriesInstanceUID={uid}.1").stdout)
    assert len(images) == 12
    assert json.loads(lastra("find", at, "--json", "-k", "PatientID=nobody").stdout) == []
    out = tmp_path / "got"
    result = json.loads(lastra("get", at, "-k", f"StudyInstanceUID={uid}", "-d", str(out), "--json").stdout)
    assert result["kept"] == 12 and result["failed"] == 0
    sent, got = objects(series), objects(out)
    assert set(sent) == set(got)
    assert sorted(os.listdir(out)) == sorted(f"{instance}.dcm" for instance in sent)
    for instance in sent:
        assert got[instance][0] == sent[instance][0] and got[instance][1] == sent[instance][1]
    if destination:
        moved = lastra("move", at, "--to", "DEST", "-k", f"StudyInstanceUID={uid}").stdout
        assert "12 completed, 0 with a warning, 0 failed" in moved
        assert set(objects(destination.folder)) == set(sent)
        nowhere = lastra("move", at, "--to", "NOBODY", "-k", f"StudyInstanceUID={uid}", check=False)
        assert nowhere.returncode == 1 and nowhere.stderr


def test_dcmqrscp_is_asked_and_gives(dcmqrscp, series, tmp_path):
    check_query_and_retrieve(dcmqrscp, "QR", series, tmp_path, dcmqrscp.destination)


def test_limit_cancels(dcmqrscp, series):
    at = f"QR@127.0.0.1:{dcmqrscp.port}"
    lastra("send", at, str(series))
    answers = json.loads(lastra("find", at, "--json", "-l", "image", "--limit", "3", "-k",
                                "StudyInstanceUID=1.2.826.0.1.3680043.9.1", "-k",
                                "SeriesInstanceUID=1.2.826.0.1.3680043.9.1.1").stdout)
    assert len(answers) == 3


def test_wrong_keys_are_told_before_anybody_is_asked():
    for key, why in (("NoSuchKey=1", "no data element"), ("PatientName.PatientID=1", "not a sequence"),
                     ("Rows=many", "not a number"), ("RequestAttributesSequence=1", "SEQUENCE.KEY")):
        done = lastra("find", "A@127.0.0.1:1", "-k", key, check=False)
        assert done.returncode == 2 and why in done.stderr, done.stderr
    assert lastra("get", "A@127.0.0.1:1", check=False).returncode == 2


@pytest.fixture
def orthanc(tmp_path, storescp):
    destination = storescp("+xa", "+B", "-aet", "DEST", "-uf")
    folder = tmp_path / "orthanc"
    folder.mkdir()
    port, http = free_port(), free_port()
    (folder / "orthanc.json").write_text(json.dumps({
        "Name": "Orthanc", "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"),
        "DicomAet": "ORTHANC", "DicomPort": port, "HttpPort": http, "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False, "DicomAlwaysAllowStore": True, "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True, "DicomAlwaysAllowMove": True, "DicomAlwaysAllowEcho": True, "Plugins": [],
        "DicomModalities": {"dest": ["DEST", "127.0.0.1", destination.port]}}))
    peer = Peer(str(folder), ["/usr/sbin/Orthanc", "orthanc.json"], port)
    wait_for_port(http, peer.process)
    peer.destination, peer.http = destination, http
    yield peer
    peer.close()


def test_orthanc_is_asked_and_gives(orthanc, series, tmp_path):
    check_query_and_retrieve(orthanc, "ORTHANC", series, tmp_path, orthanc.destination)


def test_orthanc_takes_four_associations_at_once(orthanc, study):
    done = lastra("send", f"ORTHANC@127.0.0.1:{orthanc.port}", "-j", "4", str(study))
    assert f"{len(objects(study))} sent" in done.stdout
    with urllib.request.urlopen(f"http://127.0.0.1:{orthanc.http}/statistics", timeout=10) as answer:
        assert json.load(answer)["CountInstances"] == len(objects(study))


def test_own_archive_is_asked_and_gives(archive_factory, series, storescp, tmp_path):
    destination = storescp("+xa", "+B", "-aet", "DEST", "-uf")
    a = archive_factory()
    a.peer("LASTRA", "127.0.0.1", "echo,store,find,get,move", "--to", "DEST")
    a.lastra("peer", "add", a.data, "DEST", "127.0.0.1", "--host", "127.0.0.1", "--port", str(destination.port))
    a.start()
    check_query_and_retrieve(a, "LASTRA", series, tmp_path, destination)
    a.stop()


def test_window_and_jobs_reach_our_own_archive_whole(archive_factory, series, tmp_path):
    a = archive_factory()
    a.peer("LASTRA", "127.0.0.1", "echo,store,find,get")
    a.start()
    at = f"LASTRA@127.0.0.1:{a.port}"
    assert "12 sent, 0 failed" in lastra("send", at, "-j", "4", "--window", "16", str(series)).stdout
    out = tmp_path / "got"
    lastra("get", at, "-k", "PatientID=R1", "-l", "patient", "-d", str(out))
    assert {k: v[:2] for k, v in objects(out).items()} == {k: v[:2] for k, v in objects(series).items()}
    a.stop()


def test_compressed_objects_come_back_as_they_were(archive_factory, tmp_path):
    a = archive_factory()
    a.peer("LASTRA", "127.0.0.1", "store,find,get")
    a.start()
    at = f"LASTRA@127.0.0.1:{a.port}"
    path = os.path.join(PYDICOM_FILES, "JPEG2000.dcm")
    lastra("send", at, path)
    study_uid = str(pydicom.dcmread(path).StudyInstanceUID)
    lastra("get", at, "-k", f"StudyInstanceUID={study_uid}", "-d", str(tmp_path / "got"))
    [(syntax, data, _)] = objects(tmp_path / "got").values()
    content = open(path, "rb").read()
    assert syntax == "1.2.840.10008.1.2.4.91" and content.endswith(data)
    a.stop()
