"""The survey's report in each format, made from real inventories by the fixture program of the unit tests."""

import csv
import html.parser
import io
import json
import os
import re
import shutil
import subprocess

import jsonschema
import pytest

from conftest import BINARY, ROOT
from survey_site import Site, simulated_hospital, worker_base

BUILD = os.path.dirname(os.path.dirname(os.path.dirname(BINARY)))
FIXTURE = os.path.join(BUILD, "tests", "unit", "survey", "report", "survey_report_fixture")
SCHEMA = os.path.join(ROOT, "docs", "manual", "survey-report.schema.json")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VOID = {"meta", "br", "img", "link", "hr", "input"}
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": "\" onmouseover=\"alert(1)\" x='",
    "closing": "</title></style></table></main><iframe src=//evil>",
    "terminal": "\x1b[2J\x1b]0;owned\x07",
    "direction": "\u202efdp.exe\u2066",
    "formula": "=cmd|' /C calc'!A0",
    "json": "\"},{\"type\":\"pacs\"}],\"x\":[{\"a\":\"\\",
    "newlines": "a\r\nSet: x\n\n\"b\",c",
    "entity": "&lt;b&gt; &#0; &amp",
    "long": "A" * 10000,
}


def make(folder, kind, *more):
    done = subprocess.run([FIXTURE, kind, str(folder), *more], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    make(folder, "study", "en", "pdf")
    return folder


def read(folder, name):
    return (folder / name).read_bytes().decode("utf-8")


class Page(html.parser.HTMLParser):
    """What stands in a page: tags with their attributes, texts, and whether it nests."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.texts, self.faults = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        if data.strip() and self.open[-1:] != ["style"]:
            self.texts.append(data.strip())


ALLOWED = set("html head meta title style body main header footer nav section article h1 h2 h3 h4 p a b i small span code br ul ol li dl dt dd div table "
              "caption thead tbody tfoot tr th td figure figcaption svg g defs pattern rect line polyline circle text".split())
ATTRIBUTES = set("lang charset http-equiv content name class id aria-labelledby aria-label aria-hidden role href rel scope colspan "
                 "viewbox preserveaspectratio x y x1 x2 y1 y2 width height rx cx cy r points fill patternunits patterntransform".split())


def check_page(text):
    page = Page(text)
    assert not page.faults and not page.open
    assert {t for t, _ in page.tags} <= ALLOWED
    for tag, attributes in page.tags:
        assert set(attributes) <= ATTRIBUTES, (tag, attributes)
        for name in ("href",):
            target = attributes.get(name)
            assert target is None or re.match(r"#[a-z]+$|https://[a-z0-9.-]+/?", target), target
    policy = [a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    return page


def test_page_is_self_contained_and_nests(study):
    text = read(study, "report.html")
    page = check_page(text)
    assert "url(http" not in text and "@import" not in text and " on" not in {a[:3] for _, x in page.tags for a in x}
    assert [a["lang"] for t, a in page.tags if t == "html"] == ["en"]


def test_page_is_accessible(study):
    page = check_page(read(study, "report.html"))
    names = [t for t, _ in page.tags]
    assert names.count("h1") == 1 and names.count("h2") == 14
    assert names.count("table") == names.count("caption")
    assert names.count("figure") == names.count("figcaption") >= 5
    charts = [a for t, a in page.tags if t == "svg" and a.get("aria-hidden") != "true"]
    assert charts and all(a.get("role") == "img" and a.get("aria-label") for a in charts)
    headings = [int(t[1]) for t in names if re.fullmatch("h[1-4]", t)]
    assert all(b - a <= 2 for a, b in zip(headings, headings[1:]))
    targets = {a["href"][1:] for t, a in page.tags if t == "a" and a.get("href", "").startswith("#")}
    assert targets <= {a["id"] for _, a in page.tags if "id" in a}


def test_json_follows_its_schema(study, tmp_path):
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    make(tmp_path, "secret", "it", "redact")
    for folder in (study, tmp_path):
        jsonschema.Draft202012Validator(schema).validate(json.loads(read(folder, "report.json")))


def test_formats_agree(study):
    document = json.loads(read(study, "report.json"))
    systems = list(csv.DictReader(io.StringIO(read(study, "systems.csv"), newline="")))
    findings = list(csv.DictReader(io.StringIO(read(study, "findings.csv"), newline="")))
    sarif = json.loads(read(study, "report.sarif"))
    real = [s for s in systems if s["type"] != "honeypot"]
    counts = document["summary"]["counts"]
    assert len(real) == counts["systems"] == 300 and len(document["systems"]) == len(systems) == 302
    assert sum(s["open_to_anyone"] == "yes" for s in real) == counts["open_to_anyone"]
    assert sum(s["cleartext"] == "yes" for s in real) == counts["unencrypted"]
    for column in ("vulnerable_product", "vulnerable_component", "vulnerable_asserted", "version_unknown", "exploited", "public"):
        assert sum(s[column] == "yes" for s in real) == counts[column], column
    assert sum(int(s["studies"] or 0) for s in real) == document["summary"]["studies"]
    assert len(findings) == document["summary"]["findings"] == len(sarif["runs"][0]["results"])
    assert [s["number"] for s in systems] == [s["number"] for s in document["systems"]]
    vulnerabilities = [f for f in findings if f["finding"] in ("vulnerability", "vulnerable_toolkit") and f["cve"]]
    assert len(vulnerabilities) == document["summary"]["vulnerabilities"] > 0
    assert sum(float(f["cvss"] or 0) >= 7 for f in vulnerabilities) == document["summary"]["vulnerabilities_severe"] > 0
    assert sum(not f["cvss"] for f in vulnerabilities) == document["summary"]["vulnerabilities_unscored"]
    suppressed = sum(bool(r["suppressions"]) for r in sarif["runs"][0]["results"])
    assert suppressed == document["summary"]["findings_accepted"] == sum(f["accepted_until"] >= "2026-11-22" for f in findings) > 0
    page = " ".join(Page(read(study, "report.html")).texts)
    assert f"{document['summary']['studies']:,}" in page
    by_type = {t["type"]: t["counts"]["systems"] for t in document["types"]}
    assert by_type["pacs"] == 140 and by_type["honeypot"] == 2


TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}, "additionalProperties": False}
SARIF = {  # what of sarif-schema-2.1.0.json concerns us
    "type": "object", "required": ["version", "runs", "$schema"], "additionalProperties": False,
    "properties": {"$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"}, "runs": {"type": "array", "minItems": 1, "items": {
        "type": "object", "required": ["tool", "results"], "additionalProperties": False,
        "properties": {
            "automationDetails": {"type": "object", "required": ["id"]},
            "tool": {"type": "object", "required": ["driver"], "properties": {"driver": {
                "type": "object", "required": ["name", "rules"],
                "properties": {"semanticVersion": {"pattern": r"^\d+\.\d+\.\d+"}, "language": {"pattern": "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$"},
                               "rules": {"type": "array", "uniqueItems": True, "items": {
                                   "type": "object", "required": ["id", "shortDescription", "defaultConfiguration"], "additionalProperties": False,
                                   "properties": {"id": {"type": "string"}, "shortDescription": TEXT, "fullDescription": TEXT, "help": TEXT,
                                                  "properties": {"type": "object"},
                                                  "defaultConfiguration": {"properties": {"level": {"enum": ["none", "note", "warning", "error"]}}}}}}}}}},
            "results": {"type": "array", "items": {
                "type": "object", "required": ["ruleId", "message", "locations", "partialFingerprints"], "additionalProperties": False,
                "properties": {
                    "ruleId": {"type": "string"}, "ruleIndex": {"type": "integer", "minimum": 0}, "level": {"enum": ["none", "note", "warning", "error"]},
                    "message": TEXT, "properties": {"type": "object"},
                    "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
                    "suppressions": {"type": "array", "items": {
                        "type": "object", "required": ["kind"], "additionalProperties": False,
                        "properties": {"kind": {"enum": ["inSource", "external"]}, "status": {"enum": ["accepted", "underReview", "rejected"]},
                                       "justification": {"type": "string"}}}},
                    "locations": {"type": "array", "items": {
                        "type": "object", "additionalProperties": False,
                        "properties": {"logicalLocations": {"type": "array", "minItems": 1, "items": {
                            "type": "object", "additionalProperties": False,
                            "properties": {"name": {"type": "string"}, "fullyQualifiedName": {"type": "string"}, "kind": {"type": "string"}}}}}}}}}}}}}}}


def test_sarif_is_well_formed(study):
    document = json.loads(read(study, "report.sarif"))
    jsonschema.Draft202012Validator(SARIF).validate(document)
    run = document["runs"][0]
    rules = [r["id"] for r in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules) >= 25
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    prints = [tuple(r["partialFingerprints"].values()) for r in run["results"]]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_banner_in_every_format(name, tmp_path):
    evil = HOSTILE[name]
    for language in ("en", "it"):
        make(tmp_path, "hostile:" + evil, language)
        page = check_page(read(tmp_path, "report.html"))
        assert any(evil[:6].strip() and evil[:3] in t or "\\x" in t or "[U+" in t for t in page.texts)
        document = json.loads(read(tmp_path, "report.json"))
        assert len(document["systems"]) == 2 and len(json.loads(read(tmp_path, "report.sarif"))["runs"][0]["results"]) == 3
        with open(SCHEMA, encoding="utf-8") as f:
            jsonschema.Draft202012Validator(json.load(f)).validate(document)
        for sheet, rows in (("systems.csv", 2), ("findings.csv", 3)):
            text = read(tmp_path, sheet)
            table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
            assert len(table) == rows + 1 and len({len(r) for r in table}) == 1
            assert not any(c[:1] in "=+-@\t" for r in table for c in r if c)
            assert max(len(c) for r in table for c in r) <= 420
        for file in ("report.html", "report.json", "report.sarif", "systems.csv", "findings.csv", "report.txt"):
            text = read(tmp_path, file)
            assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", text), file
        assert "A" * 1700 not in read(tmp_path, "report.html")
        lines = read(tmp_path, "report.txt").splitlines()
        assert len(lines) <= 24 and max(map(len, lines)) <= 80


def words():
    with open(os.path.join(ROOT, "src", "survey", "report", "words.def"), encoding="utf-8") as f:
        return re.findall(r'^WORD\((\w+), "(.*?)", "(.*)"\)$', f.read(), re.M)


def test_every_word_has_both_languages():
    table = words()
    with open(os.path.join(ROOT, "src", "survey", "report", "words.def"), encoding="utf-8") as f:
        assert len(table) == len(re.findall(r"^WORD\(", f.read(), re.M)) > 250
    assert len({i for i, _, _ in table}) == len(table)
    assert all(i == "blank" or (en and it) for i, en, it in table)


@pytest.mark.parametrize("kind", ["study", "empty"])
@pytest.mark.parametrize("more", [(), ("redact",)])
def test_italian_report_holds_no_english_word(kind, more, tmp_path):
    make(tmp_path, kind, "it", *more)
    source = read(tmp_path, "report.html")
    page = check_page(source)
    assert [a["lang"] for t, a in page.tags if t == "html"] == ["it"]
    fixed = set(page.texts) | {a["aria-label"] for _, a in page.tags if a.get("aria-label")} | set(read(tmp_path, "report.txt").splitlines())
    italian = {it for _, _, it in words()}
    for identifier, english, translated in words():
        if english == translated or english in italian:
            continue
        parts = [p.strip() for p in re.split(r"\{\d\}", english) if len(p.strip()) > 2]
        for part in parts:
            if part in italian or any(part in it for it in italian):
                continue
            whole = re.compile(r"(?<!\w)" + re.escape(part) + r"(?!\w)")
            # A short word may stand in a name that evidence gives; a phrase may not.
            hits = [t for t in fixed if (whole.search(t) if part.count(" ") >= 2 else t == part)]
            assert not hits, (identifier, hits)


def test_evidence_is_told_in_the_language_of_the_report(tmp_path):
    """A list, a capture and a probe of the simulated hospital: segmentation, notes of runs, findings of many kinds."""
    base, site = worker_base(), Site(tmp_path)
    with simulated_hospital(tmp_path, base, tls=False) as files:
        for verb, name in (("hosts", "hosts"), ("capture", "pcap")):
            site.survey(verb, files[name], "--quiet", "--policy", files["policy"])
        scope = site.scope([f"{base}.1.16/28", f"{base}.10.0/28"], "104,4242,8042,11112", surface="yes", count="yes")
        site.survey("probe", "--scope", scope, "--unlimited", "--surface", "--count", "--from", "office", "--quiet", "--policy", files["policy"])
    names = {kind: str(tmp_path / f"it.{kind}") for kind in ("html", "json", "csv", "sarif")}
    site.survey("report", "--language", "it", "-o", names["html"], "--json", names["json"], "--csv-findings", names["csv"], "--sarif", names["sarif"])
    with open(names["json"], encoding="utf-8") as f:
        document = json.load(f)
    with open(SCHEMA, encoding="utf-8") as f:
        jsonschema.Draft202012Validator(json.load(f)).validate(document)
    findings = [f for s in document["systems"] for f in s["findings"]]
    assert len({f["finding"] for f in findings}) >= 10
    assert all(f["evidence"] and f["evidence_it"] and f["evidence"] != f["evidence_it"] for f in findings if f["finding"] != "honeypot_suspected")
    with open(names["html"], encoding="utf-8") as f:
        texts = check_page(f.read()).texts
    assert not set(texts) & {f["evidence"] for f in findings}
    told = {f["evidence_it"] for f in findings if f["finding"] == "segmentation_violation"}
    assert told and len(told & set(texts)) >= min(25, len(told)) // 2
    for note in (r"record, \d+ malformati$", r"pacchetti, \d+ di TCP", r"punti di accesso: \d+ aperti"):
        assert any(re.search(note, t) for t in texts), note
    english = re.compile(r"\b(reached|was accepted|the policy|was spoken|records|malformed|packets|refused|silent)\b")
    assert [t for t in texts if english.search(t)] == []
    with open(names["csv"], encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    assert [(r["evidence"][:300], r["evidence_it"][:300]) for r in rows] == [(f["evidence"][:300], f["evidence_it"][:300]) for f in findings]
    several = [r for r in rows if r["finding"] in ("possible_vulnerability", "asserted_vulnerability")]
    assert several and all(not r["cve"] and r["cves"].startswith("CVE-") for r in several)
    assert all(r["cves"] == r["cve"] for r in rows if r["cve"])
    with open(names["sarif"], encoding="utf-8") as f:
        results = json.load(f)["runs"][0]["results"]
    assert all(r["message"]["text"].endswith(f["evidence_it"][:300]) for r, f in zip(results, findings) if len(f["evidence_it"]) < 300)


def test_a_version_that_an_engine_says_is_never_one_that_was_read(tmp_path):
    site = Site(tmp_path)
    export = site.file("export.csv", "ip,port,country,product,version,title\n"
                       "20.1.1.1,80,US,OpenEMR,5.0.0,\n20.1.1.2,80,US,OpenEMR,5.0.0,OpenEMR Login\n20.1.1.3,80,US,OpenEMR,99.0,OpenEMR Login\n")
    site.survey("import", export, "--quiet")
    report = site.report()
    assert [(s["product"]["version"], s["verification"]) for s in report["systems"]] == [
        ("5.0.0", "product named"), ("5.0.0", "product named"), ("99.0", "product named")]
    counts = report["summary"]["counts"]
    assert counts["vulnerable_product"] == 0 and counts["vulnerable_asserted"] == 2 and counts["vulnerable_any"] == 2


def test_redacted_report_names_nobody(tmp_path):
    with open(os.path.join(ROOT, "tests", "unit", "survey", "report", "fixture.c"), encoding="utf-8") as f:
        block = re.search(r"fixture_secrets\[\] = \{(.*?)NULL", f.read(), re.S).group(1)
    secrets = re.findall(r'"([^"]+)"', block)
    assert len(secrets) >= 15
    full, redacted = tmp_path / "full", tmp_path / "redacted"
    found = {}
    for folder, more in ((full, ()), (redacted, ("redact",))):
        folder.mkdir()
        make(folder, "secret", "en", *more)
        text = "".join(read(folder, n) for n in os.listdir(folder)).lower()
        found[folder] = {s for s in secrets if s.lower() in text}
    assert found[redacted] == set()
    assert found[full] == set(secrets)
    for name in ("report.html", "report.json", "systems.csv", "findings.csv", "report.sarif"):
        assert "S-0001" in read(redacted, name) and "S-0001" in read(full, name)


def test_pdf_has_the_text(study):
    done = subprocess.run(["pdftotext", "-layout", str(study / "report.pdf"), "-"], capture_output=True, text=True, check=True)
    for want in ("Survey of medical systems", "open to anyone", "Three things to do first", "Method and definitions", "1,200,482", "S-0001"):
        assert want in done.stdout, want
    first = done.stdout.split("\f")[0]
    assert "Three things to do first" in first and "Against the survey before" in first  # one page for the director
    info = subprocess.run(["pdfinfo", str(study / "report.pdf")], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Page size:\s+59[45]\.\d+ x 84[12]", info), info
    assert os.stat(study / "report.pdf").st_mode & 0o077 == 0


def test_without_a_browser_the_pdf_says_what_to_do(tmp_path):
    done = subprocess.run([FIXTURE, "empty", str(tmp_path), "en", "pdf"], capture_output=True, text=True, env={"PATH": str(tmp_path)})
    assert done.returncode == 1 and "chromium" in done.stderr and "print it" in done.stderr
    assert not (tmp_path / "report.pdf").exists()


def test_a_browser_that_fails_leaves_nothing_behind(tmp_path):
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    done = subprocess.run([FIXTURE, "empty", str(tmp_path), "en", "pdf"], capture_output=True, text=True,
                          env={"PATH": f"{tmp_path}:/bin:/usr/bin", "TMPDIR": str(tmp_path / "tmp")})
    assert done.returncode == 1 and "status 3" in done.stderr
    assert os.listdir(tmp_path / "tmp") == []


def browser(folder, *arguments):
    return subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0",
                           f"--user-data-dir={folder}/profile", "--host-resolver-rules=MAP * ~NOTFOUND", *arguments],
                          capture_output=True, text=True, timeout=120)


def test_chromium_shows_the_page(study, tmp_path):
    shot = tmp_path / "shot.png"
    done = browser(tmp_path, "--window-size=1000,1400", f"--screenshot={shot}", f"file://{study}/report.html")
    assert shot.read_bytes()[:4] == b"\x89PNG" and shot.stat().st_size > 50000
    assert "CONSOLE" not in done.stderr, done.stderr  # a refusal by the policy would be told there


def test_chromium_runs_nothing_of_a_hostile_page(tmp_path):
    make(tmp_path, "hostile:<script>document.title='owned'</script><img src=x onerror=document.title='owned'>", "en")
    done = browser(tmp_path, "--dump-dom", f"file://{tmp_path}/report.html")
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.S).group(1)
    assert "owned" not in title or title.startswith("Survey of medical systems")
    assert "<script" not in done.stdout and "<img" not in done.stdout


def test_fifty_thousand_systems_stay_within_memory(tmp_path):
    out = make(tmp_path, "many:50000")
    assert int(re.search(r"memory (\d+) KiB", out).group(1)) < 100 * 1024
    page = read(tmp_path, "report.html")
    assert len(page) < 2 << 20 and "49,700" in page
    with open(tmp_path / "systems.csv", encoding="utf-8") as f:
        assert sum(1 for _ in f) == 50001
    with open(tmp_path / "report.json", encoding="utf-8") as f:
        document = json.load(f)
    assert len(document["systems"]) == 50000 and len(document["products"]) == 2049
    assert sum(p["counts"]["systems"] for p in document["products"]) == document["summary"]["counts"]["systems"]
    shutil.rmtree(tmp_path)  # 180 MB
