"""`lastra survey capture` on real traffic, recorded here, with tshark's dissection beside it; and on captures that are hostile.

Writers of captures are dumpcap and scapy, judges are tshark and the certificate's own tool: nothing of ours."""

import collections
import contextlib
import glob
import gzip
import json
import os
import re
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time

import hl7.client
import pydicom
import pytest

from conftest import BINARY, free_port
from survey_site import Site, certificate, program

scapy = pytest.importorskip("scapy.all")

pytestmark = [pytest.mark.xdist_group("wire"), pytest.mark.filterwarnings("ignore")]

CANARY = "ZZCANARYFAMILY"
PEAK_KIB = 100 * 1024


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


class Recording:
    """What dumpcap records of some loopback ports while it is open."""

    def __init__(self, folder, *ports):
        self.path = os.path.join(str(folder), f"wire-{ports[0]}.pcapng")
        self.ports = ports
        self.process = subprocess.Popen(["dumpcap", "-q", "-i", "lo", "-B", "32", "-w", self.path, "-f",
                                         " or ".join(f"tcp port {p}" for p in ports)], stderr=subprocess.PIPE)
        line = ""
        while "File:" not in line and self.process.poll() is None:
            line = self.process.stderr.readline().decode(errors="replace")
        if self.process.poll() is not None:
            pytest.skip("capturing is not for us")
        time.sleep(0.3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        time.sleep(0.7)
        self.process.terminate()
        self.process.wait(20)

    def tshark(self, decode, *arguments):
        command = ["tshark", "-2", "-n", "-r", self.path, "-o", "tcp.desegment_tcp_streams:TRUE"]
        for p in self.ports:
            command += ["-d", f"tcp.port=={p},{decode}"]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, errors="replace", timeout=120).stdout

    def fields(self, decode, *names):
        """A tuple of lists of values for each packet of the protocol."""
        out = self.tshark(decode, "-Y", decode, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=;",
                          *[x for n in names for x in ("-e", n)])
        return [tuple(column.split(";") if column else [] for column in line.split("|")) for line in out.splitlines()]


def facts(site, *arguments):
    """{(address, port): {fact: [values]}} of what traffic told."""
    found = {}
    for line in site.survey("evidence", "--json", *arguments).stdout.splitlines():
        row = json.loads(line)
        here = found.setdefault((row["address"], row["port"]), collections.defaultdict(list))
        for f in row["facts"]:
            assert f["by"] == "traffic"
            here[f["fact"]].append(f["value"])
    return found


def counts(values):
    return {v.rsplit(" ", 1)[0]: int(v.rsplit(" ", 1)[1]) for v in values}


def everything(site, *outputs):
    """All that a person may see of it, as one text: reports, evidence, what was printed."""
    texts = list(outputs)
    paths = [os.path.join(site.folder, n) for n in ("o.html", "o.json", "o.csv", "of.csv", "o.sarif")]
    done = site.survey("report", "-o", paths[0], "--json", paths[1], "--csv", paths[2], "--csv-findings", paths[3], "--sarif", paths[4])
    texts += [done.stdout, done.stderr]
    for verb in (["evidence"], ["evidence", "--json"], ["list"]):
        done = site.survey(*verb)
        texts += [done.stdout, done.stderr]
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as f:
            texts.append(f.read())
    for path in glob.glob(os.path.join(site.path, "**"), recursive=True):  # the database is encrypted; the rest is looked at as it is
        if os.path.isfile(path):
            with open(path, "rb") as f:
                texts.append(f.read().decode("latin-1"))
    return "\n".join(texts)


def run(*command, check=True):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, errors="replace",
                          env={**os.environ, "TCP_NODELAY": "1"})
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


# --- DICOM, with tshark as the judge

TAGS = {0x00100010: "PatientName", 0x00100030: "PatientBirthDate", 0x00080080: "InstitutionName", 0x00080020: "StudyDate",
        0x00080090: "ReferringPhysicianName", 0x00081030: "StudyDescription", 0x00101010: "PatientAge"}


def images(folder, n):
    source = "/usr/lib/python3/dist-packages/pydicom/data/test_files/CT_small.dcm"
    paths = []
    for i in range(n):
        ds = pydicom.dcmread(source)
        ds.PatientName, ds.PatientID = f"{CANARY}^N{i}", f"{CANARY}{i}"
        ds.PatientBirthDate, ds.ReferringPhysicianName = "19411224", f"{CANARY}^DOCTOR"
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.{i + 1}"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = f"1.2.826.0.2.{i + 1}", f"1.2.826.0.3.{i + 1}"
        if i == 0:
            del ds.StudyDescription
            ds.PatientBirthDate = ""
        path = os.path.join(str(folder), f"i{i}.dcm")
        ds.save_as(path)
        paths.append(path)
    return paths


