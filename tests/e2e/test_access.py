"""Who gets in, from the command line to the wire: init, peers, certificates, people, the audit trail and its collector."""

import base64
import json
import os
import re
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml

import pytest

import upper_layer as ul
from conftest import BINARY, ROOT, free_port

sys.path.insert(0, os.path.join(ROOT, "bench"))
import objects  # noqa: E402

CONTEXTS = ((1, ul.VERIFICATION, (ul.IMPLICIT_LE,)), (3, ul.CT_IMAGE, (ul.EXPLICIT_LE,)),
            (5, ul.STUDY_ROOT_FIND, (ul.IMPLICIT_LE,)), (7, ul.STUDY_ROOT_GET, (ul.IMPLICIT_LE,)))
ROLES = ((ul.CT_IMAGE, 1, 1),)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def tls_socket(archive, folder, aet):
    """A connection over TLS with the certificate that was issued to aet."""
    context = ssl.create_default_context(cafile=os.path.join(folder, "authority.pem"))
    context.load_cert_chain(os.path.join(folder, f"{aet}.pem"), os.path.join(folder, f"{aet}.key"))
    plain = socket.create_connection(("127.0.0.1", archive.tls_port), 20)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def over_tls(archive, folder, aet, calling=None, **more):
    return ul.Association(archive.tls_port, calling or aet, sock=tls_socket(archive, folder, aet), **more)


def issue(archive, aet, folder):
    archive.lastra("peer", "cert", archive.data, aet, "--out", str(folder))


def events(archive):
    """The audit trail's messages, parsed; lines of the chain's own are left out."""
    done = archive.lastra("audit", "tail", archive.data, "-n", "1000000", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if "EventIdentification" in line]


def code(event):
    return event["EventIdentification"]["EventID"]["csd-code"]


def of_kind(archive, number):
    return [e for e in events(archive) if code(e) == number]


# --- init


def test_init_makes_an_archive_that_only_its_owner_can_read(archive_factory):
    a = archive_factory()
    for folder, _, files in os.walk(a.data):
        assert mode(folder) == 0o700, folder
        for name in files:
            assert mode(os.path.join(folder, name)) & 0o077 == 0, name
    assert {"authority.key", "authority.pem", "master.key", "server.key", "server.pem"} <= set(
        os.listdir(os.path.join(a.data, "keys")))


def test_init_shows_the_administrators_password_once_and_keeps_it_nowhere(archive_factory):
    a = archive_factory()
    password = re.search(r"^password: +(\S+)", a.init_output.stdout, re.M).group(1)
    assert re.fullmatch(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}", password)
    for folder, _, files in os.walk(a.data):
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                assert password.encode() not in f.read(), name
    assert "admin                administrator" in a.lastra("user", "list", a.data).stdout


def test_init_refuses_a_folder_that_is_not_empty(archive_factory, tmp_path):
    a = archive_factory()
    done = a.lastra("init", a.data, check=False)
    assert done.returncode == 1 and "not empty" in done.stderr
    (tmp_path / "mine").write_text("x")
    assert a.lastra("init", str(tmp_path), check=False).returncode == 1
    assert os.listdir(tmp_path) == ["mine"]


def test_init_that_fails_leaves_nothing_behind(archive_factory, tmp_path):
    a = archive_factory()
    data = str(tmp_path / "data")
    done = a.lastra("init", data, "--name", "not a name", check=False)
    assert done.returncode != 0
    assert not os.path.exists(data) or os.listdir(data) == []
    a.lastra("init", data)


def test_init_under_a_passphrase_needs_it_ever_after(archive_factory, tmp_path):
    a = archive_factory()
    data, secret = str(tmp_path / "data"), tmp_path / "secret"
    secret.write_text("a long passphrase\n")
    known = {**os.environ, "LASTRA_PASSPHRASE_FILE": str(secret)}
    a.lastra("init", data, env=known)
    a.lastra("peer", "list", data, env=known)
    secret.write_text("another passphrase\n")
    done = a.lastra("peer", "list", data, env=known, check=False)
    assert done.returncode == 1 and "passphrase" in done.stderr


# --- peers


