"""Our decoding and encoding of every Specific Character Set (PS3.3 C.12.1.1.2) against pydicom's and Python's codecs:
every code of every set, and pydicom's sample files."""

import os
import subprocess
import unicodedata
import warnings
from pathlib import Path

import pydicom
import pydicom.charset
import pytest
from pydicom.valuerep import PersonName

BUILD = Path(os.environ.get("LASTRA_BUILD", Path(__file__).resolve().parents[2] / "build"))
DICOMTEXT = BUILD / "tests" / "unit" / "dicom" / "dicomtext"
CHARSET_FILES = Path(pydicom.__file__).parent / "data" / "charset_files"

SINGLE = {"101": "iso8859_2", "109": "iso8859_3", "110": "iso8859_4", "144": "iso8859_5", "127": "iso8859_6",
          "126": "iso8859_7", "138": "iso8859_8", "148": "iso8859_9", "203": "iso8859_15", "166": "tis_620",
          "100": "latin_1"}

# What ISO-IR 87, 159, 149 and 58 have in each code, by way of EUC. (Escape, term, Python's codec, prefix in EUC.)
DOUBLE = {"87": (b"\x1b$B", "euc_jp", b""), "159": (b"\x1b$(D", "euc_jp", b"\x8f"),
          "149": (b"\x1b$)C", "euc_kr", b""), "58": (b"\x1b$)A", "gb2312", b"")}


def ask(lines):
    done = subprocess.run([DICOMTEXT], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300,
                          check=True)
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == len(lines)
    return answers


def decode(terms, vr, values):
    lines = [f"decode {terms.replace(' ', '_') or '-'} {vr} {value.hex()}" for value in values]
    return [bytes.fromhex(answer).decode() for answer in ask(lines)]


def encode(terms, vr, texts):
    lines = [f"encode {terms.replace(' ', '_') or '-'} {vr} {text.encode().hex()}" for text in texts]
    return [None if answer == "-" else bytes.fromhex(answer) for answer in ask(lines)]


@pytest.mark.parametrize("number", SINGLE)
def test_every_code_of_a_single_byte_set(number):
    codes = [bytes([c]) for c in range(0xA0, 0x100)]
    expected = [c.decode(SINGLE[number], errors="replace") for c in codes]
    assert decode(f"ISO_IR {number}", "LO", codes) == expected
    assert decode(f"ISO 2022 IR 6\\ISO 2022 IR {number}", "LO",
                  [escape_of(number) + c for c in codes]) == expected


def escape_of(number):
    return {"100": b"\x1b-A", "101": b"\x1b-B", "109": b"\x1b-C", "110": b"\x1b-D", "144": b"\x1b-L", "127": b"\x1b-G",
            "126": b"\x1b-F", "138": b"\x1b-H", "148": b"\x1b-M", "203": b"\x1b-b", "166": b"\x1b-T"}[number]


@pytest.mark.parametrize("number", DOUBLE)
def test_every_code_of_a_two_byte_set(number):
    escape, codec, prefix = DOUBLE[number]
    top = 0x80 if b")" in escape else 0
    pairs = [(a, b) for a in range(0x21, 0x7F) for b in range(0x21, 0x7F)]
    got = decode(f"\\ISO 2022 IR {number}", "LT", [escape + bytes([a | top, b | top]) for a, b in pairs])
    wrong = []
    for (a, b), text in zip(pairs, got):
        try:
            expected = (prefix + bytes([a | 0x80, b | 0x80])).decode(codec)
        except UnicodeDecodeError:
            expected = "\ufffd"
        if text != expected and not is_newer(text, expected):
            wrong.append((hex(a), hex(b), text, expected))
    assert wrong == []


def is_newer(ours, theirs):
    """glibc's tables are of later editions: KS X 1001 of 2002 has three more signs, GB 18030 of 2005 has characters where
    Python's has private use. Python takes the Hangul filler for the start of something. And a two-byte tilde is not the
    ASCII one (nor any other delimiter)."""
    if theirs == "\ufffd":
        return ours in "€®㉾\u3164"
    return unicodedata.category(theirs) == "Co" or (ours, theirs) == ("～", "~")