def told_by_tshark(recording):
    """(calling, called), commands, filled identifying fields and class UIDs by tshark's dissection."""
    titles, commands, fields, uids = set(), collections.Counter(), collections.Counter(), set()
    for pdu, calling, called, uid, info in recording.fields("dicom", "dicom.pdu.type", "dicom.assoc.ae.calling", "dicom.assoc.ae.called",
                                                            "dicom.userinfo.uid", "_ws.col.Info"):
        types = [int(t, 0) for t in pdu]
        if 1 in types:
            titles.add((calling[0].strip(), called[0].strip()))
        if 2 in types:
            uids.update(u.strip("\0 ") for u in uid)
        commands.update(re.findall(r"C-\w+-RQ(?!-DATA)", " ".join(info)))
    # Elements of a data set's top level are indented by eight.
    for group, element, length in re.findall(r"^ {8}\((\w{4}),(\w{4})\) +(\d+) ", recording.tshark("dicom", "-Y", "dicom", "-V"), re.M):
        tag = int(group + element, 16)
        if tag in TAGS and int(length) > 0:
            fields[TAGS[tag]] += 1
    return titles, commands, fields, uids


def test_associations_are_told_as_tshark_tells_them(archive_factory, site, tmp_path):
    archive = archive_factory()
    for aet in ("MODALITY1", "STATION2"):
        archive.peer(aet)
    archive.start()
    target = ["-aec", "LASTRA", "127.0.0.1", archive.port]
    with Recording(tmp_path, archive.port) as recording:
        run("storescu", "-aet", "MODALITY1", *target, *images(tmp_path, 4))
        run("findscu", "-aet", "STATION2", "-S", *target, "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName=ZZ*", "-k",
            "StudyDate", "-k", "StudyInstanceUID", "-k", "PatientBirthDate")
        run("echoscu", "-aet", "MODALITY1", *target)
    archive.stop()
    done = site.survey("capture", recording.path, "--from", "lab")
    titles, commands, fields, uids = told_by_tshark(recording)
    assert {calling for calling, _ in titles} == {"MODALITY1", "STATION2"} and commands["C-STORE-RQ"] == 4, (titles, commands)
    assert fields["PatientName"] >= 9 and fields["PatientBirthDate"] >= 3  # stored, asked for, answered

    found = facts(site)
    server, client = found[("127.0.0.1", archive.port)], found[("127.0.0.1", 0)]
    assert set(client["dicom_client_ae"]) == {c for c, _ in titles}
    assert set(server["dicom_ae"]) == {c for _, c in titles}
    assert set(server["dicom_class_uid"]) == uids
    assert counts(server["dicom_command"]) == {c[:-3]: n for c, n in commands.items()}
    assert {n: c for n, c in counts(server["clear_field"]).items() if n in TAGS.values()} == dict(fields)
    assert server["clear_objects"] == ["4"] and server["transport"] == ["clear"] and server["protocol"] == ["dicom"]

    text = everything(site, done.stdout, done.stderr)
    assert CANARY not in text and "19411224" not in text and "PatientName" in text


def test_an_association_recorded_from_its_middle_is_known_by_its_bytes(site, tmp_path):
    port = free_port()
    os.mkdir(tmp_path / "out")
    with program(["storescp", "-od", tmp_path / "out", port], "127.0.0.1", port), Recording(tmp_path, port) as recording:
        run("storescu", "127.0.0.1", port, *images(tmp_path, 6))
    packets = scapy.rdpcap(recording.path)
    largest = [i for i, p in enumerate(packets) if scapy.TCP in p and len(p[scapy.TCP].payload) > 5000]
    middle = os.path.join(site.folder, "middle.pcap")
    scapy.wrpcap(middle, packets[largest[1] + 1:])  # the handshake, the association, the first objects are missing
    site.survey("capture", middle)
    server = facts(site)[("127.0.0.1", port)]
    assert server["protocol"] == ["dicom"] and 2 <= counts(server["dicom_command"])["C-STORE"] <= 5
    assert counts(server["clear_field"])["PatientName"] == counts(server["dicom_command"])["C-STORE"]
    assert CANARY not in everything(site)


