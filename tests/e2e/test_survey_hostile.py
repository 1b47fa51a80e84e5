"""The survey on bad days: peers, files and words that mean no good, all at once and through the real program. What comes from strangers
reaches neither the terminal nor a report, the journal or the memory as it came."""

import csv
import glob
import gzip
import html
import json
import os
import pty
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import pytest

from conftest import BINARY, free_port
from survey_site import Site, certificate, worker_base
from test_survey_safety import Counter, accept_all, contexts_of, counter, item, network_calls, pdu, pdus, read_pdu  # noqa: F401

PEAK_KIB = 100 * 1024
ESCAPE = "\x1b]0;owned\x07\x1b[2J\x1b[31m<script>alert(1)</script>\u202ecod.exe"
LAUNCHER = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
            "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)")
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def measured(site, verb, *arguments):
    """The program's output and its peak of memory in KiB."""
    done = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, BINARY, "survey", verb, site.path, *map(str, arguments)],
                          capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr, int(re.search(r"^peak (\d+)$", done.stdout, re.M).group(1))


def on_a_terminal(*command):
    """All that it writes to a terminal, progress too."""
    master, slave = pty.openpty()
    process = subprocess.Popen([BINARY, "survey", *map(str, command)], stdout=slave, stderr=slave, stdin=slave)
    os.close(slave)
    said = b""
    while True:
        try:
            got = os.read(master, 65536)
        except OSError:
            break
        if not got:
            break
        said += got
    os.close(master)
    assert process.wait(30) == 0, said
    # The progress line's own: back to its beginning and clear it.
    return said.decode("utf-8", "replace").replace("\r\x1b[K", "\n").replace("\x1b[K", "").replace("\r", "")


