#!/usr/bin/env python3
"""A text file as a C header: NAME_text, an array of its bytes without comment lines.

    gen_text.py NAME FILE -o NAME_text.h [COLUMN...]

With columns named, only these of a table are kept, in that order. The bytes stand in read-only memory that is paged in
when it is first read."""
import sys


def columns(lines, wanted):
    """The table's lines, without comments, cut to the wanted columns."""
    lines = [line for line in lines if not line.startswith('#')]
    if not wanted:
        return lines
    head = lines[0].rstrip('\n').split('\t')
    places = [head.index(w) for w in wanted]
    return ['\t'.join(line.rstrip('\n').split('\t')[p] for p in places) + '\n' for line in lines]


def main():
    name, path, _, out, *wanted = sys.argv[1:]
    with open(path, encoding='utf-8', newline='\n') as f:
        data = ''.join(columns(f.readlines(), wanted)).encode()
    with open(out, 'w', encoding='ascii') as f:
        f.write(f'static const unsigned char {name}_text[] = {{\n')
        for i in range(0, len(data), 32):
            f.write(','.join(str(b) for b in data[i:i + 32]) + ',\n')
        f.write('};\n')


if __name__ == '__main__':
    main()
