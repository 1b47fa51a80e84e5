"""How good the survey is: ground truth made on this machine, the survey's answer beside it, recall and precision by type and product,
and what the probe sent. Prints its tables (pytest -s), and adds them to the file that LASTRA_TABLES names."""

import collections
import os
import signal
import subprocess
import time

import pytest

from conftest import Archive, free_port
from survey_site import Site, hospital, program, simulated_hospital, worker_base

UNTOLD = {"", "unknown_dicom", "modality", "dicom_toolkit"}  # what a system may be called whose type nobody can tell


def tell(line):
    print(line)
    path = os.environ.get("LASTRA_TABLES")
    if path:
        with open(path, "a", encoding="utf-8") as f:
            f.write(line + "\n")


class Score:
    """Counts of one question, by type: right, missed, wrong."""

    def __init__(self, question):
        self.question, self.by = question, collections.defaultdict(lambda: [0, 0, 0])

    def add(self, kind, right=0, missed=0, wrong=0):
        for i, n in enumerate((right, missed, wrong)):
            self.by[kind][i] += n

    def sums(self):
        right, missed, wrong = (sum(row[i] for row in self.by.values()) for i in range(3))
        return right / max(1, right + missed), right / max(1, right + wrong)

    def show(self):
        recall, precision = self.sums()
        rows = [f"  {kind:20} {right:3} right {missed:3} missed {wrong:3} wrong"
                for kind, (right, missed, wrong) in sorted(self.by.items())]
        tell("\n".join([f"{self.question}: recall {recall:.3f}, precision {precision:.3f}"] + rows))


def judge(rows, found):
    """rows: (address, truth); found: {address: [system of the report]}."""
    types, products = Score("type"), Score("product")
    faults = []
    for address, truth in rows:
        here = found.get(address, [])
        names = [(s["product"].get("name") or "") for s in here]
        said = [s["type"] for s in here]
        if truth.kind == "none":
            types.add("none", right=not here, wrong=len(here))
            if here:
                faults.append(f"{address}: a decoy was taken for {said} {names}")
            continue
        if truth.kind:
            right = truth.kind in said
            types.add(truth.kind, right=right, missed=not right, wrong=sum(t != truth.kind for t in said))
            if said != [truth.kind]:
                faults.append(f"{address}: is {truth.kind}, was called {said or 'nothing'}")
        else:
            types.add("untold", right=bool(here), missed=not here, wrong=sum(t not in UNTOLD for t in said))
            if not here or set(said) - UNTOLD:
                faults.append(f"{address}: speaks DICOM, was called {said or 'nothing'}")
        if truth.product:
            right = any(truth.product.lower() in n.lower() for n in names)
            wrong = sum(bool(n) and truth.product.lower() not in n.lower() for n in names)
            products.add(truth.kind, right=right, missed=not right, wrong=wrong)
            if not right or wrong:
                faults.append(f"{address}: is {truth.product}, was called {names}")
        elif truth.kind != "honeypot" and any(names):
            products.add(truth.kind or "untold", wrong=sum(map(bool, names)))
            faults.append(f"{address}: nobody can tell its product, was called {names}")
        if truth.toolkit and not any(truth.toolkit.lower() in (s["toolkit"].get("name") or "").lower() for s in here):
            faults.append(f"{address}: is built with {truth.toolkit}, which was not told")
        if truth.version and not any(s["product"].get("version") == truth.version for s in here):
            faults.append(f"{address}: version {truth.version} was not read: {[s['product'] for s in here]}")
    return types, products, faults


def by_address(report):
    found = collections.defaultdict(list)
    for s in report["systems"]:
        found[s["address"]].append(s)
    return found


def hold(title, types, products, faults):
    tell(title)
    for score in (types, products):
        score.show()
    for f in faults:
        print("  " + f)
    recall, precision = types.sums()
    assert recall >= 0.98 and precision >= 0.98, f"type: recall {recall:.3f}, precision {precision:.3f}: {faults}"
    recall, precision = products.sums()
    assert recall >= 0.95 and precision >= 0.95, f"product: recall {recall:.3f}, precision {precision:.3f}: {faults}"