# --- TLS

def tls_server(folder, version, port):
    cert, key = certificate(str(folder), days=30, name="pacs.ward.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", port))

    def serve():
        with contextlib.suppress(OSError), listener:
            with context.wrap_socket(listener.accept()[0], server_side=True) as s:
                s.sendall(s.recv(100))

    threading.Thread(target=serve, daemon=True).start()
    return cert


@pytest.mark.parametrize("name,version", [("TLS1.2", ssl.TLSVersion.TLSv1_2), ("TLS1.3", ssl.TLSVersion.TLSv1_3)])
def test_tls_is_read_as_far_as_it_shows_itself(site, tmp_path, name, version):
    port = free_port()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with Recording(tmp_path, port) as recording:
        cert = tls_server(tmp_path, version, port)
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="x") as s:
            s.sendall(CANARY.encode())
            assert s.recv(100)
            cipher = s.cipher()[0]
    site.survey("capture", recording.path)
    server = facts(site)[("127.0.0.1", port)]
    assert server["protocol"] == ["tls"] and server["transport"] == ["tls"] and server["tls_version"] == [name]
    suites = {int(s[0], 0) for _, s in recording.fields("tls", "tls.handshake.type", "tls.handshake.ciphersuite") if len(s) == 1}
    assert len(suites) == 1, suites  # the server's hello, by tshark
    assert server["tls_cipher"] and cipher.split("_")[0][:3] in ("TLS", "ECD")
    if name == "TLS1.2":
        said = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-enddate", "-fingerprint", "-sha256"],
                              capture_output=True, text=True, check=True).stdout
        assert server["tls_sha256"] == [re.search(r"Fingerprint=(\S+)", said).group(1).replace(":", "").lower()]
        assert server["tls_name"] == ["pacs.ward.example"] and server["tls_self_signed"] == ["yes"]
        ends = time.strptime(re.search(r"notAfter=(.*)", said).group(1), "%b %d %H:%M:%S %Y GMT")
        assert server["tls_until"] == [time.strftime("%Y-%m-%d", ends)]
    assert not counts(server["clear_field"])


# --- HL7

ADT = (f"MSH|^~\\&|REGISTRY|SANLUCA|HIS|SANLUCA|20260101||ADT^A01|77|P|2.5\rEVN|A01|20260101\r"
       f"PID|1||{CANARY}ID^^^H||{CANARY}^ERIKA||19411224|F|||{CANARY} street^^Town\rPV1|1|I|W^389^1\r")


class Mllp(socketserver.BaseRequestHandler):
    def handle(self):
        data = b""
        while chunk := self.request.recv(4096):
            data += chunk
            while b"\x1c\r" in data:
                _, data = data.split(b"\x1c\r", 1)
                self.request.sendall(f"\x0bMSH|^~\\&|MIRTHAPP|WARD|REGISTRY|SANLUCA|20260101||ACK^A01|1|P|2.4\r"
                                     f"MSA|AE|77|no bed for {CANARY}\r\x1c\r".encode())


def test_hl7_is_counted_as_tshark_counts_it(site, tmp_path):
    port = free_port()
    with socketserver.ThreadingTCPServer(("127.0.0.1", port), Mllp) as server, Recording(tmp_path, port) as recording:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with hl7.client.MLLPClient("127.0.0.1", port) as client:
            for _ in range(5):
                client.send_message(ADT)
            client.send_message(ADT.replace("ADT^A01", "ADT^A08"))
        server.shutdown()
    site.survey("capture", recording.path)
    told = collections.Counter(re.findall(r"MSH(?:\|[^|]*){7}\|([^|]*)\|", recording.tshark(
        "hl7", "-Y", "hl7", "-T", "fields", "-e", "hl7.field")) or
        [m for row in recording.fields("hl7", "hl7.message.type", "hl7.event.type") for m in row[0]])
    assert sum(told.values()) >= 6, "tshark saw no HL7"
    found = facts(site)[("127.0.0.1", port)]
    assert counts(found["hl7_message"]) == {"ADT^A01": 5, "ADT^A08": 1}
    assert found["hl7_app"] == ["MIRTHAPP"] and found["hl7_facility"] == ["WARD"] and found["hl7_peer"] == ["REGISTRY"]
    assert counts(found["clear_field"])["PatientName"] == 6 and counts(found["clear_field"])["PatientAddress"] == 6
    text = everything(site)
    assert CANARY not in text and "ERIKA" not in text and "19411224" not in text


# --- A network interface

