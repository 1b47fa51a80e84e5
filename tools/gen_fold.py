#!/usr/bin/env python3
"""The folding of characters for matching: data/fold.tsv, and the C table made of it.

    gen_fold.py facts > data/fold.tsv       from the Unicode database of this Python
    gen_fold.py table data/fold.tsv -o F.h  at build time, from the committed file

A character is decomposed by compatibility (which unites width and presentation forms), stripped of
accents, folded for case, and again until nothing changes. What that leaves out or does wrong for
names stands in the tables below.
"""
import argparse
import sys
import unicodedata

RUNES_MAX = 4

# Combining marks that are accents. Those of other scripts (Indic and Thai vowels) are letters.
ACCENTS = [(0x300, 0x36F), (0x483, 0x489), (0x591, 0x5BD), (0x5BF, 0x5BF), (0x5C1, 0x5C2),
           (0x5C4, 0x5C5), (0x5C7, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670),
           (0x6D6, 0x6DC), (0x6DF, 0x6E4), (0x6E7, 0x6E8), (0x6EA, 0x6ED), (0x711, 0x711),
           (0x730, 0x74A), (0x1AB0, 0x1ACE), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0xFE20, 0xFE2F)]
# Marks and other characters that are not seen.
UNSEEN = [0xAD, 0x61C, 0x640, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C,
          0x202D, 0x202E, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0xFEFF]
VOICED = '\u3099\u309a'

# Letters that Unicode does not take apart, and signs that keyboards and systems use for each other.
LETTERS = {'ø': 'o', 'ł': 'l', 'đ': 'd', 'ħ': 'h', 'ŧ': 't', 'ð': 'd', 'þ': 'th', 'æ': 'ae',
           'œ': 'oe', 'ı': 'i', 'ĸ': 'k', 'ƀ': 'b', 'ɨ': 'i', 'ɫ': 'l', 'ŋ': 'ng', 'ə': 'e',
           '‘': "'", '’': "'", 'ʼ': "'", 'ʻ': "'", '`': "'", '´': "'", '′': "'",
           '‐': '-', '‑': '-', '‒': '-', '–': '-', '—': '-', '―': '-', '−': '-',
           '“': '"', '”': '"', '„': '"', '٠': '0', '١': '1', '٢': '2', '٣': '3', '٤': '4',
           '٥': '5', '٦': '6', '٧': '7', '٨': '8', '٩': '9', 'ى': 'ي', 'ی': 'ي', 'ک': 'ك',
           'ة': 'ه'}


def is_accent(c):
    return any(a <= ord(c) <= b for a, b in ACCENTS)


def katakana(c):
    """Hiragana as katakana."""
    return chr(ord(c) + 0x60) if 'ぁ' <= c <= 'ゖ' or c in 'ゝゞ' else c


def is_hangul(c):
    return 0xAC00 <= ord(c) <= 0xD7A3 or 0x1100 <= ord(c) <= 0x11FF


def once(c):
    """One round, of one character."""
    if c in LETTERS:
        return LETTERS[c]
    if is_accent(c) or ord(c) in UNSEEN:
        return ''
    if is_hangul(c):
        return c
    parts = unicodedata.normalize('NFKD', c)
    parts = ''.join(p for p in parts if not is_accent(p)).casefold()
    # Voiced kana stay one character; jamo of half-width forms too.
    return unicodedata.normalize('NFC', ''.join(katakana(p) for p in parts))


def fold(text):
    for _ in range(8):
        after = ''.join(once(c) for c in text)
        if after == text:
            return text
        text = after
    raise SystemExit(f'no end of folding at {text!r}')


def assigned():
    for code in range(sys.maxunicode + 1):
        c = chr(code)
        if not 0xD800 <= code <= 0xDFFF and unicodedata.category(c) not in ('Cn', 'Co'):
            yield c


def hex_of(text):
    return ' '.join(f'{ord(c):04X}' for c in text)


def is_worth_it(c, to):
    """Not what grows beyond bounds, such as a ligature of a whole phrase; and not what would turn
    into a delimiter of values and names or a wildcard, as a full-width asterisk would."""
    return (to != c and len(to) <= RUNES_MAX and len(to.encode()) <= 3 * len(c.encode())
            and not set(to) & set(r'\^=*?'))


def facts():
    print(f'# Folding for matching without case, accents and width. Unicode '
          f'{unicodedata.unidata_version}; made by tools/gen_fold.py facts.')
    print('# One row a character that changes: code, what it becomes (nothing: it is left out).')
    print('# A row with two codes is a kana and its voicing mark, which become one character.')
    for c in assigned():
        to = fold(c)
        if is_worth_it(c, to):
            print(f'{hex_of(c)}\t{hex_of(to)}'.rstrip(' '))
    for c in assigned():
        parts = unicodedata.normalize('NFD', c)
        if len(parts) == 2 and parts[1] in VOICED and fold(parts[0]) == parts[0]:
            print(f'{hex_of(parts)}\t{hex_of(c)}')


def read(path):
    singles, pairs = {}, []
    for line in open(path, encoding='ascii'):
        if line.startswith('#'):
            continue
        source, _, to = line.rstrip('\n').partition('\t')
        source, to = ([int(x, 16) for x in part.split()] for part in (source, to))
        if len(source) == 2:
            pairs.append((*source, *to))
        else:
            singles[source[0]] = to
    return singles, pairs


def number_list(numbers):
    lines, line = [], '   '
    for n in numbers:
        word = f' {n},'
        if len(line) + len(word) > 100:
            lines.append(line)
            line = '   '
        line += word
    return '\n'.join(lines + [line])


def table(path, out):
    """Pages of 128 characters; a character's entry is where its folding stands in `runes`, whose
    first number is the count. Equal pages are stored once; entry 0: unchanged."""
    singles, pairs = read(path)
    runes, where = [0], {}
    pages, index, seen = [], [], {}
    for page in range(max(singles) // 128 + 1):
        row = []
        for code in range(page * 128, page * 128 + 128):
            to = tuple(singles.get(code, (-1,)))
            if to == (-1,):
                row.append(0)
                continue
            if to not in where:
                where[to] = len(runes)
                runes += [len(to), *to]
            row.append(where[to])
        row = tuple(row)
        if row not in seen:
            seen[row] = len(seen)
            pages += row
        index.append(seen[row])
    assert len(runes) < 65536 and len(seen) < 256
    out.write(f'''/* Generated from data/fold.tsv by tools/gen_fold.py. */
enum {{ FOLD_PAGES = {len(index)} }};
static const uint8_t fold_index[] = {{
{number_list(index)}
}};
static const uint16_t fold_pages[] = {{
{number_list(pages)}
}};
static const uint32_t fold_runes[] = {{
{number_list(runes)}
}};
static const struct fold_pair {{
    uint32_t base, mark, both;
}} fold_pairs[] = {{
''')
    for pair in sorted(pairs):
        out.write('    {%d, %d, %d},\n' % pair)
    out.write('};\n')


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('what', choices=['facts', 'table'])
    p.add_argument('tsv', nargs='?')
    p.add_argument('-o', dest='out')
    a = p.parse_args()
    if a.what == 'facts':
        facts()
    else:
        with open(a.out, 'w', encoding='ascii') as out:
            table(a.tsv, out)


if __name__ == '__main__':
    main()
