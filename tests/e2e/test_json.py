"""Our DICOM JSON (PS3.18 Annex F) against pydicom's, over every sample file. Where pydicom is wrong by the standard, its
answer is put right first; each correction names its paragraph. Then our own round trips."""

import base64
import json
import math
import os
import subprocess
import warnings
from pathlib import Path

import pydicom
import pydicom.datadict
import pytest

BUILD = Path(os.environ.get("LASTRA_BUILD", Path(__file__).resolve().parents[2] / "build"))
DCM2JSON = BUILD / "tests" / "unit" / "dicom" / "dcm2json"
PYDICOM = Path(pydicom.__file__).parent / "data"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "samples" / "dicom"

# Files that hold something else, or nothing that can be read as a data set.
NOT_DICOM = {"README", "rtplan.dump", "rtstruct.dump", "zipMR.gz", "frame_rgb.jpeg", "frame_rgb_empty.jpeg",
             "empty_charset_LEI.txt"}
# Damaged so that the two readers need not agree: a VR that pydicom cannot read, a byte in front of the first element,
# pixel data cut off within a fragment (pydicom drops it).
DAMAGED = {"badVR.dcm", "no_meta.dcm", "emri_small_jpeg_2k_lossless_too_short.dcm"}


def sample_files():
    for folder in (PYDICOM / "test_files", PYDICOM / "charset_files", PYDICOM / "palettes", SHARED):
        for path in sorted(folder.rglob("*")):
            text = path.suffix in (".py", ".txt", ".md", ".json", ".zip", ".tsv")
            if path.is_file() and not text and path.name not in NOT_DICOM:
                yield path


SAMPLES = list(sample_files())
SMALL = [path for path in SAMPLES if path.stat().st_size < 100_000 and path.name not in DAMAGED]


def name(path):
    return path.name


def ours(*args):
    done = subprocess.run([DCM2JSON, *map(str, args)], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def private_elements_stay_unknown(monkeypatch):
    """pydicom guesses VRs of private elements from other people's dictionaries; an unknown one is UN (PS3.5 6.2.2). Standard
    ones that stand as UN it reads by its own, as we do, unless another module's tests have set otherwise."""
    monkeypatch.setattr(pydicom.config, "replace_un_with_known_vr", True)
    monkeypatch.setattr(pydicom.datadict, "private_dictionaries", {})
    monkeypatch.setattr(pydicom.datadict, "private_dictionary_VR", unknown)


def unknown(*_):
    raise KeyError("private")


def swapped(value, vr):
    """F.2.7: InlineBinary is little endian; pydicom gives the bytes of a big endian file as they stand."""
    word = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}.get(vr, 1)
    data = base64.b64decode(value)
    return base64.b64encode(b"".join(data[i:i + word][::-1] for i in range(0, len(data), word))).decode()


def corrected_value(value):
    if isinstance(value, dict) and "Alphabetic" in value:
        # F.2.2: only the component groups that are not empty; F.2.5: an empty value is null.
        groups = {k: v.rstrip(" \0") for k, v in value.items() if v.rstrip(" \0")}
        return groups or None
    if isinstance(value, dict):
        return corrected(value)
    if isinstance(value, str):
        # PS3.5 6.2: trailing spaces are padding, inside a list too. F.2.5: an empty value is null.
        return value.rstrip(" \0") or None
    if isinstance(value, float) and not math.isfinite(value):
        # RFC 8259 has no NaN, which Python would write all the same.
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, int) and value > 2**63 - 1:
        return str(value)  # F.2.3: UV may be a string, to keep its digits
    return value


def corrected_element(tag, element, big_endian, encapsulated):
    element = dict(element)
    if encapsulated and tag == "7FE00010":
        element["vr"] = "OB"  # PS3.5 A.4, whatever an explicit file says
    if "Value" in element:
        element["Value"] = [corrected_value(v) for v in element["Value"]]
        # F.2.5: what is empty has no Value; pydicom gives an empty sequence one.
        if element["Value"] in ([], [None]) and element["vr"] != "SQ" or element["Value"] == []:
            del element["Value"]
    if big_endian and "InlineBinary" in element:
        element["InlineBinary"] = swapped(element["InlineBinary"], element["vr"])
    return element


