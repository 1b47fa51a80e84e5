#!/usr/bin/env python3
"""Checks every include in src/ against the table of layers in docs/architecture.md.

The table is the indented block of `name: allowed ...` lines in the section "Layers". A layer includes itself and what is
named beside it; `all` allows every layer. The layer of a file is the longest name in the table that its path under src/
begins with. Exit status 1, and a line for each fault, when an include, a folder or the table itself is at fault."""

import argparse
import os
import re
import sys

ROW = re.compile(r"^(?: {4,}|\t)([a-z][a-z0-9_/]*):((?: [a-z][a-z0-9_/]*)*)\s*$")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
SUFFIXES = (".c", ".h", ".def", ".inc", ".in")


class BadTable(Exception):
    pass


def section(text, title):
    """The lines of one section of a Markdown page, up to the next heading of its level or above."""
    lines, level = [], 0
    for line in text.splitlines():
        heading = re.match(r"^(#+)\s+(.*?)\s*$", line)
        if heading and level and len(heading.group(1)) <= level:
            break
        if level:
            lines.append(line)
        elif heading and heading.group(2) == title:
            level = len(heading.group(1))
    return lines


def read_table(text):
    """{layer: layers it may include}, itself among them."""
    table = {}
    for line in section(text, "Layers"):
        row = ROW.match(line)
        if not row:
            continue
        if row.group(1) in table:
            raise BadTable(f"layer {row.group(1)} stands twice in the table")
        table[row.group(1)] = row.group(2).split()
    if not table:
        raise BadTable('no table of layers in the section "Layers"')
    for name, allowed in table.items():
        unknown = [a for a in allowed if a != "all" and a not in table]
        if unknown:
            raise BadTable(f"layer {name} may include {unknown[0]}, which is no layer")
    return {name: set(table) if "all" in allowed else set(allowed) | {name} for name, allowed in table.items()}


def cycle(table):
    """Two layers that may include each other, however far around; the one that may include all stands above."""
    below = {name: allowed - {name} for name, allowed in table.items()}
    for start in sorted(table):
        seen, todo = set(), list(below[start])
        while todo:
            at = todo.pop()
            if at == start:
                return start
            if at not in seen:
                seen.add(at)
                todo += below[at]
    return None


def layer_of(path, table):
    names = [n for n in table if path == n or path.startswith(n + "/")]
    return max(names, key=len, default=None)


def includes(path):
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            m = INCLUDE.match(line)
            if m:
                yield number, m.group(1)


def check_file(src, path, table):
    """Faults of one file, by its path under src."""
    layer = layer_of(path, table)
    if layer is None:
        yield f"{path}: in no layer of the table"
        return
    for number, name in includes(os.path.join(src, path)):
        beside = os.path.exists(os.path.join(src, os.path.dirname(path), name))
        target = layer_of(os.path.normpath(os.path.join(os.path.dirname(path), name)) if beside else name, table)
        if target is None:
            yield f'{path}:{number}: "{name}" is in no layer; say it by its path under src/'
        elif target not in table[layer]:
            yield f'{path}:{number}: {layer} includes "{name}" of {target}; it may include {", ".join(sorted(table[layer]))}'


def check(src, text):
    try:
        table = read_table(text)
    except BadTable as e:
        return [str(e)]
    around = cycle(table)
    faults = [f"the layers go in a circle through {around}"] if around else []
    for folder, folders, files in sorted(os.walk(src)):
        folders.sort()
        for name in sorted(files):
            if name.endswith(SUFFIXES):
                faults += check_file(src, os.path.relpath(os.path.join(folder, name), src), table)
    return faults


def main():
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--src", default=os.path.join(here, "src"))
    p.add_argument("--table", default=os.path.join(here, "docs", "architecture.md"))
    args = p.parse_args()
    with open(args.table, encoding="utf-8") as f:
        faults = check(args.src, f.read())
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
