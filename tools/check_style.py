#!/usr/bin/env python3
"""Checks what docs/style.md asks for and a machine can see.

Faults: a call that is banned, goto, a line over 100 columns, a file over 600 lines, a tab, a note left for later, a path of the
machine it was written on. Reported without failing: functions over 60 lines, nesting deeper than four. Exit status 1 on a fault."""

import argparse
import os
import re
import sys

BANNED = {"strcpy": "str_to_z", "strcat": "wr_put", "sprintf": "wr_printf or snprintf", "vsprintf": "wr_vprintf",
          "stpcpy": "str_to_z", "strncpy": "str_to_z", "strncat": "wr_put", "strtok": "str_split", "strtok_r": "str_split",
          "atoi": "str_to_u64", "atol": "str_to_u64", "atoll": "str_to_u64", "atof": "a parser with an error", "gets": "io/file.h",
          "alloca": "an arena", "tmpnam": "io/file.h", "mktemp": "io/file.h", "system": "nothing", "popen": "nothing"}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(sorted(BANNED)) + r")\s*\(")
GOTO = re.compile(r"(?<!\w)goto\b")
LATER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
MACHINE = re.compile(r"(?<![\w.])/" + r"(work|home)/")
C_FOLDERS = ("src", "tests", "fuzz", "bench")
TEXT_FOLDERS = C_FOLDERS + ("tools", "docs")
LINES_MAX, COLUMNS_MAX, FUNCTION_MAX, NESTING_MAX = 600, 100, 60, 4


def without_comments_and_text(source):
    """The same source with comments, string and character constants blanked; lines stay where they are."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), source)


def functions(code):
    """(first line, lines, deepest nesting) of each function body; in our format its braces stand in the first column."""
    start, depth, deepest = None, 0, 0
    lines = code.splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("{") and number > 1 and lines[number - 2].rstrip().endswith(")"):
            start, depth, deepest = number, 0, 0
        if start is None:
            continue
        depth += line.count("{") - line.count("}")
        deepest = max(deepest, depth - 1)
        if line.startswith("}"):
            yield start, number - start + 1, deepest
            start = None


def check_c(name, source):
    """(faults, reports) of one C file."""
    faults, reports = [], []
    code = without_comments_and_text(source)
    for number, line in enumerate(code.splitlines(), 1):
        for m in CALL.finditer(line):
            faults.append(f"{name}:{number}: {m.group(1)} is banned; use {BANNED[m.group(1)]}")
        if GOTO.search(line):
            faults.append(f"{name}:{number}: goto")
    for number, line in enumerate(source.splitlines(), 1):
        if len(line) > COLUMNS_MAX:
            faults.append(f"{name}:{number}: {len(line)} columns, at most {COLUMNS_MAX}")
        if "\t" in line:
            faults.append(f"{name}:{number}: a tab")
    lines = source.count("\n")
    if lines > LINES_MAX:
        faults.append(f"{name}: {lines} lines, at most {LINES_MAX}")
    for number, length, nesting in functions(code):
        if length > FUNCTION_MAX:
            reports.append(f"{name}:{number}: a function of {length} lines")
        if nesting > NESTING_MAX:
            reports.append(f"{name}:{number}: nested {nesting} deep")
    return faults, reports


def check_text(name, source):
    faults = []
    for number, line in enumerate(source.splitlines(), 1):
        later = LATER.search(line)
        if later and not name.endswith(".md"):  # a document may speak of such notes
            faults.append(f"{name}:{number}: {later.group(1)} left in the text")
        if MACHINE.search(line):
            faults.append(f"{name}:{number}: a path of somebody's machine")
    return faults


def files(root, folders, suffixes):
    for top in folders:
        for folder, below, names in os.walk(os.path.join(root, top)):
            below[:] = sorted(b for b in below if not b.startswith((".", "corpus_", "__pycache__", "node_modules")))
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(folder, name), root)


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as f:
        return f.read()


def check(root):
    faults, reports = [], []
    for name in files(root, C_FOLDERS, (".c", ".h")):
        f, r = check_c(name, read(root, name))
        faults += f
        reports += r
    for name in files(root, TEXT_FOLDERS, (".c", ".h", ".py", ".md", ".def", ".in", ".build", ".sh")):
        faults += check_text(name, read(root, name))
    return faults, reports


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    faults, reports = check(p.parse_args().root)
    for line in reports:
        print("note: " + line)
    for line in faults:
        print(line)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