@pytest.mark.parametrize("arguments, status, words", [
    (("A\nB", "10.1.2.3"), 2, "cannot be an AE title"),
    (("A" * 65, "10.1.2.3"), 2, "cannot be an AE title"),
    (("A\\B", "10.1.2.3"), 2, "cannot be an AE title"),
    (("CT1", "10.1.2"), 2, "is not a network"),
    (("CT1", "203.0.113.7"), 1, "public network"),
    (("CT1", "0.0.0.0/0"), 1, "public network"),
    (("CT1", "203.0.113.7", "--cleartext", "old"), 1, "private networks only"),
    (("CT1", "10.1.2.3", "--cleartext", " "), 2, "needs a reason"),
    (("CT1", "10.1.2.3", "--grant", "root"), 2, "is no grant"),
    (("CT1", "10.1.2.3", "--to", "WS1"), 2, "--grant move"),
    (("CT1", "10.1.2.3", "--cert", "abc"), 2, "fingerprint"),
    (("CT1", "10.1.2.3", "--host", "ws1.example"), 2, "--port"),
    (("CT1", "10.1.2.3", "--host", "a;b", "--port", "104"), 2, "host name"),
    (("CT1", "10.1.2.3", "--host", "ws1.example", "--port", "104", "--send", "cleartext"), 1, "private address"),
])
def test_peer_add_refuses_what_breaks_a_rule_and_says_why(archive_factory, arguments, status, words):
    a = archive_factory()
    done = a.lastra("peer", "add", a.data, *arguments, check=False)
    assert (done.returncode, words in done.stderr) == (status, True), done.stderr
    assert a.lastra("peer", "list", a.data).stdout == ""


def test_a_peer_without_grants_may_only_verify(archive_factory):
    a = archive_factory()
    a.lastra("peer", "add", a.data, "CT1", "127.0.0.1")
    a.start()
    association = ul.Association(a.port, "CT1", contexts=CONTEXTS)
    assert set(association.accepted) == {1}
    association.release()
    a.stop()


def test_peers_are_listed_shown_and_changed(archive_factory):
    a = archive_factory()
    a.lastra("peer", "add", a.data, "WS1", "10.1.4.9", "--host", "ws1.example", "--port", "2762")
    a.lastra("peer", "add", a.data, "CT1", "10.1.2.0/24", "fd00:1::/64", "--grant", "echo,store,move", "--to", "WS1",
             "--associations", "3", "--bytes", "20M", "--cleartext", "no TLS")
    shown = json.loads(a.lastra("peer", "show", a.data, "CT1", "--json").stdout)
    assert shown == {"aet": "CT1", "networks": ["10.1.2.0/24", "fd00:1::/64"], "cleartext": "no TLS",
                     "certificates": [], "grants": ["echo", "store", "move"], "destinations": ["WS1"],
                     "associations": 3, "bytes_per_second": 20 << 20}
    a.lastra("peer", "change", a.data, "CT1", "--no-cleartext", "--no-from", "fd00:1::/64", "--from", "10.9.0.0/16",
             "--no-limits")
    a.lastra("peer", "revoke", a.data, "CT1", "move")
    a.lastra("peer", "grant", a.data, "CT1", "find", "get")
    shown = json.loads(a.lastra("peer", "show", a.data, "CT1", "--json").stdout)
    assert shown == {"aet": "CT1", "networks": ["10.1.2.0/24", "10.9.0.0/16"], "certificates": [],
                     "grants": ["echo", "store", "find", "get"], "destinations": []}
    assert [p["aet"] for p in json.loads(a.lastra("peer", "list", a.data, "--json").stdout)] == ["CT1", "WS1"]
    a.lastra("peer", "remove", a.data, "WS1")
    done = a.lastra("peer", "show", a.data, "WS1", check=False)
    assert done.returncode == 1 and "there is no peer WS1" in done.stderr


def test_a_change_counts_from_the_next_association_on(archive_factory):
    a = archive_factory()
    a.peer("FIRST")
    a.start()
    with pytest.raises(ul.Refused):
        ul.Association(a.port, "SECOND")
    a.peer("SECOND")
    ul.Association(a.port, "SECOND").release()
    a.lastra("peer", "remove", a.data, "SECOND")
    with pytest.raises(ul.Refused):
        ul.Association(a.port, "SECOND")
    a.stop()