def test_an_interface_is_listened_to_for_as_long_as_was_said(site, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("listening is not for us")
    port = free_port()
    os.mkdir(tmp_path / "out")
    begun = time.monotonic()
    with program(["storescp", "-od", tmp_path / "out", port], "127.0.0.1", port):
        listener = subprocess.Popen([BINARY, "survey", "capture", site.path, "--interface", "lo", "--for", "4"],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1.5)
        run("storescu", "127.0.0.1", port, *images(tmp_path, 2))
        out, err = listener.communicate(timeout=60)
    assert listener.returncode == 0, err
    assert 3.5 < time.monotonic() - begun < 20
    server = facts(site)[("127.0.0.1", port)]
    assert counts(server["dicom_command"]) == {"C-STORE": 2}
    assert CANARY not in everything(site, out, err)


def test_an_interface_that_is_not_there_is_told(site):
    done = site.survey("capture", "--interface", "nosuch0", check=False)
    assert done.returncode == 1 and "nosuch0" in done.stderr


# --- Other writers, other links

def scapy_talk(head, said):
    """A connection whose packets begin with head(from): handshake, what each side said, its end."""
    seq, out = [4294967290, 77], []  # the client's numbers wrap

    def add(who, flags, payload=b""):
        ports = (40000, 2575) if who == 0 else (2575, 40000)
        out.append(head(who) / scapy.TCP(sport=ports[0], dport=ports[1], seq=seq[who], ack=seq[1 - who], flags=flags) /
                   scapy.Raw(payload))
        seq[who] = (seq[who] + len(payload) + ("S" in flags) + ("F" in flags)) % 2 ** 32

    add(0, "S")
    add(1, "SA")
    for who, text in said:
        for i in range(0, len(text), 40):
            add(who, "PA", text[i:i + 40])
    add(0, "FA")
    add(1, "FA")
    return out


SAID = [(0, b"\x0b" + ADT.encode() + b"\x1c\r")]


def test_tags_extension_headers_and_fragments_of_another_writer(site):
    def tagged(who):
        return scapy.Ether(src="00:1a:2b:00:00:01") / scapy.Dot1AD(vlan=7) / scapy.Dot1Q(vlan=9) / scapy.IP(
            src="10.0.0.1" if who == 0 else "10.0.0.2", dst="10.0.0.2" if who == 0 else "10.0.0.1")

    def extended(who):
        a, b = ("fd00::1", "fd00::2") if who == 0 else ("fd00::2", "fd00::1")
        return scapy.Ether() / scapy.IPv6(src=a, dst=b) / scapy.IPv6ExtHdrHopByHop() / scapy.IPv6ExtHdrDestOpt()

    fragments = scapy.fragment(scapy.IP(src="10.0.0.9", dst="10.0.0.2") / scapy.TCP(dport=104) / scapy.Raw(b"x" * 4000))
    path = os.path.join(site.folder, "s.pcap")
    scapy.wrpcap(path, scapy_talk(tagged, SAID) + scapy_talk(extended, SAID) + [scapy.Ether() / f for f in fragments] +
                 [scapy.Ether() / scapy.ARP(), scapy.Ether() / scapy.IP() / scapy.UDP()])
    done = site.survey("capture", path)
    found = facts(site)
    for server in ("10.0.0.2", "fd00::2"):
        assert counts(found[(server, 2575)]["hl7_message"]) == {"ADT^A01": 1}, server
    assert found[("10.0.0.1", 0)]["mac"] == ["00:1a:2b:00:00:01"] or ("10.0.0.1", 0) not in found
    assert ("10.0.0.2", 104) not in found
    assert "0 malformed" in done.stderr


# --- Hostile captures

# A process's peak begins with that of the one it was forked from: this one is small.
LAUNCHER = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
            "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)")


def measured(site, *arguments):
    """The program's outcome and its peak of memory in KiB."""
    done = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, BINARY, "survey", "capture", site.path, *map(str, arguments)],
                          capture_output=True, text=True, errors="replace", timeout=120)
    return done.returncode, done.stdout + done.stderr, int(re.search(r"^peak (\d+)$", done.stdout, re.M).group(1))


PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101)


def record(payload, wire=None):
    return struct.pack("<IIII", 1700000000, 0, len(payload), wire or len(payload)) + payload


def segment(src, dst, sport, dport, seq, flags, payload=b"", fragment=0):
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40 + len(payload), 1, fragment, 64, 6, 0, src, dst)
    return record(ip + struct.pack(">HHIIBBHHH", sport, dport, seq, 1, 0x50, flags, 65535, 0, 0) + payload)


