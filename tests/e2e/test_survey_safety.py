"""The survey's seven safety rules (docs/manual/survey.md), seen from outside: what arrives at servers, which system calls are made, what the
journal says."""

import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from conftest import BINARY, free_port
from survey_site import Site, worker_base


class Counter:
    """Listens on every loopback address (or one); keeps what each connection said, by the address that was called."""

    def __init__(self, speak=None, linger=2.0, address="0.0.0.0"):
        self.speak, self.linger = speak, linger
        self.calls = []  # (address, bytes, when)
        self.lock = threading.Lock()
        self.port = free_port()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, self.port))
        self.socket.listen(1024)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        said, when = bytearray(), time.monotonic()
        entry = [connection.getsockname()[0], said, when]
        with self.lock:
            self.calls.append(entry)
        connection.settimeout(self.linger)
        try:
            if self.speak:
                self.speak(connection, said)
            while True:
                got = connection.recv(65536)
                if not got:
                    break
                said += got
        except OSError:
            pass
        connection.close()

    def by_address(self):
        counts = {}
        with self.lock:
            for address, _, _ in self.calls:
                counts[address] = counts.get(address, 0) + 1
        return counts

    def close(self):
        self.socket.close()


@pytest.fixture
def counter():
    made = []

    def make(*args, **kwargs):
        made.append(Counter(*args, **kwargs))
        return made[-1]

    yield make
    for c in made:
        c.close()


def pdu(kind, payload):
    return struct.pack(">BBI", kind, 0, len(payload)) + payload


def item(kind, payload):
    return struct.pack(">BBH", kind, 0, len(payload)) + payload


def read_pdu(connection, said):
    head = connection.recv(6, socket.MSG_WAITALL)
    if len(head) < 6:
        raise OSError("the end")
    body = connection.recv(struct.unpack(">I", head[2:])[0], socket.MSG_WAITALL)
    said += head + body
    return head[0], body


def contexts_of(request):
    """{context id: abstract syntax} of an A-ASSOCIATE-RQ's payload."""
    found, at = {}, 68
    while at + 4 <= len(request):
        kind, _, length = struct.unpack(">BBH", request[at:at + 4])
        body = request[at + 4:at + 4 + length]
        if kind == 0x20:
            found[body[0]] = body[8:8 + struct.unpack(">H", body[6:8])[0]].decode()
        at += 4 + length
    return found


def accept_all(connection, said):
    """Takes every context, answers a release."""
    _, request = read_pdu(connection, said)
    chosen = b"".join(item(0x21, bytes([i, 0, 0, 0]) + item(0x40, b"1.2.840.10008.1.2")) for i in contexts_of(request))
    user = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4"))
    connection.sendall(pdu(2, request[:68] + item(0x10, b"1.2.840.10008.3.1.1.1") + chosen + user))
    while True:
        kind, _ = read_pdu(connection, said)
        if kind == 5:
            connection.sendall(pdu(6, bytes(4)))


def pdus(said):
    at, found = 0, []
    while at + 6 <= len(said):
        length = struct.unpack(">I", said[at + 2:at + 6])[0]
        found.append((said[at], bytes(said[at + 6:at + 6 + length])))
        at += 6 + length
    return found


def network_calls(command, path):
    """Runs it under strace: the calls that open or use sockets of the Internet families."""
    done = subprocess.run(["strace", "-f", "-e", "trace=%network", "-o", path, *command], capture_output=True, text=True, timeout=60)
    with open(path, errors="replace") as f:
        return done, [line for line in f if "AF_INET" in line]