def request(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        got = connection.recv(4096)
        if not got:
            raise OSError("the end")
        head += got
    return head


def endless(bytes_):
    def speak(connection, said):
        while True:
            connection.sendall(bytes_ * (65536 // len(bytes_)))
    return speak


def slow(connection, said):
    for byte in b"HTTP/1.1 200 OK\r\nServer: slow" + b"w" * 100000:
        connection.sendall(bytes([byte]))
        time.sleep(0.2)


def bomb(connection, said):
    request(connection)
    body = gzip.compress(b"\0" * (64 << 20), 9)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"%x\r\n%s\r\n" % (len(body), body))


def lies(connection, said):
    read_pdu(connection, said)
    connection.sendall(b"\x02\0\xff\xff\xff\xff\0\1\0\0" + b"\x50\0\xff\xff" * 1000)


def inner_lies(connection, said):
    """An acceptance whose items say that they are longer than it."""
    read_pdu(connection, said)
    connection.sendall(pdu(2, b"\0\1\0\0" + b" " * 64 + b"\x10\0\xff\xff" + b"\x50\0\0\x10\x52\0\xff\xff1.2.3"))


def escapes_dicom(connection, said):
    _, rq = read_pdu(connection, said)
    name = ESCAPE.encode()[:16]
    user = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3\x1b[31m") + item(0x55, name))
    connection.sendall(pdu(2, rq[:68] + item(0x10, b"1.2.840.10008.3.1.1.1") +
                           item(0x21, bytes([1, 0, 0, 0]) + item(0x40, b"1.2.840.10008.1.2")) + user))
    while True:
        kind, _ = read_pdu(connection, said)
        if kind == 5:
            connection.sendall(pdu(6, bytes(4)))


def escapes_http(connection, said):
    evil = ESCAPE.encode()
    while True:
        request(connection)
        body = b"<html><title>DICOM PACS " + evil + b"</title>" + evil + b"</html>"
        connection.sendall(b"HTTP/1.1 200 OK\r\nServer: " + evil + b"\r\nX-Powered-By: " + evil + b"\r\nContent-Length: %d\r\n\r\n" %
                           len(body) + body)


def escapes_text(connection, said):
    connection.sendall(b"220 " + ESCAPE.encode() + b"\r\n")


def every_output(site):
    """Texts of all that the program tells of a folder, by name; the page's as a reader sees it is there too."""
    out = {n: os.path.join(site.folder, "out." + n) for n in ("html", "json", "csv", "findings.csv", "sarif")}
    site.survey("report", "-o", out["html"], "--json", out["json"], "--csv", out["csv"], "--csv-findings", out["findings.csv"],
                "--sarif", out["sarif"])
    texts = {n: open(p, encoding="utf-8").read() for n, p in out.items()}
    texts["terminal"] = on_a_terminal("report", site.path)
    texts["evidence"] = on_a_terminal("evidence", site.path)
    texts["evidence json"] = site.survey("evidence", "--json").stdout
    texts["journal"] = "".join(open(p, encoding="utf-8").read() for p in glob.glob(os.path.join(site.path, "journal", "*.log")))
    return texts


def hold_clean(texts):
    for name, text in texts.items():
        found = CONTROLS.search(text)
        assert not found, (name, text[max(0, found.start() - 80):found.end() + 20])
    assert "<script>alert" not in texts["html"]


def test_hostile_peers_all_at_once(tmp_path, counter):  # noqa: F811
    """Each in time, the whole in bounded memory, and what they say nowhere as it came."""
    site, base = Site(tmp_path), worker_base() + ".9"
    kinds = {"dicom": [endless(b"A"), endless(b"\x02\0\0\0\0\x04"), lies, inner_lies, escapes_dicom, escapes_text, slow],
             "http": [endless(b"A"), endless(b"HTTP/1.1 200 OK\r\nX: y\r\n"), bomb, slow, escapes_http, escapes_text],
             "https": [slow, endless(b"\x16\3\3\x40\0"), lambda c, s: time.sleep(60)],
             "tls": [slow, endless(b"\x16\3\3\x40\0")], "mllp": [endless(b"\x0bMSH|")]}
    # Each at an address of its own, or they would come one after another.
    pairs = [(speak, kind) for kind, speaks in kinds.items() for speak in speaks]
    servers = [(counter(speak, 20, f"{base}.{i + 1}"), kind) for i, (speak, kind) in enumerate(pairs)]
    ports = ", ".join(f"{s.port}/{kind}" for s, kind in servers)
    scope = site.scope([f"{base}.0/27"], ports)
    begun = time.monotonic()
    said, peak = measured(site, "probe", "--scope", scope, "--unlimited")
    assert time.monotonic() - begun < 12, said
    assert peak < PEAK_KIB, peak
    assert not CONTROLS.search(said), said
    for s, _ in servers:
        assert len(s.calls) == 1
    found = {e["port"]: e for e in map(json.loads, site.survey("evidence", "--json").stdout.splitlines())}
    assert {s.port for s, _ in servers} <= set(found), "each is a fact"
    texts = every_output(site)
    hold_clean(texts)
    assert "<script>alert" in texts["evidence"], "its words are shown as words"
    # A banner is kept without its controls, and never in the journal.
    assert "script" not in texts["journal"] and "owned" not in texts["journal"]


def test_words_of_files_reach_the_terminal_without_their_controls(tmp_path):
    """Malformed records, columns, names: notes and diagnoses quote them."""
    site = Site(tmp_path)
    name = site.file("evil.json", "\n".join([
        json.dumps({"ip_str": "198.18.0.1", "port": 104, "data": ESCAPE, "product": ESCAPE, "org": ESCAPE,
                    "hostnames": [ESCAPE], "location": {"country_code": "\x1b[", "city": ESCAPE}, "http": {"title": ESCAPE}}),
        '{"ip_str": "' + ESCAPE + '", "port": "' + ESCAPE + '"}', ESCAPE, '{"ip_str": "198.18.0.2", "' + ESCAPE]) + "\n")
    hosts = site.file("evil.csv", f'address,name,model,role,{ESCAPE}\n198.18.0.3,"{ESCAPE}","{ESCAPE}",pacs,x\n{ESCAPE},a,b,c,d\n')
    xml = site.file("evil.xml", '<?xml version="1.0"?><nmaprun><host><address addr="198.18.0.4" addrtype="ipv4"/><ports><port protocol="tcp" '
                    'portid="104"><state state="open"/><service name="dicom" product="&#x9b;31m&#x202e;x&lt;script&gt;alert(1)"/>'
                    f'</port></ports></host><\x1b[31m>')
    shown = on_a_terminal("import", site.path, name, "--format", "shodan")
    shown += on_a_terminal("hosts", site.path, hosts)
    shown += site.survey("import", xml, check=False).stderr
    assert "malformed" in shown
    found = CONTROLS.search(shown)
    assert not found, shown[max(0, found.start() - 100):found.end() + 20]
    for line in (f"owner = {ESCAPE}", f"network = {ESCAPE}", f"{ESCAPE} = x", ESCAPE):
        done = site.survey("probe", "--scope", site.file("evil.conf", line + "\n"), check=False)
        assert done.returncode == 1 and not CONTROLS.search(done.stderr), done.stderr
    hold_clean(every_output(site))


def test_malformed_json_in_line_3000001_is_named_counted_and_passed_over(tmp_path):
    site = Site(tmp_path)
    path = os.path.join(site.folder, "long.json.gz")
    block = gzip.compress(b"".join(b'{"ip_str":"198.18.%d.%d","port":104,"data":"x"}\n' % (i >> 8 & 15, i & 255) for i in range(30000)), 6)
    with open(path, "wb") as f:
        for _ in range(100):
            f.write(block)
        f.write(gzip.compress(b'{"ip_str":"198.18.0.1","port":104,"data":"cut\n{"ip_str":"203.0.113.77","port":104,"data":"the last one"}\n'))
    said, peak = measured(site, "import", path, "--format", "shodan", "--survey", "s")
    assert "line 3,000,001: not JSON" in said and "3000001 records, 1 malformed" in said, said[-2000:]
    assert peak < PEAK_KIB, peak
    assert "203.0.113.77" in site.survey("evidence", "203.0.113.77").stdout


def test_a_gzip_bomb_of_an_export_is_told_and_bounded(tmp_path):
    site = Site(tmp_path)
    for name, content in (("line", b'{"ip_str":"198.18.0.1","data":"' + b"A" * (300 << 20)), ("blank", b"\n" * (100 << 20)),
                          ("deep", b"[" * (50 << 20))):
        path = os.path.join(site.folder, name + ".json.gz")
        with gzip.open(path, "wb", 9) as f:
            f.write(content)
        done = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, BINARY, "survey", "import", site.path, path, "--format", "shodan"],
                              capture_output=True, text=True, timeout=60)
        peak = int(re.search(r"^peak (\d+)$", done.stdout, re.M).group(1))
        assert peak < PEAK_KIB and done.returncode in (0, 1) and path in done.stderr, done.stderr


CANARY = b"CANARY^VOLUNTEERED"


def volunteer(studies, linger=0.0):
    """Answers a count with patients' names that nobody asked for, without end unless it is cancelled."""
    def element(group, number, value):
        return struct.pack("<HHI", group, number, len(value)) + value

    def command(status, data):
        fields = (element(0, 2, b"1.2.840.10008.5.1.4.1.2.2.1\0") + element(0, 0x100, struct.pack("<H", 0x8020)) +
                  element(0, 0x120, struct.pack("<H", 1)) + element(0, 0x800, struct.pack("<H", 0 if data else 0x101)) +
                  element(0, 0x900, struct.pack("<H", status)))
        return element(0, 0, struct.pack("<I", len(fields))) + fields

    def p_data(flags, data):
        return pdu(4, struct.pack(">IBB", len(data) + 2, 3, flags) + data)

    def speak(connection, said):
        _, rq = read_pdu(connection, said)
        chosen = b"".join(item(0x21, bytes([i, 0, 0, 0]) + item(0x40, b"1.2.840.10008.1.2")) for i in contexts_of(rq))
        connection.sendall(pdu(2, rq[:68] + item(0x10, b"1.2.840.10008.3.1.1.1") + chosen +
                               item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4"))))
        read_pdu(connection, said)
        read_pdu(connection, said)
        for i in range(studies):
            answer = p_data(3, command(0xff00, True)) + p_data(2, element(0x10, 0x10, CANARY) + element(0x20, 0x0d, b"1.2.777.%07d" % i) +
                                                                element(0x20, 0x1208, b"10"))
            for part in (answer[:97], answer[97:]):
                connection.sendall(part)
        connection.settimeout(10)
        kind, cancel = read_pdu(connection, said)
        connection.sendall(p_data(3, command(0xfe00 if kind == 4 else 0, False)))
        while kind != 5:
            kind, _ = read_pdu(connection, said)
        connection.sendall(pdu(6, bytes(4)))
    return speak


def memory_of(pid):
    """All that the process can write to."""
    found = b""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            area, rights = line.split()[:2]
            if "rw" not in rights or "[vv" in line:
                continue
            first, last = (int(x, 16) for x in area.split("-"))
            mem.seek(first)
            try:
                found += mem.read(last - first)
            except OSError:
                pass
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="reading another process's memory needs root")
def test_a_count_stops_at_its_cap_and_keeps_no_value_not_even_in_memory(tmp_path, counter):  # noqa: F811
    site = Site(tmp_path)
    base = worker_base() + ".10"
    server, silent = counter(volunteer(20)), counter(lambda c, s: time.sleep(8), linger=8)
    scope = site.scope([f"{base}.1"], f"{server.port}, {silent.port}/http", count="yes", count_cap=7)
    process = subprocess.Popen([BINARY, "survey", "probe", site.path, "--scope", scope, "--unlimited", "--count"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until = time.monotonic() + 10
    while not silent.calls and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    memory = memory_of(process.pid)
    said, _ = process.communicate(timeout=30)
    assert b"the test itself" in memory, "it was read"
    for word in (CANARY, b"VOLUNTEERED", b"1.2.777."):
        at = memory.find(word)
        assert at < 0, memory[max(0, at - 100):at + 100]
    (_, sent, _), = server.calls
    commands = [body for kind, body in pdus(sent) if kind == 4]
    assert len(commands) == 3 and commands[2][-30:].find(struct.pack("<HHIH", 0, 0x100, 2, 0x0fff)) >= 0, "C-CANCEL-RQ"
    assert [kind for kind, _ in pdus(sent)] == [1, 4, 4, 4, 5]
    assert "dicom_studies            7+" in site.survey("evidence").stdout
    texts = every_output(site) | {"said": said}
    for name, text in texts.items():
        assert "CANARY" not in text and "VOLUNT" not in text and "1.2.777" not in text, name


@pytest.mark.parametrize("location", ["/login?user=admin&password=admin", "/login;token=abc", "/cgi/reboot", "/setup?action=factory",
                                      "//198.51.100.1/x", "http://admin:admin@198.51.100.1/", "/Patient/1", "/a%2f..%2fstudies"])
def test_a_redirect_leads_to_no_sign_in_no_deed_and_no_patient(tmp_path, counter, location):  # noqa: F811
    def elsewhere(connection, said):
        while True:
            said += request(connection)
            connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: " + location.encode() + b"\r\nContent-Length: 0\r\n\r\n")

    site, server = Site(tmp_path), counter(elsewhere)
    site.survey("probe", "--scope", site.scope(["127.0.0.1"], f"{server.port}/http"), "--unlimited")
    (_, said, _), = server.calls
    assert said.count(b"GET ") == 1 and said.startswith(b"GET / HTTP/1.1")


def test_the_journal_names_each_page_that_was_asked_for(tmp_path, counter):  # noqa: F811
    def orthanc(connection, said):
        request(connection)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: app/explorer.html\r\nContent-Length: 0\r\n\r\n")
        request(connection)
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"Version":"1.12.6"}')

    site, server = Site(tmp_path), counter(orthanc)
    site.survey("probe", "--scope", site.scope(["127.0.0.1"], f"{server.port}/http"), "--unlimited")
    journal = open(os.path.join(site.path, "journal", "00000001.log"), encoding="utf-8").read()
    assert f"127.0.0.1:{server.port} GET / " in journal and f"127.0.0.1:{server.port} GET /system " in journal


def test_another_name_of_ours_proves_nothing_of_strangers(tmp_path, counter):  # noqa: F811
    """An AE title that the server may have been told is not one that it cannot know."""
    site, server = Site(tmp_path), counter(accept_all)
    scope = site.scope(["127.0.0.1"], server.port, surface="yes", count="yes")
    for option in ("--surface", "--count"):
        done = site.survey("probe", "--scope", scope, "--unlimited", "--aet", "CT1", option, check=False)
        assert done.returncode == 2 and server.calls == []
    site.survey("probe", "--scope", scope, "--unlimited", "--aet", "CT1")
    facts = site.survey("evidence").stdout
    assert "accepted" in facts and "dicom_any_calling" not in facts and "dicom_service" not in facts


def test_do_not_probe_by_what_was_seen_before_and_the_journal_says_so(tmp_path, counter):  # noqa: F811
    """A network of the scope, a name, a hardware address of a maker of monitors, a type that traffic or a list told of."""
    site, server, base = Site(tmp_path), counter(accept_all), worker_base() + ".11"
    site.survey("hosts", site.file("hosts.csv", f"address,name,role,mac\n{base}.1,icu-7,,\n{base}.2,a,,00:09:fb:01:02:03\n"
                                   f"{base}.3,b,defibrillator,\n{base}.4,c,,\n"))
    xml = ('<?xml version="1.0"?><nmaprun scanner="nmap"><host><address addr="%s.5" addrtype="ipv4"/>'
           '<address addr="00:09:FB:AA:BB:CC" addrtype="mac"/><ports><port protocol="tcp" portid="104"><state state="open"/></port></ports>'
           '</host></nmaprun>') % base
    site.survey("import", site.file("scan.xml", xml), "--survey", "an older one")
    scope = site.scope([f"{base}.0/28"], server.port, never_name="icu-*", exclude=f"{base}.8/29")
    plan = site.survey("probe", "--scope", scope, "--dry-run").stdout
    assert "4 hosts known as devices" in plan, plan
    assert f"{base}.8/29" in plan and server.calls == []
    site.survey("probe", "--scope", scope, "--unlimited", "--survey", "new")
    assert set(server.by_address()) == {f"{base}.{i}" for i in (0, 4, 6, 7)}
    journal = open(os.path.join(site.path, "journal", "00000001.log"), encoding="utf-8").read()
    for i in (1, 2, 3, 5):
        line, = [x for x in journal.splitlines() if '"what":"skip"' in x and f'"{base}.{i}"' in x]
        assert journal.index(line) < journal.index('"what":"sent"'), "before the first packet"
    assert f"{base}.9:" not in journal


def test_a_device_by_a_patient_that_shows_itself_is_asked_nothing_more(tmp_path, counter):  # noqa: F811
    def pump(connection, said):
        said += request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n<html><title>EEG Laboratory</title></html>")

    site, other = Site(tmp_path), counter(accept_all)
    host, neighbour = worker_base() + ".15.1", worker_base() + ".15.2"
    page = counter(pump, 2, host)
    scope = site.scope([host, neighbour], f"{page.port}/http, {other.port}")
    said = site.survey("probe", "--scope", scope, "--unlimited").stderr
    assert other.by_address() == {neighbour: 1} and page.by_address() == {host: 1}
    assert "1 passed over" in said
    journal = open(os.path.join(site.path, "journal", "00000001.log"), encoding="utf-8").read()
    assert f'"what":"skip","where":"{host}"' in journal
    site.survey("probe", "--scope", scope, "--unlimited")
    assert page.by_address() == {host: 1}, "and nothing at all the next time"


def test_a_subnet_in_trouble_rests(tmp_path, counter):  # noqa: F811
    """Connections that are cut without a word: after eight the subnet is left alone for a while, another one goes on."""
    site, base = Site(tmp_path), worker_base()

    def cut(connection, said):
        if connection.getsockname()[0].startswith(base + ".16."):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            raise OSError("cut")
        accept_all(connection, said)

    server = counter(cut)
    scope = site.scope([f"{base}.16.0/26", f"{base}.17.0/26"], server.port, rate=40)
    process = subprocess.Popen([BINARY, "survey", "probe", site.path, "--scope", scope, "-q"], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 10
    healthy = cuts = 0
    while healthy < 64 and time.monotonic() < until:
        time.sleep(0.05)
        found = server.by_address()
        healthy = sum(a.startswith(base + ".17.") for a in found)
        cuts = len(found) - healthy
    assert process.poll() is None, "it waits for the one that rests"
    process.terminate()
    process.wait(10)
    assert healthy == 64 and 8 <= cuts <= 16


def test_shards_of_a_probe_are_the_whole_and_no_host_comes_twice(tmp_path, counter):  # noqa: F811
    server, base = counter(accept_all), worker_base() + ".12"
    seen = []
    for i in range(1, 4):
        part = Site(tmp_path / f"part{i}")
        os.makedirs(part.folder)
        before = dict(server.by_address())
        part.survey("probe", "--scope", part.scope([f"{base}.0/26"], server.port), "--unlimited", "--shard", f"{i}/3")
        seen.append({a for a in server.by_address() if a not in before})
        assert 8 < len(seen[-1]) < 40
    counts = server.by_address()
    assert len(counts) == 64 == sum(map(len, seen)) and set(counts.values()) == {1}
    joined = Site(tmp_path / "joined")
    os.makedirs(joined.folder)
    joined.survey("merge", *[str(tmp_path / f"part{i}" / "site") for i in range(1, 4)])
    assert len(joined.survey("evidence", "--json").stdout.splitlines()) == 64


def test_outside_its_window_nothing_is_sent_and_the_stop_file_still_ends_it(tmp_path, counter):  # noqa: F811
    site, server = Site(tmp_path), counter(accept_all)
    soon = time.localtime(time.time() + 7200)
    later = time.localtime(time.time() + 10800)
    scope = site.scope(["127.0.0.1"], server.port, window=f"{soon.tm_hour:02}:00-{later.tm_hour:02}:00")
    stop = str(tmp_path / "stop")
    process = subprocess.Popen([BINARY, "survey", "probe", site.path, "--scope", scope, "--stop-file", stop],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(0.8)
    assert process.poll() is None and server.calls == []
    open(stop, "w").close()
    said, _ = process.communicate(timeout=5)
    assert "window" in said and "stop file" in said and server.calls == []


def test_the_rate_is_five_a_second_when_nobody_says_another(tmp_path, counter):  # noqa: F811
    site, server, base = Site(tmp_path), counter(accept_all), worker_base() + ".13"
    scope = site.scope([f"{base}.0/29"], server.port)
    assert "rate            5 connections a second" in site.survey("probe", "--scope", scope, "--dry-run").stdout
    site.survey("probe", "--scope", scope)
    times = sorted(when for _, _, when in server.calls)
    assert len(times) == 8 and 1.25 < times[-1] - times[0] < 4


def test_what_was_done_is_counted_once_however_often_it_was_stopped(tmp_path, counter):  # noqa: F811
    site, server, base = Site(tmp_path), counter(accept_all), worker_base() + ".14"
    scope = site.scope([f"{base}.0/27"], server.port, rate=40)
    for _ in range(2):
        process = subprocess.Popen([BINARY, "survey", "probe", site.path, "--scope", scope, "-q"], stderr=subprocess.DEVNULL)
        time.sleep(0.35)
        process.terminate()
        process.wait(10)
    site.survey("probe", "--scope", scope)
    assert len(server.calls) == 32
    journal = open(os.path.join(site.path, "journal", "00000001.log"), encoding="utf-8").read()
    assert journal.count('"what":"stop"') == 2 and '"what":"end","probe":"32 endpoints' in journal


def test_a_scope_of_sixteen_million_addresses_is_planned_stopped_and_taken_up_at_once(tmp_path):
    site = Site(tmp_path)
    private = site.scope(["10.64.0.0/10", "172.16.0.0/12"], "104, 11112")
    begun = time.monotonic()
    said, peak = measured(site, "probe", "--scope", private, "--dry-run")
    assert time.monotonic() - begun < 1 and peak < 48 << 10 and "at most 10485760" in said
    scope = site.scope(["127.0.0.0/8"], free_port(), rate=200)
    seen = []
    for _ in range(2):
        begun = time.monotonic()
        process = subprocess.Popen([BINARY, "survey", "probe", site.path, "--scope", scope], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True)
        time.sleep(0.6)
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as f:
            assert int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) < 48 << 10
        process.terminate()
        assert "goes on" in process.communicate(timeout=5)[1]
        assert time.monotonic() - begun < 2.5
        journal = open(os.path.join(site.path, "journal", "00000001.log"), encoding="utf-8").read()
        seen.append(len(re.findall(r"127\.[\d.]+:\d+/dicom", journal)))
        assert len(set(re.findall(r"127\.[\d.]+:\d+/dicom", journal))) == seen[-1], "none twice"
    assert 20 < seen[0] < seen[1] - 20


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_by_the_same_rules(tmp_path):
    port = free_port()
    server = socket.socket(socket.AF_INET6)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(("::1", port))
    except OSError:
        pytest.skip("no ::1 here")
    server.listen(8)
    said, calls = bytearray(), []

    def serve():
        while True:
            connection, _ = server.accept()
            calls.append(1)
            try:
                connection.settimeout(2)
                accept_all(connection, said)
            except OSError:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    site = Site(tmp_path)
    site.survey("probe", "--scope", site.scope(["::1"], port), "--unlimited")
    assert calls == [1] and [kind for kind, _ in pdus(said)] == [1, 5]
    assert "::1 port" in site.survey("evidence", "::1").stdout
    journal = open(os.path.join(site.path, "journal", "00000001.log"), encoding="utf-8").read()
    assert f"[::1]:{port}/dicom" in journal
    for network in ("2001:db8::/120", "fe80::/9"):
        done = site.survey("probe", "--scope", site.scope([network], port), check=False)
        assert done.returncode == 1 and "public-network" in done.stderr
    site.survey("hosts", site.file("h.csv", "address,role\n::1,ventilator\n"))
    site.survey("probe", "--scope", site.scope(["::1"], port), "--unlimited", "--survey", "again")
    assert calls == [1]
    server.close()


def test_everything_but_a_probe_sends_nothing(tmp_path):
    """Captures, reports, comparisons, joining, looking: no socket of the Internet is opened."""
    site, other = Site(tmp_path), Site(tmp_path / "other")
    os.makedirs(other.folder)
    other.survey("hosts", other.file("h.csv", "address,name,role\n127.0.0.2,server.example,pacs\n"))
    pcap = os.path.join(site.folder, "a.pcap")
    with open(pcap, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
    hosts = site.file("h.csv", "address,name,role\n127.0.0.1,pacs.example,pacs\n")
    site.file("policy.conf", "zone a = 127.0.0.0/8\n")
    out = str(tmp_path / "o")
    for i, command in enumerate([["hosts", site.path, hosts, "-o", out + ".html"], ["capture", site.path, pcap, "--from", "a"],
                                 ["merge", site.path, other.path], ["report", site.path, "--json", out + ".json", "--sarif", out + ".sarif"],
                                 ["evidence", site.path], ["list", site.path], ["journal", site.path], ["accepted", site.path],
                                 ["diff", site.path, "--other", other.path]]):
        done, calls = network_calls([BINARY, "survey", *command], f"{out}.{i}.calls")
        assert done.returncode in (0, 1), (command, done.stderr)
        assert calls == [], command