def take(site, name, content, limit=PEAK_KIB):
    path = os.path.join(site.folder, name)
    with open(path, "wb") as f:
        f.write(content)
    code, out, peak = measured(site, path)
    print(f"{name}: {len(content) / 1e6:.1f} MB, exit {code}, {peak / 1024:.0f} MiB")
    assert peak < limit, f"{peak} KiB"
    assert "Sanitizer" not in out
    return code, out


def test_a_flood_of_connections_stays_in_bounds(site):
    flood = b"".join(segment(0x0A000000 + i, 0x0B000000 + i % 999, 1024 + i % 60000, 104, 5, 0x18, b"\x01\x00") for i in range(100000))
    code, out = take(site, "flows.pcap", PCAP + flood)
    assert code == 0 and "100000 records" in out.replace(",", "")


def test_a_flood_of_half_read_associations_stays_in_bounds(site):
    """Each says that a long A-ASSOCIATE-RQ follows, and sends a part of it."""
    head = b"\x01\x00\x00\x01\xf0\x00\x00\x01\x00\x00" + b"x" * 8000
    out = [PCAP]
    for i in range(9000):
        ends = (0x0A000000 + i, 0x0B000001, 1024, 104)
        out += [segment(*ends, 4, 2), segment(*ends, 5, 0x18, head)]
    code, _ = take(site, "halves.pcap", b"".join(out))
    assert code == 0


def test_a_flood_of_segments_that_come_too_early_stays_in_bounds(site):
    out = [PCAP]
    for i in range(400):
        ends = (0x0A000000 + i, 0x0B000001, 1024, 104)
        out.append(segment(*ends, 4, 2))
        out += [segment(*ends, 1000 + k * 2000, 0x18, b"y" * 1400) for k in range(120)]
    code, _ = take(site, "early.pcap", b"".join(out))
    assert code == 0


def test_a_flood_of_fragments_is_passed_over(site):
    flood = b"".join(segment(0x0A000000 + i, 0x0B000001, 1, 2, 5, 0x18, b"z" * 100, fragment=0x2000 + i % 100) for i in range(100000))
    code, out = take(site, "fragments.pcap", PCAP + flood)
    assert code == 0 and not [k for k in facts(site)]


def test_an_endless_http_header_stays_in_bounds(site):
    ends = (0x0A000001, 0x0B000001, 1024, 80)
    out = [PCAP, segment(*ends, 4, 2), segment(0x0B000001, 0x0A000001, 80, 1024, 0, 0x12)]
    out.append(segment(*ends, 5, 0x18, b"GET / HTTP/1.1\r\n"))
    seq = 5 + 16
    for _ in range(40000):
        line = b"X-Name: " + CANARY.encode() * 70 + b"\r\n"
        out.append(segment(*ends, seq, 0x18, line))
        seq += len(line)
    code, text = take(site, "header.pcap", b"".join(out))
    assert code == 0 and CANARY not in everything(site, text)


def test_lying_pdu_lengths_are_no_trouble(site):
    out = [PCAP]
    for i, pdu in enumerate([b"\x04\x00\xff\xff\xff\xff\xff\xff\xff\xfe\x01\x03", b"\x01\x00\xff\xff\xff\xff\x00\x01\x00\x00" + b"A" * 68,
                             b"\x04\x00\x00\x00\x00\x10\x00\x00\xff\xff\x01\x03" + b"B" * 50, b"\x02\x00\x00\x00\x00\x44\x00\x01" + b"\xff" * 70,
                             b"\x0b" + b"M" * 1400]):
        ends = (0x0A000001 + i, 0x0B000001, 1024, 104)
        out += [segment(*ends, 4, 2), segment(0x0B000001, ends[0], 104, 1024, 0, 0x12), segment(*ends, 5, 0x18, pdu)]
        out += [segment(*ends, 5 + len(pdu) + k * 1000, 0x18, b"\x04\x00" * 500) for k in range(50)]
    code, _ = take(site, "lies.pcap", b"".join(out))
    assert code == 0