def test_associations_past_a_peers_limit_are_told_so(archive_factory):
    a = archive_factory()
    a.peer("CT1", "127.0.0.1", "echo", "--associations", "2")
    a.start()
    first, second = ul.Association(a.port, "CT1"), ul.Association(a.port, "CT1")
    with pytest.raises(ul.Refused) as e:
        ul.Association(a.port, "CT1")
    assert e.value.args[0] == (2, 3, 2)  # transient, presentation, local limit exceeded
    first.release()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            ul.Association(a.port, "CT1").release()
            break
        except ul.Refused:
            time.sleep(0.05)
    else:
        raise AssertionError("the ended association is still counted")
    second.release()
    a.stop()


def test_a_peer_is_slowed_down_to_its_objects_per_second(archive_factory):
    a = archive_factory()
    a.peer("CT1", "127.0.0.1", "store", "--objects", "20")
    a.start()
    association = ul.Association(a.port, "CT1", contexts=CONTEXTS)
    start = time.monotonic()
    for i in range(40):
        data, uid = objects.data_set(1, 1, i, 4, 4, bytes(32))
        assert association.store(ul.CT_IMAGE, uid, data) == 0
    assert 0.9 < time.monotonic() - start < 10  # 20 at once, 20 more within a second
    association.release()
    a.stop()


# --- certificates


def test_an_issued_certificate_is_its_owners_alone_and_lets_the_peer_in(archive_factory, tmp_path):
    a = archive_factory()
    a.peer("CT1")
    issue(a, "CT1", tmp_path)
    assert mode(tmp_path / "CT1.key") == 0o600 and mode(tmp_path / "CT1.pem") == 0o600
    shown = json.loads(a.lastra("peer", "show", a.data, "CT1", "--json").stdout)
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "CT1.pem").read_text())
    import hashlib
    assert shown["certificates"][0]["sha256"] == hashlib.sha256(der).hexdigest()
    a.start()
    over_tls(a, tmp_path, "CT1").release()
    a.stop()


def test_the_certificate_of_one_peer_is_refused_with_anothers_title(archive_factory, tmp_path):
    a = archive_factory()
    for aet in ("CT1", "CT2", "BARE"):
        a.peer(aet)
    issue(a, "CT1", tmp_path)
    issue(a, "CT2", tmp_path)
    a.start()
    for calling in ("CT2", "BARE", "NOBODY"):
        with pytest.raises(ul.Refused) as e:
            over_tls(a, tmp_path, "CT1", calling)
        assert e.value.args[0] == (1, 1, 3)
    over_tls(a, tmp_path, "CT2").release()
    a.stop()


def test_a_peer_with_a_certificate_is_refused_in_the_clear_even_from_loopback(archive_factory, tmp_path):
    a = archive_factory()
    a.peer("CT1")
    issue(a, "CT1", tmp_path)
    a.start()
    with pytest.raises(ul.Refused) as e:
        ul.Association(a.port, "CT1")
    assert e.value.args[0] == (1, 1, 3)
    a.lastra("peer", "change", a.data, "CT1", "--cleartext", "a test")
    ul.Association(a.port, "CT1").release()
    over_tls(a, tmp_path, "CT1").release()
    a.stop()


def test_a_withdrawn_certificate_is_worth_nothing_from_then_on(archive_factory, tmp_path):
    a = archive_factory()
    a.peer("CT1")
    issue(a, "CT1", tmp_path)
    a.start()
    over_tls(a, tmp_path, "CT1").release()
    a.lastra("peer", "change", a.data, "CT1", "--no-cert", "all")
    with pytest.raises((ul.Aborted, ConnectionError, ssl.SSLError, OSError)):
        over_tls(a, tmp_path, "CT1")
    # neither after the peer was made anew
    a.lastra("peer", "remove", a.data, "CT1")
    a.peer("CT1")
    with pytest.raises((ul.Aborted, ConnectionError, ssl.SSLError, OSError)):
        over_tls(a, tmp_path, "CT1")
    a.stop()