def corrected(model, big_endian=False, encapsulated=False):
    # F.2.2: group lengths shall not be included.
    return {tag: corrected_element(tag, element, big_endian, encapsulated)
            for tag, element in model.items() if not tag.endswith("0000")}


def theirs(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(path, force=True)
        big = ds.is_little_endian is False
        syntax = getattr(ds, "file_meta", {}).get("TransferSyntaxUID")
        encapsulated = bool(syntax and syntax.is_transfer_syntax and not syntax.is_private and syntax.is_compressed
                            and not syntax.is_deflated)
        return corrected(ds.to_json_dict(), big, encapsulated)


@pytest.mark.parametrize("path", [p for p in SAMPLES if p.name not in DAMAGED], ids=name)
def test_is_what_pydicom_says(path):
    assert ours(path) == theirs(path)


@pytest.mark.parametrize("path", [p for p in SAMPLES if p.name in DAMAGED], ids=name)
def test_damaged_files_end_in_json_or_an_error(path):
    done = subprocess.run([DCM2JSON, str(path)], capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, 1)
    if done.returncode == 0:
        json.loads(done.stdout)


@pytest.mark.parametrize("path", SMALL, ids=name)
def test_does_not_depend_on_how_the_bytes_come(path):
    whole = ours(path)
    for piece in (1, 7, 4096):
        assert ours(path, piece) == whole, piece


def is_deflated(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meta = getattr(pydicom.dcmread(path, force=True, stop_before_pixels=True), "file_meta", {})
    return meta.get("TransferSyntaxUID") == "1.2.840.10008.1.2.1.99"


def without_pixels(model):
    """What a data set in memory keeps: all but Pixel Data, Float and Double Float Pixel Data."""
    return {tag: e for tag, e in model.items() if not tag.startswith("7FE0")}


# A data set in memory is wanted whole: one that is cut short, or whose lengths say so, is refused.
WHOLE = [p for p in SMALL if not is_deflated(p) and "truncated" not in p.name and "nooffset" not in p.name]


@pytest.mark.parametrize("path", WHOLE, ids=name)
def test_a_data_set_in_memory_gives_the_same(path):
    assert without_pixels(ours("--ds", path)) == without_pixels(ours(path))


def read_back(element, wide):
    element = dict(element)
    if element["vr"] == "SQ" and "Value" in element:
        element["Value"] = [all_read_back(item, wide) for item in element["Value"]]
    if "InlineBinary" in element:
        data = base64.b64decode(element["InlineBinary"])
        element["InlineBinary"] = base64.b64encode(data + bytes(len(data) % 2)).decode()
    return element


def all_read_back(model, wide):
    """Text that was read back is UTF-8, which the Specific Character Set then says; odd values have become even (PS3.5
    7.1.1)."""
    changed = {tag: read_back(element, wide) for tag, element in model.items()}
    if wide and "00080005" in model:
        changed["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return changed


@pytest.mark.parametrize("path", SMALL, ids=name)
def test_reads_what_it_writes(path, tmp_path):
    model = ours(path)
    text = json.dumps(model, ensure_ascii=False)
    wide = any(ord(c) > 127 for c in text)
    if wide:
        model.setdefault("00080005", {"vr": "CS"})
    (tmp_path / "model.json").write_text(text, encoding="utf-8")
    assert ours("--json", tmp_path / "model.json") == all_read_back(model, wide)


def test_large_values_become_links_with_their_path():
    path = PYDICOM / "test_files" / "MR_small.dcm"
    model = ours("--bulk", 64, path)
    assert model["7FE00010"] == {"vr": "OW", "BulkDataURI": "bulk:7FE00010"}
    assert model["00280010"] == {"vr": "US", "Value": [64]}


def test_encapsulated_pixel_data_becomes_one_link():
    model = ours("--bulk", 64, PYDICOM / "test_files" / "JPEG2000.dcm")
    assert model["7FE00010"] == {"vr": "OB", "BulkDataURI": "bulk:7FE00010"}