@pytest.mark.parametrize("term,codec", [("GBK", "gbk"), ("GB18030", "gb18030")])
def test_every_two_byte_code_of_gb(term, codec):
    pairs = [bytes([a, b]) for a in range(0x81, 0xFF) for b in [*range(0x40, 0x7F), *range(0x80, 0xFF)]]
    wrong = []
    for pair, text in zip(pairs, decode(term, "LO", pairs)):
        try:
            expected = pair.decode(codec)
        except UnicodeDecodeError:
            expected = "\ufffd"
        if text != expected and not is_newer(text, expected):
            wrong.append((pair.hex(), text, expected))
    assert wrong == []


def sample_texts():
    for path in sorted(CHARSET_FILES.glob("*.dcm")):
        ds = pydicom.dcmread(path)
        for element in ds.iterall():
            if element.VR in ("PN", "LO", "SH", "LT", "ST", "UT", "UC") and not element.tag.is_private:
                yield path.name, element


def test_sample_files_hold_text():
    assert sum(1 for _ in sample_texts()) > 100


@pytest.mark.parametrize("path", sorted(CHARSET_FILES.glob("*.dcm")), ids=lambda p: p.name)
def test_names_of_sample_files(path):
    """The bytes of each person name, decoded by us and by pydicom; in items with the set that they inherit."""
    compared = 0
    for raw, terms in raw_names(pydicom.dcmread(path), ""):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = str(PersonName(raw, pydicom.charset.convert_encodings(terms.split("\\"))))
        assert decode(terms, "PN", [raw])[0].rstrip("= ") == theirs.rstrip("= ")
        compared += 1
    assert compared


def raw_names(ds, terms):
    if "SpecificCharacterSet" in ds:
        value = ds.SpecificCharacterSet
        terms = value if isinstance(value, str) else "\\".join(value or [""])
    for element in ds:
        if element.VR == "PN" and element.value:
            for name in [element.value] if element.VM == 1 else element.value:
                yield name.original_string, terms
        elif element.VR == "SQ":
            for item in element.value:
                yield from raw_names(item, terms)


ENCODINGS = ["ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110", "ISO_IR 144", "ISO_IR 127", "ISO_IR 126",
             "ISO_IR 138", "ISO_IR 148", "ISO_IR 203", "ISO_IR 166", "ISO_IR 13", "ISO_IR 192", "GBK", "GB18030",
             "\\ISO 2022 IR 87", "\\ISO 2022 IR 149", "\\ISO 2022 IR 58", "ISO 2022 IR 13\\ISO 2022 IR 87",
             "\\ISO 2022 IR 87\\ISO 2022 IR 159", "ISO 2022 IR 100\\ISO 2022 IR 126\\ISO 2022 IR 144"]


def characters():
    """Some thousand of each script that a set may have."""
    blocks = [(0xA0, 0x600), (0x600, 0x700), (0xE00, 0xE60), (0x3040, 0x3100), (0x4E00, 0x5200), (0xAC00, 0xAE00),
              (0xFF61, 0xFFA0)]
    return [chr(c) for a, b in blocks for c in range(a, b) if unicodedata.category(chr(c))[0] in "LN"]


@pytest.mark.parametrize("terms", ENCODINGS)
def test_what_is_encoded_decodes_to_the_same(terms):
    texts = [f"a{c}b^{c}" for c in characters()]
    values = encode(terms, "PN", texts)
    fitting = [(text, value) for text, value in zip(texts, values) if value is not None]
    assert fitting
    assert decode(terms, "PN", [value for _, value in fitting]) == [text for text, _ in fitting]


def pydicom_can_read(value):
    """It splits names before it decodes them, though the bytes of a two-byte set are no delimiters."""
    return value is not None and value.count(b"=") + value.count(b"\\") == 0 and value.count(b"^") == 1


@pytest.mark.parametrize("terms", [t for t in ENCODINGS if "203" not in t])  # which it does not know
def test_pydicom_reads_what_is_encoded(terms):
    texts = [f"a{c}^{c}" for c in characters()[::7]]
    encodings = pydicom.charset.convert_encodings(terms.split("\\"))
    read = 0
    for text, value in zip(texts, encode(terms, "PN", texts)):
        if not pydicom_can_read(value):
            continue
        # It leaves the escape sequence of ISO 2022 IR 58 in what it decodes.
        assert str(PersonName(value, encodings)).replace("\x1b$)A", "") == text
        read += 1
    assert read


def test_what_does_not_fit_is_refused():
    assert encode("ISO_IR 100", "LO", ["山田", "Łódź", "Grün"]) == [None, None, "Grün".encode("latin_1")]
    assert encode("", "LO", ["Grün", "Grun"]) == [None, b"Grun"]