def test_a_certificate_of_the_owners_own_making_is_registered_by_file(archive_factory, tmp_path):
    a = archive_factory()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", tmp_path / "CT1.key", "-out", tmp_path / "CT1.pem", "-subj", "/CN=anything",
                    "-days", "30"], check=True, capture_output=True)
    a.peer("CT1", "127.0.0.1", "echo", "--cert-file", str(tmp_path / "CT1.pem"))
    with open(os.path.join(a.data, "keys", "authority.pem")) as f:
        (tmp_path / "authority.pem").write_text(f.read())
    a.start()
    over_tls(a, tmp_path, "CT1").release()
    a.stop()


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def hospital_issues(folder, name, extensions):
    """A certificate of the hospital's own authority in folder."""
    (folder / "extensions").write_text(extensions)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / f"{name}.key",
            "-out", folder / "request", "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", folder / "request", "-CA", folder / "authority.pem", "-CAkey", folder / "ca.key",
            "-CAcreateserial", "-days", "30", "-extfile", folder / "extensions", "-out", folder / f"{name}.pem")


def test_an_owners_authority_lets_in_whom_it_made_a_certificate_out_to(archive_factory, tmp_path):
    a = archive_factory()
    keys = os.path.join(a.data, "keys")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/CN=Hospital", "-addext", "keyUsage=critical,keyCertSign", "-keyout", tmp_path / "ca.key", "-out",
            tmp_path / "authority.pem")
    hospital_issues(tmp_path, "pacs", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    for aet in ("CT1", "CT2"):
        hospital_issues(tmp_path, aet, "extendedKeyUsage=clientAuth\n")
        a.peer(aet)
    for source, target in (("authority.pem", "authority.pem"), ("pacs.pem", "server.pem"), ("pacs.key", "server.key")):
        with open(os.path.join(keys, target), "w") as f:
            f.write((tmp_path / source).read_text())
    os.remove(os.path.join(keys, "authority.key"))
    done = a.lastra("peer", "cert", a.data, "CT1", "--out", str(tmp_path), check=False)
    assert done.returncode == 1 and "your own authority" in done.stderr
    a.start()
    over_tls(a, tmp_path, "CT1").release()
    for calling in ("CT2", "NOBODY"):
        with pytest.raises(ul.Refused) as e:
            over_tls(a, tmp_path, "CT1", calling)
        assert e.value.args[0] == (1, 1, 3)
    a.lastra("peer", "change", a.data, "CT1", "--cert-file", str(tmp_path / "CT2.pem"))
    with pytest.raises(ul.Refused):
        over_tls(a, tmp_path, "CT1")  # a registered certificate replaces the name as proof
    a.stop()


def test_a_destinations_certificate_serves_it_as_a_server_too(archive_factory, tmp_path):
    """C-MOVE over TLS to a peer that was reached by its registered host, with the certificate issued to it."""
    a = archive_factory()
    port = free_port()
    a.peer("STORER", "127.0.0.1", "store")
    a.peer("WS1", "127.0.0.1", "echo", "--host", "127.0.0.1", "--port", str(port), "--send", "tls")
    issue(a, "WS1", tmp_path)
    a.peer("READER", "127.0.0.1", "move", "--to", "WS1")
    a.start()
    received = tmp_path / "received"
    received.mkdir()
    scp = subprocess.Popen(["storescp", "+tls", str(tmp_path / "WS1.key"), str(tmp_path / "WS1.pem"), "+cf",
                            str(tmp_path / "authority.pem"), "-aet", "WS1", "-od", str(received), str(port)])
    try:
        for _ in range(100):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        data, uid = objects.data_set(1, 1, 1, 4, 4, bytes(32))
        association = ul.Association(a.port, "STORER", contexts=CONTEXTS)
        assert association.store(ul.CT_IMAGE, uid, data) == 0
        association.release()
        move = "1.2.840.10008.5.1.4.1.2.2.2"
        association = ul.Association(a.port, "READER", contexts=((1, move, (ul.IMPLICIT_LE,)),))
        association.request(1, 0x21, move, ul.identifier("STUDY", study=objects.uids(1)[0]), (0x600, b"WS1 "))
        status = 0xFF00
        while status == 0xFF00:
            _, fields, _ = association.read_message()
            status = ul.number(fields, 0x900)
        assert status == 0, fields
        association.release()
        assert len(list(received.iterdir())) == 1
    finally:
        scp.kill()
        scp.wait()
    a.stop()


# --- people


def user(archive, *arguments, password=None, check=True):
    return archive.lastra("user", *arguments, check=check, input=f"{password}\n" if password else None)


def test_people_are_added_locked_and_removed(archive_factory):
    a = archive_factory()
    user(a, "add", a.data, "anna", "--role", "auditor", password="correct horse battery")
    made = user(a, "add", a.data, "berta", "--random").stdout
    assert re.search(r"password: [a-z2-9-]{23}", made)
    user(a, "lock", a.data, "anna")
    listed = {u["name"]: u for u in json.loads(user(a, "list", a.data, "--json").stdout)}
    assert listed["anna"]["locked"] and listed["anna"]["role"] == "auditor"
    assert listed["berta"]["role"] == "reader"
    user(a, "unlock", a.data, "anna")
    user(a, "passwd", a.data, "anna", password="another horse battery")
    user(a, "remove", a.data, "berta")
    assert user(a, "add", a.data, "dora", password="short", check=False).returncode == 2
    assert user(a, "add", a.data, "do ra", password="correct horse battery", check=False).returncode == 2
    last = user(a, "remove", a.data, "admin", check=False)
    assert last.returncode == 1 and "last administrator" in last.stderr
    text = json.dumps(events(a))
    assert "correct horse" not in text and "another horse" not in text
    assert text.count("user added as") == 3 and "password changed" in text and "user removed" in text


# --- the audit trail


def test_every_access_to_patients_data_is_an_event(archive_factory):
    a = archive_factory()
    a.peer("CT1")
    a.start()
    association = ul.Association(a.port, "CT1", contexts=CONTEXTS, roles=ROLES)
    for i in range(3):
        data, uid = objects.data_set(1, 1, i, 4, 4, bytes(32))
        assert association.store(ul.CT_IMAGE, uid, data) == 0
    study = objects.uids(1)[0]
    status, found = association.find(ul.STUDY_ROOT_FIND, ul.identifier("STUDY", study=study))
    assert status == 0 and len(found) == 1
    status, got = association.get(ul.STUDY_ROOT_GET, ul.identifier("STUDY", study=study))
    assert status == 0 and len(got) == 3
    association.release()
    a.stop()

    [query] = of_kind(a, "110112")
    asked = query["ParticipantObjectIdentification"][0]
    assert asked["ParticipantObjectID"] == ul.STUDY_ROOT_FIND
    assert study.encode() in base64.b64decode(asked["ParticipantObjectQuery"])
    transferred = of_kind(a, "110104")
    stored = [e for e in transferred if e["EventIdentification"]["EventActionCode"] == "C"]
    sent = [e for e in transferred if e["EventIdentification"]["EventActionCode"] == "R"]
    assert len(stored) == 1 and len(sent) == 1
    for event, source in ((stored[0], "CT1"), (sent[0], "LASTRA")):
        objects_of = {o["ParticipantObjectIDTypeCode"]["csd-code"]: o for o in event["ParticipantObjectIdentification"]}
        assert objects_of["110180"]["ParticipantObjectID"] == study
        assert objects_of["110180"]["SOPClass"] == [{"UID": ul.CT_IMAGE, "NumberOfInstances": 3}]
        assert objects_of["2"]["ParticipantObjectID"]
        assert event["ActiveParticipant"][0]["UserID"] == source or event["ActiveParticipant"][1]["UserID"] == source
    starts = [e["EventIdentification"]["EventTypeCode"]["csd-code"] for e in of_kind(a, "110100")]
    assert starts == ["110120", "110121"]
    assert "whole" in a.lastra("audit", "verify", a.data).stdout


def test_refusals_and_changes_are_events_with_their_reason(archive_factory):
    a = archive_factory()
    a.peer("US7", "127.0.0.1", "echo", "--cleartext", "speaks no TLS")
    a.start()
    with pytest.raises(ul.Refused):
        ul.Association(a.port, "NOBODY")
    a.stop()
    alerts = of_kind(a, "110113")
    refused = [e for e in alerts if e["EventIdentification"]["EventTypeCode"]["csd-code"] == "110126"]
    assert [p["UserID"] for p in refused[0]["ActiveParticipant"] if p["UserIsRequestor"]] == ["NOBODY"]
    assert "cleartext: speaks no TLS" in json.dumps(alerts)


def test_reading_the_trail_is_an_event_of_it(archive_factory):
    a = archive_factory()
    before = len(of_kind(a, "110101"))
    assert len(of_kind(a, "110101")) == before + 1


def test_the_trail_reads_as_lines_and_as_the_standards_xml(archive_factory):
    a = archive_factory()
    a.peer("CT1")
    lines = a.lastra("audit", "tail", a.data, "-n", "2").stdout.splitlines()
    assert len(lines) == 2 and "Network Configuration" in lines[0] and "CT1" in lines[0]
    for line in a.lastra("audit", "tail", a.data, "--xml").stdout.splitlines():
        message = xml.fromstring(line)
        assert message.tag == "AuditMessage"
        assert [child.tag for child in message][0] == "EventIdentification"
        assert message.find("AuditSourceIdentification").get("AuditSourceID") == "LASTRA"


def test_tail_follows_what_is_written(archive_factory):
    a = archive_factory()
    process = subprocess.Popen([BINARY, "audit", "tail", a.data, "-n", "0", "-f"], stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(0.5)
        a.peer("FOLLOWED")
        assert "FOLLOWED" in process.stdout.readline()
    finally:
        process.send_signal(2)
    assert process.wait(10) == 0


def log_of(archive):
    return os.path.join(archive.data, "audit", "00000001.log")


def meddle(archive, change):
    with open(log_of(archive), "rb") as f:
        lines = f.read().splitlines(keepends=True)
    changed = change(lines)
    with open(log_of(archive), "wb") as f:
        f.write(b"".join(changed))


@pytest.mark.parametrize("change, line", [
    (lambda lines: lines[:3] + [lines[3].replace(b"peer added", b"peer kissed")] + lines[4:], 4),
    (lambda lines: lines[:2] + lines[3:], 3),
    (lambda lines: lines[:3] + [lines[4], lines[3]] + lines[5:], 4),
    (lambda lines: lines[:5], 6),
    (lambda lines: lines + [lines[-1]], 8),
    (lambda lines: lines[:6] + [lines[6][:-20] + b"\n"], 7),
], ids=["changed", "cut out", "exchanged", "cut off", "added", "shortened"])
def test_audit_verify_names_the_line_that_was_meddled_with(archive_factory, change, line):
    a = archive_factory()
    for i in range(5):
        a.peer(f"PEER{i}")
    meddle(a, change)
    done = a.lastra("audit", "verify", a.data, check=False)
    assert done.returncode == 1 and f"line {line}:" in done.stderr, done.stderr


def collect(listener, context, received):
    while True:
        try:
            plain, _ = listener.accept()
            with context.wrap_socket(plain, server_side=True) as s:
                while data := s.recv(65536):
                    received.append(data)
        except (OSError, ssl.SSLError):
            if listener.fileno() < 0:
                return


def frames(data):
    """RFC 5425: octet count, space, message."""
    while data:
        length, _, rest = data.partition(b" ")
        yield rest[:int(length)]
        data = rest[int(length):]


def test_events_reach_a_syslog_collector_over_tls(archive_factory):
    a = archive_factory()
    keys = os.path.join(a.data, "keys")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(keys, "server.pem"), os.path.join(keys, "server.key"))
    context.load_verify_locations(os.path.join(keys, "authority.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))
    received = []
    threading.Thread(target=collect, args=(listener, context, received), daemon=True).start()
    a.set(audit_syslog=f"127.0.0.1:{listener.getsockname()[1]}")
    a.peer("CT1")
    a.start()
    association = ul.Association(a.port, "CT1", contexts=CONTEXTS)
    association.find(ul.STUDY_ROOT_FIND, ul.identifier("STUDY", study="1.2.3"))
    association.release()
    a.stop()
    time.sleep(0.2)
    listener.close()
    messages = [frame for frame in frames(b"".join(received))]
    seen = set()
    for m in messages:
        head, body = m.split(b"\xef\xbb\xbf", 1)
        assert re.fullmatch(rb"<8[45]>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ lastra - DICOM\+RFC3881 - ", head)
        seen.add(xml.fromstring(body).find("EventIdentification/EventID").get("csd-code"))
    assert {"110100", "110112"} <= seen


def test_a_collector_that_is_away_stops_nothing(archive_factory):
    a = archive_factory()
    a.set(audit_syslog=f"127.0.0.1:{free_port()}")
    a.peer("CT1")
    a.start()
    ul.Association(a.port, "CT1").release()
    a.stop()
    assert len(of_kind(a, "110100")) == 2