@pytest.mark.parametrize("content,word", [
    (struct.pack("<IIIHHq", 0x0A0D0D0A, 0x7FFFFFFF, 0x1A2B3C4D, 1, 0, -1), "capture"),
    (struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) + struct.pack("<IIHHII", 1, 20, 1, 0, 0xFFFFFFFF, 20) +
     struct.pack("<II", 6, 0xFFFFFFF0) + b"x" * 100, "breaks off"),
    (struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) + struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20) +
     struct.pack("<IIIIIII", 6, 64, 0, 0, 0, 0x7FFFFFFF, 1) + b"x" * 36, "breaks off"),
    (PCAP + struct.pack("<IIII", 1, 1, 0xFFFFFFFF, 0xFFFFFFFF) + b"x" * 100, "breaks off"),
    (PCAP + b"\x01\x02\x03", "breaks off"),
    (PCAP[:10], "capture"),
    (b"{\"json\": 1}\n" * 100, "capture"),
], ids=["section", "block", "length", "record", "torn", "short", "json"])
def test_absurd_lengths_are_told(site, content, word):
    code, out = take(site, "absurd.pcap", content)
    assert word in out and code in (0, 1)


def test_a_gzip_bomb_is_told_and_bounded(site):
    ends = (0x0A000001, 0x0B000001, 1024, 104)
    bomb = PCAP + segment(*ends, 4, 2) + segment(0x0B000001, 0x0A000001, 104, 1024, 0, 0x12)
    plain = bomb + segment(*ends, 5, 0x18, b"\0" * 1400) * 150000
    code, out = take(site, "bomb.pcap.gz", gzip.compress(plain, 9))
    assert code in (0, 1) and ("breaks off" in out or "limit" in out or "repeats" in out), out


def talks(n):
    """Connections with a greeting of HTTP in each."""
    said = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nServer: Orthanc\r\nContent-Length: 2\r\n\r\nok"
    for i in range(n):
        there, back = (0x0A000000 + i, 0x0B000000 + i % 700, 1024, 8042), (0x0B000000 + i % 700, 0x0A000000 + i, 8042, 1024)
        yield segment(*there, 4, 2) + segment(*back, 8, 0x12) + segment(*there, 5, 0x18, said) + segment(*back, 9, 0x18, answer)
        yield segment(*there, 5 + len(said), 0x11) + segment(*back, 9 + len(answer), 0x11)


def test_a_capture_that_comes_round_again_and_again_counts_once(site, tmp_path):
    """As of a mirror port in a loop: the same packets, over and over."""
    once = b"".join(talks(50))
    code, out = take(site, "loop.pcap", PCAP + once * 400)
    assert code == 0
    plain = Site(tmp_path / "plain")
    os.makedirs(plain.folder)
    assert take(plain, "once.pcap", PCAP + once)[0] == 0
    assert site.survey("evidence", "--json").stdout == plain.survey("evidence", "--json").stdout
    assert site.report()["flows"] == plain.report()["flows"]


def test_a_capture_that_is_stopped_anywhere_goes_on_and_ends_the_same(site, tmp_path):
    plain = Site(tmp_path / "plain")
    os.makedirs(plain.folder)
    path = os.path.join(site.folder, "long.pcap")
    with open(path, "wb") as f:
        f.write(PCAP + b"".join(talks(60000)))
    plain.survey("capture", path, "--survey", "s")
    rounds, wait, done = 0, 0.04, False
    while not done:
        process = subprocess.Popen([BINARY, "survey", "capture", site.path, path, "--survey", "s", "-q"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            done = process.wait(wait) == 0
        except subprocess.TimeoutExpired:
            (process.kill if rounds % 2 else process.terminate)()
            process.wait()
            rounds += 1
            wait = 60 if rounds >= 6 else wait + 0.03
    assert rounds
    assert site.survey("evidence", "--json").stdout == plain.survey("evidence", "--json").stdout
    assert site.report()["flows"] == plain.report()["flows"]


def test_packets_that_were_cut_by_the_snaplen_are_told_and_counted(site, tmp_path):
    port = free_port()
    os.mkdir(tmp_path / "out")
    with program(["storescp", "-od", tmp_path / "out", port], "127.0.0.1", port), Recording(tmp_path, port) as recording:
        run("storescu", "127.0.0.1", port, *images(tmp_path, 3))
    cut = os.path.join(site.folder, "cut.pcap")
    subprocess.run(["editcap", "-s", "400", recording.path, cut], check=True)
    site.survey("capture", cut)
    server = facts(site)[("127.0.0.1", port)]
    assert server["protocol"] == ["dicom"] and counts(server["dicom_command"]).get("C-STORE", 0) <= 3
    runs = site.report()["runs"]
    assert any("cut short by the capture" in json.dumps(r) for r in runs), runs