def test_rule_1_nothing_is_probed_without_a_scope_its_owner_and_its_permission(tmp_path, counter):
    site, server = Site(tmp_path), counter()
    assert site.survey("probe", check=False).returncode == 2
    good = site.scope(["127.0.0.1"], server.port)
    text = open(good, encoding="utf-8").read()
    for line in ("owner = test\n", "permission = the test itself\n", "permitted-until = 2099-12-31\n", "network = 127.0.0.1\n"):
        bad = site.file("bad.conf", text.replace(line, ""))
        done = site.survey("probe", "--scope", bad, "--unlimited", check=False)
        assert done.returncode == 1 and line.split(" =")[0] in done.stderr, done.stderr
    expired = site.file("expired.conf", text.replace("2099", "2020"))
    done = site.survey("probe", "--scope", expired, "--unlimited", check=False)
    assert done.returncode == 1 and "ended on 2020-12-31" in done.stderr
    assert server.calls == []


def test_rule_1_a_public_range_needs_its_own_line(tmp_path):
    site = Site(tmp_path)
    done = site.survey("probe", "--scope", site.scope(["198.51.100.0/24"], 104), check=False)
    assert done.returncode == 1
    assert "scope.conf:4" in done.stderr and "public-network" in done.stderr


def test_rule_1_dry_run_tells_the_plan_and_sends_nothing(tmp_path, counter):
    site, server = Site(tmp_path), counter()
    scope = site.scope(["127.0.0.0/28"], server.port, exclude="127.0.0.8/29", rate=2)
    done, calls = network_calls([BINARY, "survey", "probe", site.path, "--scope", scope, "--dry-run"], str(tmp_path / "calls"))
    assert done.returncode == 0, done.stderr
    for part in ("the test itself", "127.0.0.0/28", "127.0.0.8/29", f"{server.port}/dicom", "at most 8", "2 connections a second"):
        assert part in done.stdout, done.stdout
    assert calls == [] and server.calls == []


def test_rule_2_one_connection_to_each_host_and_port_at_the_rate(tmp_path, counter):
    site, server = Site(tmp_path), counter(accept_all)
    begun = time.monotonic()
    site.survey("probe", "--scope", site.scope([f"{worker_base()}.0.0/28"], server.port, rate=10))
    assert 1.4 < time.monotonic() - begun < 6
    counts = server.by_address()
    assert len(counts) == 16 and set(counts.values()) == {1}
    times = sorted(when for _, _, when in server.calls)
    # Never more in a second than the rate, as the servers saw it.
    assert max(sum(t <= u < t + 0.95 for u in times) for t in times) <= 11


def test_rule_2_the_rate_can_only_be_lowered_and_unlimited_is_for_loopback(tmp_path, counter):
    site, server = Site(tmp_path), counter()
    scope = site.scope(["127.0.0.1"], server.port, rate=3)
    assert site.survey("probe", "--scope", scope, "--rate", 4, check=False).returncode == 1
    other = site.scope(["127.0.0.1", "10.255.255.254"], server.port)
    done = site.survey("probe", "--scope", other, "--unlimited", check=False)
    assert done.returncode == 1 and "loopback" in done.stderr
    assert server.calls == []


def test_rule_2_print_ports_are_refused(tmp_path):
    site = Site(tmp_path)
    for port in (515, 631, 9100):
        done = site.survey("probe", "--scope", site.scope(["127.0.0.1"], f"104, {port}"), check=False)
        assert done.returncode == 1 and "printer" in done.stderr


def test_rule_2_no_raw_packets_no_udp(tmp_path, counter):
    site, server = Site(tmp_path), counter(accept_all)
    scope = site.scope(["127.0.0.0/30"], f"{server.port}, {free_port()}/mllp, {free_port()}/http")
    _, calls = network_calls([BINARY, "survey", "probe", site.path, "--scope", scope, "--unlimited"], str(tmp_path / "calls"))
    opened = [c for c in calls if re.search(r"\bsocket\(", c)]
    assert opened and all("SOCK_STREAM" in c for c in opened)
    assert len([c for c in calls if re.search(r"\bconnect\(", c)]) == 12


