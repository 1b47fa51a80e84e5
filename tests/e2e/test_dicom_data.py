"""Data sets as other implementations see them: what we convert is judged by pydicom, DCMTK, GDCM and dciodvfy.

LASTRA_BUILD     the build folder (default: build)
LASTRA_SAMPLES   folders of DICOM files, by ':' (default: Debian's python3-pydicom, and ../shared/samples where it is)
"""

import base64
import json
import os
import re
import struct
import subprocess
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian,
                         ImplicitVRLittleEndian)

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("LASTRA_BUILD", ROOT / "build"))
DCMCOPY = BUILD / "tests" / "unit" / "dicom" / "dcmcopy"
LASTRA = Path(os.environ.get("LASTRA_BIN", BUILD / "src" / "app" / "lastra"))
PYDICOM = Path(pydicom.__file__).parent / "data"
FOLDERS = [Path(p) for p in os.environ.get("LASTRA_SAMPLES", f"{PYDICOM}:{ROOT}/../shared/samples/dicom").split(":") if p]
NATIVE = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
SMALL = 600_000
TRUNCATED = {"rtplan_truncated.dcm", "MR_truncated.dcm", "emri_small_jpeg_2k_lossless_too_short.dcm"}

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def unknown_stays_unknown(monkeypatch):
    """UN is UN: its bytes are the same in every byte order (PS3.5 6.2.2)."""
    monkeypatch.setattr(pydicom.config, "replace_un_with_known_vr", False)


def samples():
    """Every file with a preamble, once by name."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            if path.is_file() and path.stat().st_size <= SMALL:
                with path.open("rb") as f:
                    if f.read(132)[128:] == b"DICM":
                        found.setdefault(path.name, path)
    return list(found.values())


SAMPLES = samples()


def syntax_of(path):
    try:
        return pydicom.filereader.read_file_meta_info(str(path)).TransferSyntaxUID
    except AttributeError:
        return None


# A DICOMDIR holds offsets into itself, which conversion does not keep.
NATIVE_SAMPLES = [p for p in SAMPLES
                  if syntax_of(p) in NATIVE and p.name not in TRUNCATED and not p.name.startswith("DICOMDIR")]


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda p: p.name)


def copy(path, to, uid):
    done = subprocess.run([DCMCOPY, path, to, uid], capture_output=True, text=True)
    assert done.returncode == 0, f"{path}: {done.stderr}"


def comparable(value):
    return value.hex() if isinstance(value, bytes) else value


def flat(ds, big=False, path=()):
    """(path, VR, bytes or text) of every element. Pixel data and other words in the byte order of little endian."""
    out = []
    for elem in ds:
        here = path + (int(elem.tag),)
        if elem.tag.element == 0 and elem.tag.group != 2:
            continue
        if elem.VR == "SQ":
            for i, item in enumerate(elem.value or []):
                out += flat(item, big, here + (i,))
            if not elem.value:
                out.append((here, "SQ", None))
            continue
        value = elem.value
        if isinstance(value, bytes):
            word = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}.get(elem.VR, 1) if big else 1
            if word > 1:
                value = b"".join(value[i:i + word][::-1] for i in range(0, len(value), word))
            value = value + b"\0" * (len(value) % 2)
        elif elem.VR in ("FL", "FD"):
            value = repr(value)
        else:
            value = str(value).rstrip(" \0")
        out.append((here, elem.VR, comparable(value)))
    return out


def read(path):
    ds = pydicom.dcmread(str(path), force=True)
    ds.decode()
    return ds


def is_big(ds):
    return not ds.is_little_endian


def same(a, b, vr_lost):
    """Elements agree; where VRs were lost on the way (implicit VR), only what the bytes tell."""
    assert [x[0] for x in a] == [x[0] for x in b]
    for x, y in zip(a, b):
        if x[1] == y[1]:
            assert x[2] == y[2], (x, y)
        else:
            assert vr_lost, (x[:2], y[:2])


@pytest.mark.parametrize("uid", NATIVE, ids=lambda u: u.name.replace(" ", ""))
@named(NATIVE_SAMPLES)
def test_pydicom_reads_the_same_after_conversion(path, uid, tmp_path):
    out = tmp_path / "out.dcm"
    copy(path, out, uid)
    before, after = read(path), read(out)
    assert after.file_meta.TransferSyntaxUID == uid
    lost = before.is_implicit_VR != after.is_implicit_VR
    same(flat(before, is_big(before)), flat(after, is_big(after)), lost)


def dcmdump(path):
    """DCMTK's view, without what conversion changes (lengths, delimiters, group lengths, meta information) and without
    private elements, whose VRs DCMTK takes from its own dictionary and whose sequences it leaves unread in implicit VR."""
    text = subprocess.run(["dcmdump", "-q", "+L", path], capture_output=True, check=True).stdout
    lines, private = [], None
    for line in text.decode("latin-1").splitlines():
        tag = re.match(r"( *)\(([0-9a-f]{4}),([0-9a-f]{4})\)", line)
        if not tag or tag[2] == "0002" or tag[2] + tag[3] in ("fffee00d", "fffee0dd"):
            continue
        if private is not None and len(tag[1]) > private:
            continue
        private = len(tag[1]) if int(tag[2], 16) % 2 else None
        if private is not None or tag[3] == "0000":
            continue
        line = re.sub(r" *#  *[^#]*$", "", line)
        lines.append(re.sub(r"\(Sequence with .*|\(Item with .*", "", line).rstrip())
    return lines


DCMCONV = {ImplicitVRLittleEndian: "+ti", ExplicitVRLittleEndian: "+te", ExplicitVRBigEndian: "+tb",
           DeflatedExplicitVRLittleEndian: "+td"}


@named([p for p in NATIVE_SAMPLES if p.stat().st_size < 100_000])
def test_dcmtk_sees_what_its_own_converter_makes(path, tmp_path):
    ours, theirs = tmp_path / "ours.dcm", tmp_path / "theirs.dcm"
    for uid, option in DCMCONV.items():
        if uid == syntax_of(path):
            continue
        copy(path, ours, uid)
        subprocess.run(["dcmconv", "-q", option, path, theirs], capture_output=True, check=True)
        assert dcmdump(ours) == dcmdump(theirs), uid.name


def gdcm_tags(path, out):
    """What GDCM makes of a file in explicit little endian: its tags and pixel data; None when it does not take it."""
    if subprocess.run(["gdcmconv", "--explicit", path, out], capture_output=True).returncode != 0:
        return None
    ds = read(out)
    return [e.tag for e in ds if e.tag.element], ds.get("PixelData")


@named([p for p in NATIVE_SAMPLES if p.stat().st_size < 100_000])
def test_gdcm_reads_what_we_convert(path, tmp_path):
    ours = tmp_path / "ours.dcm"
    original = gdcm_tags(path, tmp_path / "a.dcm")
    copy(path, ours, ExplicitVRLittleEndian)
    assert original is None or gdcm_tags(ours, tmp_path / "b.dcm") == original
    # In implicit VR GDCM's older dictionary miswrites sequences that it does not know; it reads the rest.
    copy(path, ours, ImplicitVRLittleEndian)
    done = subprocess.run(["gdcmraw", "-i", ours, "-t", "20,d", "-o", tmp_path / "uid"], capture_output=True, text=True)
    assert done.returncode == 0 or "StudyInstanceUID" not in read(path), done.stderr


def complaints(path):
    """What dciodvfy holds against a file's structure (not its contents)."""
    done = subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace")
    bad = re.compile(r"Error.*(length|delimiter|value representation|VR|tag|order|group)", re.IGNORECASE)
    return {line for line in (done.stdout + done.stderr).splitlines() if bad.search(line)}