def sniff(base, path):
    """Packets from this machine's probe to the hospital, by tshark; needs root."""
    return subprocess.Popen(["tshark", "-i", "lo", "-n", "-q", "-w", path, "-f", f"src host 127.0.0.1 and dst net {base}.0.0/16"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def sent(path):
    """{(address, port): (packets, bytes of TCP payload)}."""
    out = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", "-e", "ip.dst", "-e", "tcp.dstport", "-e", "tcp.len"],
                         capture_output=True, text=True, check=True).stdout
    sums = collections.defaultdict(lambda: [0, 0])
    for line in out.splitlines():
        address, port, n = line.split("\t")
        sums[address, int(port)][0] += 1
        sums[address, int(port)][1] += int(n)
    return sums


def test_the_simulated_hospital_is_told_by_type_and_product_and_no_decoy_is_taken(tmp_path):
    site, base = Site(tmp_path), worker_base()
    with simulated_hospital(tmp_path, base) as files:
        site.survey("probe", "--scope", files["scope"], "--unlimited", "--surface", "--count")
    rows = [(f"{base}.{host}", truth) for _, _, host, _, truth in hospital.systems()]
    hold("The survey and the simulated hospital", *judge(rows, by_address(site.report())))


@pytest.mark.skipif(os.geteuid() != 0, reason="capturing needs root")
def test_a_probe_sends_at_most_12_packets_and_2_kB_to_a_port(tmp_path):
    site, base = Site(tmp_path), worker_base()
    pcap = str(tmp_path / "sent.pcapng")
    with simulated_hospital(tmp_path, base) as files:
        sniffer = sniff(base, pcap)
        while "Capturing" not in sniffer.stderr.readline():
            assert sniffer.poll() is None
        time.sleep(1)
        site.survey("probe", "--scope", files["scope"], "--unlimited")
        time.sleep(1)
        sniffer.send_signal(signal.SIGINT)
        sniffer.wait(30)
    sums = sent(pcap)
    ports = {(f"{base}.{host}", port) for _, _, host, ports, _ in hospital.systems() for port in ports}
    assert ports <= set(sums), "every open port was asked"
    rows = [f"  {address}:{port:<6} {packets:3} packets {size:5} bytes"
            for (address, port), (packets, size) in sorted(sums.items()) if (address, port) in ports]
    tell("\n".join(["What the probe sent to each open port"] + rows))
    worst = max(sums.items(), key=lambda kv: kv[1])
    assert max(p for p, _ in sums.values()) <= 12, worst
    assert max(n for _, n in sums.values()) <= 2000, worst


def test_real_servers_are_told(tmp_path):
    """DCMTK's and Orthanc's own programs and our own archive, as they are installed here."""
    base = worker_base().replace("127.", "127.1")
    address = [f"{base}.5.{i}" for i in range(1, 7)]
    port = [free_port() for _ in range(7)]
    (tmp_path / "received").mkdir()
    (tmp_path / "wl" / "ANY-SCP").mkdir(parents=True)  # the folder is the AE title
    (tmp_path / "wl" / "ANY-SCP" / "lockfile").touch()
    (tmp_path / "qr").mkdir()
    (tmp_path / "archive").mkdir()
    (tmp_path / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port[1]}\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n"
        f"VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nANY-SCP {tmp_path}/qr RW (10, 100mb) ANY\nAETable END\n")
    (tmp_path / "orthanc.json").write_text(
        '{"Name": "x", "StorageDirectory": "%s/o", "IndexDirectory": "%s/o", "DicomPort": %d, "HttpPort": %d, '
        '"RemoteAccessAllowed": true, "AuthenticationEnabled": false, "DicomAlwaysAllowEcho": true}'
        % (tmp_path, tmp_path, port[3], port[4]))
    archive = Archive(str(tmp_path / "archive"))
    truth = hospital.Truth
    version = subprocess.run(["storescp", "--version"], capture_output=True, text=True).stdout
    dcmtk = next(w[1:] for w in version.split() if w.startswith("v3.")).rstrip(",")
    orthanc = subprocess.run(["Orthanc", "--version"], capture_output=True, text=True).stdout.split()[1]
    with program(["storescp", "-od", tmp_path / "received", port[0]], address[0], port[0]), \
            program(["dcmqrscp", "-c", tmp_path / "dcmqrscp.cfg"], address[1], port[1]), \
            program(["wlmscpfs", "-dfp", tmp_path / "wl", port[2]], address[2], port[2]), \
            program(["Orthanc", tmp_path / "orthanc.json"], address[3], port[4]):
        archive.start()
        try:
            site = Site(tmp_path)
            # Each server listens on every address: a row of the truth is an address with one port of its own.
            rows = [(address[0], port[0], truth("dicom_toolkit", "", "", "", "DCMTK")),
                    (address[1], port[1], truth("pacs", "", "", "", "DCMTK")),
                    (address[2], port[2], truth("worklist", "", "", "", "DCMTK")),
                    (address[3], port[3], truth("pacs", "Orthanc", "Orthanc", orthanc, "DCMTK"))]
            results = {}
            for a, p, _ in rows:
                each = Site(tmp_path / a)
                os.makedirs(each.folder)
                both = f"{p}, {port[4]}/http" if p == port[3] else str(p)
                each.survey("probe", "--scope", each.scope([a], both, surface="yes"), "--unlimited", "--surface")
                results[a] = by_address(each.report()).get(a, [])
            hold("The survey and real servers", *judge([(a, t) for a, _, t in rows], results))
            assert results[address[0]][0]["toolkit"]["version"] == dcmtk
            # Our own archive is closed: it tells a stranger nothing, and so there is nothing to report.
            site.survey("probe", "--scope", site.scope(["127.0.0.1"], str(archive.port)), "--unlimited")
            assert site.report()["systems"] == []
        finally:
            archive.stop()
