"""The checks of the tree itself: layers and style hold, and the checkers notice when they do not."""

import os
import subprocess
import sys

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import check_layers  # noqa: E402
import check_style  # noqa: E402

TABLE = """# Plan
## Layers
    base   words about it, which are no row
    io     the only layer: with system calls

    base:
    io: base
    dimse: base
    serve/dimse: base io dimse
    app: all

After.

## Else
    other: base
"""


def run(tmp_path, files, table=TABLE):
    src = tmp_path / "src"
    for name, text in files.items():
        path = src / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "table.md").write_text(table)
    p = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "check_layers.py"), "--src", str(src), "--table",
                        str(tmp_path / "table.md")], capture_output=True, text=True)
    return p.returncode, p.stdout.splitlines()


def test_the_tree_keeps_its_layers():
    p = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "check_layers.py")], capture_output=True, text=True)
    assert p.returncode == 0, p.stdout


def test_the_tree_keeps_its_style():
    p = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "check_style.py")], capture_output=True, text=True)
    assert p.returncode == 0, p.stdout


GOOD = {"base/str.h": "", "io/net.h": '#include <poll.h>\n#include "base/str.h"\n', "io/net.c": '#include "io/net.h"\n#include "conn.h"\n',
        "io/conn.h": "", "serve/dimse/move.c": '#include "io/net.h"\n#include "serve/dimse/move.h"\n#include "dimse/pdu.h"\n',
        "app/main.c": '#include "serve/dimse/move.h"\n#include "app/main.h"\n#include "io/net.h"\n'}


def test_includes_within_the_table_are_fine(tmp_path):
    assert run(tmp_path, GOOD) == (0, [])


@pytest.mark.parametrize("path,include,words", [
    ("base/bad.c", "io/net.h", "base includes"),
    ("io/bad.h", "dimse/pdu.h", "io includes"),
    ("dimse/bad.c", "serve/dimse/move.h", "of serve/dimse"),  # dimse is not serve/dimse
    ("serve/dimse/bad.c", "app/main.h", "serve/dimse includes"),
    ("io/bad.def", "app/main.h", "io includes"),
    ("io/deep/bad.c", "app/main.h", "io includes"),
    ("io/bad.c", "../app/main.c", "of app"),
    ("io/bad.c", "nowhere.h", "in no layer"),
    ("io/bad.c", "store/pack.h", "in no layer")])
def test_an_include_outside_the_table_fails(tmp_path, path, include, words):
    status, lines = run(tmp_path, dict(GOOD, **{path: f'\n#  include  "{include}"\n'}))
    assert status == 1 and len(lines) == 1
    assert lines[0].startswith(path + ":2: ") and words in lines[0]


def test_a_folder_outside_the_table_fails(tmp_path):
    status, lines = run(tmp_path, dict(GOOD, **{"extra/x.c": ""}))
    assert status == 1 and lines == ["extra/x.c: in no layer of the table"]
    status, lines = run(tmp_path, {"serve/x.c": ""})
    assert status == 1


@pytest.mark.parametrize("table,words", [
    ("# nothing\n", "no table"), ("## Layers\nno rows\n", "no table"), (TABLE.replace("    io: base", "    io: bass"), "no layer"),
    (TABLE.replace("    io: base", "    io: base\n    io: base"), "twice"), (TABLE.replace("    base:\n", "    base: dimse\n"), "circle")])
def test_a_table_that_cannot_be_right_fails(tmp_path, table, words):
    status, lines = run(tmp_path, GOOD, table)
    assert status == 1 and words in lines[0]


def test_the_documents_own_table_has_the_rows_it_must():
    with open(os.path.join(ROOT, "docs", "architecture.md"), encoding="utf-8") as f:
        table = check_layers.read_table(f.read())
    assert table["base"] == {"base"} and table["io"] == {"base", "io"}
    assert "store" not in table["serve/dimse"] and table["app"] == set(table)


@pytest.mark.parametrize("code,words", [
    ("int f(void)\n{\n    strcpy(a, b);\n}\n", "strcpy is banned"), ("    x = atoi (s);\n", "atoi is banned"),
    ("    goto out;\n", "goto"), ("int " + "x" * 100 + ";\n", "columns"), ("\tint x;\n", "a tab"), ("int x;\n" * 601, "601 lines")])
def test_each_fault_of_style_is_seen(code, words):
    faults, _ = check_style.check_c("x.c", code)
    assert any(words in f for f in faults), faults


@pytest.mark.parametrize("code", [
    "/* strcpy(a, b) and goto */\n", '    puts("goto system(x)");\n', "    file_system(x);\n", "    x->gets(y);\n", "    char c = '\"'; /* goto */\n",
    "// strcpy(a, b)\n"])
def test_words_in_comments_and_text_are_no_faults(code):
    assert check_style.check_c("x.c", code) == ([], [])


def test_long_and_deep_functions_are_reported():
    body = "    x();\n" * 60
    _, reports = check_style.check_c("x.c", "int f(void)\n{\n" + body + "}\n")
    assert reports == ["x.c:2: a function of 62 lines"]
    deep = "int f(void)\n{\n" + "".join("    if (x) {\n" for _ in range(5)) + "}" * 5 + "\n}\n"
    _, reports = check_style.check_c("x.c", deep)
    assert reports == ["x.c:2: nested 5 deep"]


@pytest.mark.parametrize("text", ["/* " + "TO" + "DO: later */", "# " + "FIX" + "ME", 'open("/' + 'work/x")'])
def test_notes_for_later_and_foreign_paths_are_seen(text):
    assert len(check_style.check_text("x.c", text + "\n")) == 1