def test_rule_2_the_stop_switches_end_it_and_it_goes_on_without_a_second_packet(tmp_path, counter):
    site, server = Site(tmp_path), counter(accept_all)
    scope = site.scope([f"{worker_base()}.1.0/27"], server.port, rate=20)
    for switch in ("signal", "file"):
        stop_file = str(tmp_path / "stop")
        process = subprocess.Popen([BINARY, "survey", "probe", site.path, "--scope", scope, "--stop-file", stop_file],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        seen = len(server.calls)
        until = time.monotonic() + 20
        while len(server.calls) < seen + 3 and time.monotonic() < until:
            time.sleep(0.01)
        if switch == "signal":
            process.send_signal(signal.SIGINT)
        else:
            open(stop_file, "w").close()
        begun = time.monotonic()
        process.communicate(timeout=20)
        assert time.monotonic() - begun < 3
        assert len(server.calls) < 32, "it was stopped before its end"
    os.remove(stop_file)
    site.survey("probe", "--scope", scope)
    counts = server.by_address()
    assert len(counts) == 32 and set(counts.values()) == {1}


def test_rule_2_killed_at_any_moment_no_endpoint_gets_a_second_connection(tmp_path, counter):
    site, server = Site(tmp_path), counter(accept_all)
    hosts = 64
    scope = site.scope([f"{worker_base()}.2.0/26"], server.port, rate=50)
    kills, done = 0, False
    while not done:
        process = subprocess.Popen([BINARY, "survey", "probe", site.path, "--scope", scope, "-q"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        try:
            process.communicate(timeout=0.12 + 0.03 * kills)
            done = process.returncode == 0
            assert done, process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            assert kills < 60
            # Killed after its last act, while it drew conclusions: begun again, it would be a new look, as was asked for.
            done = any(b'"what":"end"' in log.read_bytes() for log in pathlib.Path(site.path, "journal").glob("*.log"))
    assert kills >= 2
    counts = server.by_address()
    assert set(counts.values()) == {1}
    # At this rate up to 5 go together; what was written down and not yet sent when it was killed is left out.
    assert hosts - 5 * kills <= len(counts) <= hosts
    assert len(counts) >= hosts / 2
    assert site.survey("journal").returncode == 0


def test_rule_3_the_request_is_honest_and_released(tmp_path, counter):
    site, server = Site(tmp_path), counter(accept_all)
    site.survey("probe", "--scope", site.scope(["127.0.0.1"], server.port), "--unlimited")
    (_, said, _), = server.calls
    (first, request), (second, _) = pdus(said)
    assert (first, second) == (1, 5)
    assert request[4:20] == b"ANY-SCP".ljust(16) and request[20:36] == b"LASTRA-SURVEY".ljust(16)
    assert contexts_of(request) == {1: "1.2.840.10008.1.1"}
    assert b"LASTRA_" in request and b"2.25.230438178907831574007640271399986339323" in request


def test_rule_3_surface_proposes_more_and_sends_no_command(tmp_path, counter):
    site, server = Site(tmp_path), counter(accept_all)
    done = site.survey("probe", "--scope", site.scope(["127.0.0.1"], server.port), "--unlimited", "--surface", check=False)
    assert done.returncode == 1 and "surface = yes" in done.stderr and server.calls == []
    site.survey("probe", "--scope", site.scope(["127.0.0.1"], server.port, surface="yes"), "--unlimited", "--surface")
    (_, said, _), = server.calls
    (first, request), (second, _) = pdus(said)
    assert (first, second) == (1, 5)
    assert len(contexts_of(request)) == 8
    assert len(said) < 1000


def test_rule_4_a_count_needs_the_grant_and_asks_for_uids_and_counts_alone(tmp_path, counter):
    def three_studies(connection, said):
        def element(group, number, value):
            return struct.pack("<HHI", group, number, len(value)) + value

        def command(status, data):
            fields = (element(0, 2, b"1.2.840.10008.5.1.4.1.2.2.1\0") + element(0, 0x100, struct.pack("<H", 0x8020)) +
                      element(0, 0x120, struct.pack("<H", 1)) + element(0, 0x800, struct.pack("<H", 0 if data else 0x101)) +
                      element(0, 0x900, struct.pack("<H", status)))
            return element(0, 0, struct.pack("<I", len(fields))) + fields

        def p_data(flags, data):
            return pdu(4, struct.pack(">IBB", len(data) + 2, 3, flags) + data)

        _, request = read_pdu(connection, said)
        chosen = b"".join(item(0x21, bytes([i, 0, 0, 0]) + item(0x40, b"1.2.840.10008.1.2")) for i in contexts_of(request))
        connection.sendall(pdu(2, request[:68] + item(0x10, b"1.2.840.10008.3.1.1.1") + chosen +
                               item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4"))))
        read_pdu(connection, said)
        read_pdu(connection, said)
        for i in range(3):
            connection.sendall(p_data(3, command(0xff00, True)) + p_data(2, element(0x10, 0x10, b"CANARY^NAME ") +
                               element(0x20, 0x0d, b"1.2.777.%d " % i) + element(0x20, 0x1208, b"100 ")))
        connection.sendall(p_data(3, command(0, False)))
        read_pdu(connection, said)
        connection.sendall(pdu(6, bytes(4)))

    site, server = Site(tmp_path), counter(three_studies)
    done = site.survey("probe", "--scope", site.scope(["127.0.0.1"], server.port), "--unlimited", "--count", check=False)
    assert done.returncode == 1 and "count = yes" in done.stderr and server.calls == []
    site.survey("probe", "--scope", site.scope(["127.0.0.1"], server.port, count="yes"), "--unlimited", "--count")
    (_, said, _), = server.calls
    kinds = [kind for kind, _ in pdus(said)]
    assert kinds == [1, 4, 4, 5]
    query = pdus(said)[2][1]
    assert query.endswith(b"\x08\0\x52\0\x06\0\0\0STUDY \x20\0\x0d\0\0\0\0\0\x20\0\x08\x12\0\0\0\0") and len(query) == 6 + 30
    facts = site.survey("evidence", "127.0.0.1").stdout
    assert re.search(r"dicom_studies\s+3\b", facts) and re.search(r"dicom_images\s+300\b", facts)
    # No value of a patient anywhere in the folder, encrypted or not.
    for folder, _, names in os.walk(site.path):
        for name in names:
            data = open(os.path.join(folder, name), "rb").read()
            assert b"CANARY" not in data and b"1.2.777" not in data
    assert "CANARY" not in facts and "1.2.777" not in facts


def test_rule_4_a_web_server_is_asked_for_harmless_pages_only(tmp_path, counter):
    def everything_is_fhir(connection, said):
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                got = connection.recv(4096)
                if not got:
                    return
                head += got
            said += head
            body = (b'{"resourceType":"CapabilityStatement","link":"/Patient","more":"/dicom-web/studies"}')
            connection.sendall(b"HTTP/1.1 404 No\r\nLocation: /Patient\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: %d\r\n\r\n%s" %
                               (len(body), body))

    site, server = Site(tmp_path), counter(everything_is_fhir)
    site.survey("probe", "--scope", site.scope(["127.0.0.1"], f"{server.port}/http", contact="survey@hospital.example"), "--unlimited")
    (_, said, _), = server.calls
    requests = bytes(said).decode().split("\r\n\r\n")[:-1]
    assert 1 <= len(requests) <= 4
    for request in requests:
        method, path, _ = request.split("\r\n")[0].split(" ")
        assert method == "GET" and path in ("/", "/metadata", "/fhir/metadata")
        assert "Authorization" not in request and "Cookie" not in request
        assert "User-Agent: Lastra-survey/" in request and "(+survey@hospital.example)" in request


def test_rule_4_mllp_gets_a_connection_and_not_a_byte(tmp_path, counter):
    site, server = Site(tmp_path), counter()
    site.survey("probe", "--scope", site.scope(["127.0.0.1"], f"{server.port}/mllp"), "--unlimited")
    (_, said, _), = server.calls
    time.sleep(0.1)
    assert bytes(said) == b""


def test_rule_5_devices_by_a_patient_get_no_packet(tmp_path, counter):
    site, server = Site(tmp_path), counter(accept_all)
    base = worker_base() + ".3"
    hosts = site.file("hosts.csv", "address,name,role,mac\n"
                      f"{base}.1,icu-7,patient monitor,\n{base}.2,bed-4.icu.example,,\n{base}.3,pump,infusion_pump,\n"
                      f"{base}.4,x,,02:00:5e:00:00:07\n{base}.5,pacs,pacs,\n")
    site.survey("hosts", hosts)
    scope = site.scope([f"{base}.0/29"], server.port, never_name="*.icu.example", never_mac="02:00:5e")
    done, calls = network_calls([BINARY, "survey", "probe", site.path, "--scope", scope, "--unlimited"], str(tmp_path / "calls"))
    assert done.returncode == 0, done.stderr
    assert set(server.by_address()) == {f"{base}.{i}" for i in (0, 5, 6, 7)}
    for i in range(1, 5):
        assert not any(f'"{base}.{i}"' in c for c in calls)


def test_rule_6_import_and_site_lists_send_nothing(tmp_path):
    site = Site(tmp_path)
    hosts = site.file("hosts.csv", "address,name\n127.0.0.1,pacs\n")
    nmap = site.file("scan.xml", '<?xml version="1.0"?><nmaprun scanner="nmap"><host><address addr="127.0.0.1" addrtype="ipv4"/><ports>'
                     '<port protocol="tcp" portid="104"><state state="open"/><service name="dicom"/></port></ports></host></nmaprun>')
    for verb, path in (("hosts", hosts), ("import", nmap)):
        done, calls = network_calls([BINARY, "survey", verb, site.path, path], str(tmp_path / "calls"))
        assert done.returncode == 0, done.stderr
        assert calls == []


def test_rule_7_what_is_sent_stands_in_the_journal_before_it_is_sent(tmp_path, counter):
    """Order of system calls: the line that names an endpoint is written and synced before the connection to it is begun."""
    site, server = Site(tmp_path), counter(accept_all)
    scope = site.scope(["127.0.0.0/30"], server.port, rate=50)
    path = str(tmp_path / "calls")
    done = subprocess.run(["strace", "-f", "-s", "20000", "-e", "trace=connect,sendto,pwrite64,fdatasync,fsync", "-o", path,
                           BINARY, "survey", "probe", site.path, "--scope", scope], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    named, synced, connected, messages, requests = set(), set(), 0, 0, 0
    for line in open(path, errors="replace"):
        connect = re.search(r'connect\(.*sin_port=htons\((\d+)\).*inet_addr\("([\d.]+)"\)', line)
        if "pwrite64" in line and '\\"what\\":\\"connect\\"' in line:
            named |= set(re.findall(r"([\d.]+:\d+)/dicom", line))
        elif "pwrite64" in line and '\\"what\\":\\"sent\\"' in line:
            messages += len(re.findall(r"A-(?:ASSOCIATE|RELEASE)-RQ", line))
        elif "sync(" in line:
            synced |= named
        elif connect:
            assert f"{connect.group(2)}:{connect.group(1)}" in synced, line
            connected += 1
        elif "sendto(" in line:
            requests += 1
            assert requests <= messages, line
    assert connected == 4 and requests == 8
    assert site.survey("journal").returncode == 0
    # A changed line is found.
    log = os.path.join(site.path, "journal", "00000001.log")
    data = bytearray(open(log, "rb").read())
    at = data.index(b"A-ASSOCIATE-RQ")
    data[at] ^= 1
    open(log, "wb").write(data)
    assert site.survey("journal", check=False).returncode == 1
