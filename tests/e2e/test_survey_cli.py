"""`lastra survey` as its users type it: each source to its report in one command, and what is done with a folder afterwards."""

import gzip
import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

from conftest import BINARY
from survey_site import Site, hospital, simulated_hospital, worker_base


def banner(class_uid, version):
    """What a search engine keeps of a DICOM server."""
    rq = hospital.associate_rq("FINDSCU", "ANY-SCP", "1.2.276.0.7230010.3.0.3.6.0", "OFFIS_DCMTK_360", [(1, hospital.WORKLIST)])
    ac = hospital.Dicom(class_uid, version).answer(rq[6:74], [(1, hospital.WORKLIST, [hospital.IMPLICIT])])
    return "DICOM Server Response\n" + ac.decode("latin-1")


def shodan(address, port=104, class_uid="1.2.276.0.7230010.3.0.3.6.6", version="OFFIS_DCMTK_366", country="IT", **more):
    return json.dumps({"ip_str": address, "port": port, "transport": "tcp", "timestamp": "2026-11-01T10:00:00.000000",
                       "_shodan": {"module": "dicom"}, "data": banner(class_uid, version),
                       "location": {"country_code": country, "city": "Lucca"}, "org": "Example Net", **more})


def export(site, lines, name="export.json.gz"):
    path = os.path.join(site.folder, name)
    with gzip.open(path, "wt", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    return path


def addresses(n, first=0):
    """Addresses that no host has: the documentation's and the benchmark's."""
    return [f"198.18.{(first + i) // 250}.{(first + i) % 250 + 1}" for i in range(n)]


def test_an_export_becomes_a_report_in_one_command(tmp_path):
    site = Site(tmp_path)
    page = str(tmp_path / "out.html")
    done = site.survey("import", export(site, [shodan(a) for a in addresses(20)]), "-o", page)
    assert "20  medical systems" in re.sub(r" {2,}", "  ", done.stdout)
    text = open(page, encoding="utf-8").read()
    assert "198.18.0.1" in text and "DCMTK" in text
    assert oct(os.stat(page).st_mode & 0o777) == "0o600", "a report that names open systems is its owner's alone"
    systems = site.report()["systems"]
    assert len(systems) == 20
    one = systems[0]
    assert one["country"] == "IT" and one["any_calling_ae"] is True and one["toolkit"]["version"] == "3.6.6"
    assert not one["product"]["name"], "a toolkit is no product"
    states = {f["match"] for f in one["findings"] if f.get("cve")}
    assert states == {"potential"}, states


def test_a_capture_becomes_a_report_in_one_command_and_no_value_is_in_it(tmp_path):
    site = Site(tmp_path)
    pcap = str(tmp_path / "day.pcap")
    hospital.write_pcap(pcap, "10.77", canary="CANARY^NOBODY")
    out = {n: str(tmp_path / f"out.{n}") for n in ("html", "json", "csv", "findings.csv", "sarif")}
    done = site.survey("capture", pcap, "--from", "radiology", "-o", out["html"], "--json", out["json"], "--csv", out["csv"],
                       "--csv-findings", out["findings.csv"], "--sarif", out["sarif"])
    everything = done.stdout + done.stderr + site.survey("evidence").stdout
    for path in out.values():
        everything += open(path, encoding="utf-8").read()
    assert "CANARY" not in everything and "Via Roma" not in everything and "19500101" not in everything
    report = json.load(open(out["json"], encoding="utf-8"))
    seen = {f["field"]: f for f in report["clear_fields"]} if isinstance(report["clear_fields"], list) else report["clear_fields"]
    assert "PatientName" in json.dumps(seen) and "PatientBirthDate" in json.dumps(seen)


def test_a_scope_becomes_a_report_in_one_command(tmp_path):
    site, base = Site(tmp_path), worker_base()
    page = str(tmp_path / "out.html")
    with simulated_hospital(tmp_path, base, tls=False) as files:
        site.survey("hosts", files["hosts"])
        with open(files["policy"], encoding="utf-8") as f:
            site.file("site/policy.conf", f.read())
        done = site.survey("probe", "--scope", files["scope"], "--unlimited", "--surface", "--count", "--from", "office", "-o", page)
    assert "Studies reachable" in done.stdout or "studies reachable" in done.stdout
    report = site.report()
    assert sum(x["studies"] or 0 for x in report["systems"]) == 1083, "two Orthancs of 40, a Synapse of 3, and 1,000 of 1,200: the cap"
    kinds = {f["finding"] for s in report["systems"] for f in s["findings"]}
    assert {"segmentation_violation", "accepts_any_calling_ae", "query_open", "studies_reachable"} <= kinds
    assert {s["zone"] for s in report["systems"]} >= {"pacs", "radiology"}
    # What listens but says markup and escapes is neither a system nor raw anywhere.
    shown = site.survey("evidence", f"{base}.40.16").stdout
    assert "\x1b" not in shown and "\x07" not in shown
    assert "<script>alert" not in open(page, encoding="utf-8").read()


def test_two_surveys_are_compared(tmp_path):
    site = Site(tmp_path)
    first = [shodan(a) for a in addresses(100)]
    second = [shodan(a, version="OFFIS_DCMTK_370", class_uid="1.2.276.0.7230010.3.0.3.7.0") for a in addresses(10)]
    second += [shodan(a) for a in addresses(104, first=10)]
    site.survey("import", export(site, first, "old.json.gz"), "--survey", "2025")
    site.survey("import", export(site, second, "new.json.gz"), "--survey", "2026")
    text = site.survey("diff").stdout
    assert "100 systems before, 114 now" in text and "14 new" in text and "0 gone" in text
    assert "DICOM servers: 100 before, 114 now (+14 %)" in text
    rows = json.loads(site.survey("diff", "--json").stdout)
    assert sum(r["what"] == "new" for r in rows) == 14
    assert any(r["what"] == "fixed" and "CVE" in r["finding"] for r in rows), "a newer toolkit mends what the older had"
    names = [s["name"] for s in json.loads(site.survey("list", "--json").stdout)]
    assert names == ["2025", "2026"]
    assert site.survey("diff", "--before", "1999", check=False).returncode == 1


def test_shards_joined_are_the_whole(tmp_path):
    whole, joined = Site(tmp_path / "whole"), Site(tmp_path / "joined")
    os.makedirs(whole.folder)
    os.makedirs(joined.folder)
    path = export(whole, [shodan(a) for a in addresses(300)])
    whole.survey("import", path, "--survey", "s")
    parts = []
    for i in range(1, 4):
        part = Site(tmp_path / f"part{i}")
        os.makedirs(part.folder)
        part.survey("import", path, "--survey", "s", "--shard", f"{i}/3")
        assert 50 < len(part.report()["systems"]) < 150
        parts.append(part.path)
    joined.survey("merge", *parts)
    joined.survey("merge", *parts)
    strip = lambda systems: [{k: v for k, v in s.items() if k != "number"} for s in systems]  # noqa: E731
    assert strip(joined.report()["systems"]) == strip(whole.report()["systems"])


def test_an_import_that_is_killed_goes_on_and_ends_the_same(tmp_path):
    lines = [shodan(a) for a in addresses(20000)]
    lines[3000] = '{"ip_str": "198.18.0.1", "port": 104, "data": "cut'
    plain, killed = Site(tmp_path / "plain"), Site(tmp_path / "killed")
    for site in (plain, killed):
        os.makedirs(site.folder)
    path = export(plain, lines)
    done = plain.survey("import", path, "--survey", "s")
    assert "line 3,001" in done.stderr and "1 malformed" in done.stderr
    rounds = 0
    while True:
        p = subprocess.Popen([BINARY, "survey", "import", killed.path, path, "--survey", "s", "-q"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            p.wait(random.uniform(0.05, 0.4) if rounds < 8 else 120)
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            p.wait()
            rounds += 1
            continue
        assert p.returncode == 0
        break
    assert rounds, "it was killed at least once"
    assert killed.report()["systems"] == plain.report()["systems"]


def test_an_accepted_risk_stands_apart_until_its_day(tmp_path):
    site = Site(tmp_path)
    site.survey("import", export(site, [shodan(a) for a in addresses(3)]))
    site.survey("accept", "cleartext_dicom", "--where", "198.18.0.2", "--owner", "Dr. Bianchi", "--why", "replaced in March",
                "--until", "2099-03-31")
    report = site.report()
    by = {s["address"]: {f["finding"]: f for f in s["findings"]} for s in report["systems"]}
    assert "Dr. Bianchi" in json.dumps(by["198.18.0.2"]["cleartext_dicom"])
    assert "Dr. Bianchi" not in json.dumps(by["198.18.0.1"])
    assert "Dr. Bianchi" in site.survey("accepted").stdout
    assert "Dr. Bianchi" not in json.dumps(site.report("--redact"))
    site.survey("accept", "--withdraw", "1")
    assert "Dr. Bianchi" not in json.dumps(site.report()["systems"])
    for wrong in (["no_such_finding", "--owner", "a", "--why", "b", "--until", "2099-01-01"], ["cleartext_dicom", "--owner", "a"],
                  ["cleartext_dicom", "--owner", "a", "--why", "b", "--until", "soon"], ["--withdraw", "77"]):
        done = site.survey("accept", *wrong, check=False)
        assert done.returncode != 0 and done.stderr.startswith("lastra survey accept: ")


def test_the_journal_names_the_line_that_was_changed(tmp_path):
    site, base = Site(tmp_path), worker_base()
    site.survey("probe", "--scope", site.scope([f"{base}.9.9"], "104, 11112"), "--unlimited")
    assert site.survey("journal").stdout.startswith("whole: ")
    folder = os.path.join(site.path, "journal")
    log = os.path.join(folder, sorted(f for f in os.listdir(folder) if f.endswith(".log"))[0])
    data = bytearray(open(log, "rb").read())
    assert f"{base}.9.9".encode() in data
    at = data.index(f"{base}.9.9".encode())
    data[at + len(base) + 1] = ord("8")
    open(log, "wb").write(data)
    done = site.survey("journal", check=False)
    assert done.returncode == 1 and re.search(r"at line \d+", done.stderr)


def test_nothing_is_made_or_sent_on_wrong_use(tmp_path):
    site = Site(tmp_path)
    cases = [("probe",), ("probe", "--scope", str(tmp_path / "none")), ("import", str(tmp_path / "none.json")),
             ("capture",), ("capture", str(tmp_path / "none.pcap")), ("report",), ("report", "-l", "fr"),
             ("import", export(site, [shodan("198.18.0.1")]), "--shard", "5/4")]
    for verb, *rest in cases:
        done = site.survey(verb, *rest, check=False)
        assert done.returncode in (1, 2), (verb, rest)
        assert done.stderr.splitlines()[-1].startswith(("lastra survey", "Try: ")), done.stderr
        assert not os.path.exists(site.path), "nothing is made for what cannot be done"


def test_only_one_process_works_in_a_folder_and_looking_goes_beside_it(tmp_path):
    site, base = Site(tmp_path), worker_base()
    site.survey("import", export(site, [shodan("198.18.0.1")]))
    scope = site.scope([f"{base}.9.0/28"], "104", rate="5", pause="1")
    p = subprocess.Popen([BINARY, "survey", "probe", site.path, "--scope", scope, "-q"], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        busy = site.survey("import", export(site, [shodan("198.18.0.2")], "b.json.gz"), check=False)
        assert busy.returncode == 1 and "another" in busy.stderr
        assert "198.18.0.1" in site.survey("evidence").stdout
    finally:
        p.send_signal(signal.SIGTERM)
        assert p.wait(30) == 1, "a stopped probe says so"


@pytest.mark.parametrize("line", ["permitted-until = 2020-01-01", "network = 8.8.8.0/24", "ports = 9100", "rate = 0", "nonsense"])
def test_a_scope_that_breaks_a_rule_sends_nothing(tmp_path, line):
    site = Site(tmp_path)
    scope = site.scope([f"{worker_base()}.9.9"], "104")
    text = open(scope, encoding="utf-8").read()
    key = line.split(" = ")[0]
    text = "\n".join(x for x in text.splitlines() if key == "network" or not x.startswith(key + " =")) + f"\n{line}\n"
    done = site.survey("probe", "--scope", site.file("scope.conf", text), "--unlimited", check=False)
    assert done.returncode == 1 and "scope.conf:" in done.stderr, done.stderr
    assert "sent" not in done.stderr