@named([p for p in NATIVE_SAMPLES if p.stat().st_size < 100_000])
def test_dciodvfy_has_no_new_complaint_after_conversion(path, tmp_path):
    out = tmp_path / "out.dcm"
    copy(path, out, ExplicitVRLittleEndian)
    assert complaints(out) <= complaints(path)


def tags_of(ds):
    """In the order of the file, items in between."""
    for elem in ds:
        yield f"({elem.tag.group:04x},{elem.tag.element:04x})"
        if elem.VR == "SQ":
            for item in elem.value:
                yield "item"
                yield from tags_of(item)


# An element that stands twice, which pydicom drops; a character set written as UN, which pydicom cannot decode by.
DUMPED = [p for p in SAMPLES if p.name not in TRUNCATED | {"winter.dcm", "explicit_VR-UN.dcm"}]


@named([p for p in DUMPED if not p.name.startswith("DICOMDIR")])
def test_dump_shows_every_element_that_pydicom_finds(path):
    done = subprocess.run([LASTRA, "dump", path], capture_output=True, text=True, errors="strict")
    assert done.returncode == 0, done.stderr
    shown = re.findall(r"^ *(\([0-9a-f]{4},[0-9a-f]{4}\)|item)", done.stdout, re.MULTILINE)
    # pydicom sorts by tag, which a file need not.
    assert sorted(x for x in shown if not x.startswith("(0002,")) == sorted(tags_of(read(path)))


@pytest.mark.parametrize("name", ["rtplan_truncated.dcm", "MR_truncated.dcm"])
def test_dump_of_a_truncated_file_shows_what_is_there_and_fails(name):
    path = next((p for p in SAMPLES if p.name == name), None)
    if path is None:
        pytest.skip("not here")
    done = subprocess.run([LASTRA, "dump", path], capture_output=True, text=True)
    assert done.returncode == 1
    assert "(0010,0010) PN" in done.stdout


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "image_dfl.dcm"])
def test_dump_writes_json_whatever_the_encoding(name):
    done = subprocess.run([LASTRA, "dump", "--json", PYDICOM / "test_files" / name], capture_output=True, check=True)
    model, ds = json.loads(done.stdout), read(PYDICOM / "test_files" / name)
    assert model["00280010"] == {"vr": "US", "Value": [ds.Rows]}
    words = base64.b64decode(model["7FE00010"]["InlineBinary"])
    assert words.hex() == flat(ds[0x7fe00010:], is_big(ds))[0][2]


def test_dump_reads_a_large_file_in_little_memory(tmp_path):
    path, size = tmp_path / "large.dcm", 1 << 29
    with path.open("wb") as f:
        f.write(bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", 20) + b"1.2.840.10008.1.2.1\0")
        f.write(struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, size))
        f.truncate(f.tell() + size)
    limit = ["prlimit", f"--data={64 << 20}"]
    assert subprocess.run([*limit, "/usr/bin/python3", "-c", "b' ' * (80 << 20)"], capture_output=True).returncode != 0
    done = subprocess.run([*limit, LASTRA, "dump", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "(7fe0,0010) OW 0000" in done.stdout
