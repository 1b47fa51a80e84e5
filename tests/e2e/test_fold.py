"""The folding of every character: the committed table is what its generator makes, and our code does what it says."""

import importlib.util
import os
import subprocess
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("LASTRA_BUILD", ROOT / "build"))
DICOMTEXT = BUILD / "tests" / "unit" / "dicom" / "dicomtext"
TABLE = ROOT / "data" / "fold.tsv"


def generator():
    spec = importlib.util.spec_from_file_location("gen_fold", ROOT / "tools" / "gen_fold.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_what_the_generator_makes(capsys):
    edition = TABLE.read_text(encoding="ascii").split("Unicode ")[1].split(";")[0]
    if edition != unicodedata.unidata_version:
        pytest.skip(f"the table is of Unicode {edition}, this Python of {unicodedata.unidata_version}")
    generator().facts()
    assert capsys.readouterr().out == TABLE.read_text(encoding="ascii")


def test_every_character_folds_as_the_table_says():
    singles, _ = generator().read(TABLE)
    codes = [c for c in range(1, 0x30000) if not 0xD800 <= c < 0xE000]
    lines = "".join(f"fold {chr(c).encode().hex()}\n" for c in codes)
    done = subprocess.run([DICOMTEXT], input=lines, capture_output=True, text=True, timeout=120, check=True)
    answers = [bytes.fromhex(line).decode() for line in done.stdout.split("\n")[:-1]]
    assert answers == ["".join(map(chr, singles.get(c, [c]))) for c in codes]


def test_names_fold_as_people_search_them():
    names = {"Jürgen^Groß": "jurgen^gross", "SØRENSEN^Åse": "sorensen^ase", "Ｙａｍａｄａ^ﾀﾛｳ=山田^太郎": "yamada^タロウ=山田^太郎",
             "O’Connor^Seán^^^": "o'connor^sean", "ΠΑΠΑΔΌΠΟΥΛΟΣ^Γιώργος": "παπαδοπουλοσ^γιωργοσ",
             "Çelik^Işıl": "celik^isil", "Nguyễn^Thị": "nguyen^thi"}
    lines = "".join(f"pn {name.encode().hex()}\n" for name in names)
    done = subprocess.run([DICOMTEXT], input=lines, capture_output=True, text=True, timeout=60, check=True)
    assert [bytes.fromhex(line).decode() for line in done.stdout.split()] == list(names.values())
