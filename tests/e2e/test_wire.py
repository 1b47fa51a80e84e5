"""What we put on the wire, judged by tshark: captured on loopback, every PDU dissected, nothing malformed."""

import os
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bench"))
import objects  # noqa: E402


class Capture:
    """dumpcap on loopback for one port; root may."""

    def __init__(self, port, path):
        self.port, self.path = port, path
        self.process = subprocess.Popen(["dumpcap", "-q", "-i", "lo", "-f", f"tcp port {port}", "-w", path],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 20
        while not os.path.exists(path) or os.path.getsize(path) == 0:
            assert self.process.poll() is None, self.process.stderr.read().decode()
            assert time.monotonic() < end, "dumpcap does not begin"
            time.sleep(0.05)
        time.sleep(0.3)

    def stop(self):
        time.sleep(0.7)
        self.process.terminate()
        self.process.wait(20)

    def fields(self, display_filter, *fields):
        command = ["tshark", "-r", self.path, "-d", f"tcp.port=={self.port},dicom", "-Y", display_filter, "-T", "fields"]
        for f in fields:
            command += ["-e", f]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.splitlines() if line.strip()]


@pytest.mark.parametrize("client", ["lastra", "dcmtk"])
def test_tshark_finds_nothing_malformed_in_what_we_send(archive, client, tmp_path):
    archive.peer("LASTRA", "127.0.0.1", "echo,store,find,get")
    folder = tmp_path / "slices"
    objects.slices(str(folder), 3, rows=128, columns=128, first_study=5)
    study = objects.uids(5)[0]
    capture = Capture(archive.port, str(tmp_path / "wire.pcapng"))
    got = tmp_path / "got"
    got.mkdir()
    if client == "lastra":
        peer = f"LASTRA@127.0.0.1:{archive.port}"
        archive.lastra("echo", peer)
        archive.lastra("send", peer, str(folder))
        archive.lastra("find", peer, "-k", "PatientName=*")
        archive.lastra("get", peer, "-k", f"StudyInstanceUID={study}", "-d", str(got))
    else:
        target = ["-aec", "LASTRA", "127.0.0.1", str(archive.port)]
        subprocess.run(["echoscu", *target], check=True)
        subprocess.run(["storescu", *target, "+sd", str(folder)], check=True)
        keys = ["-S", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}"]
        subprocess.run(["findscu", *keys, *target], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["getscu", *keys, "-od", str(got), *target], check=True)
    capture.stop()
    assert len(list(got.iterdir())) == 3
    kinds = {int(k, 0) for line in capture.fields("dicom.pdu.type", "dicom.pdu.type") for k in line.split(",")}
    assert kinds == {1, 2, 4, 5, 6}, "associate, data and release, and no rejection or abort"
    ours = f"tcp.srcport == {archive.port}" if client == "dcmtk" else "tcp"
    assert not capture.fields(f"({ours}) && _ws.malformed", "frame.number", "_ws.expert.message")
    assert not capture.fields(f"({ours}) && dicom && _ws.expert.severity == error", "frame.number", "_ws.expert.message")
