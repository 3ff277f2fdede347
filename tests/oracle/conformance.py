#!/usr/bin/python3
"""Writes docs/DICOM-CONFORMANCE.md from real files, as other programs judge them.

    conformance.py DUMP_FRAMES DATA_FOLDER > docs/DICOM-CONFORMANCE.md

The arguments are those of image_pixels.py. The list of transfer syntaxes is that of src/image/dicom_uids.c.
"""
import collections
import os
import re
import sys

from dicom_oracles import ffmpeg_difference, read, syntax_of
from image_pixels import dump, files, judge, load_samples

ROOT = os.path.join(os.path.dirname(__file__), "../..")
HEAD = """# DICOM: what is decoded, and who says so

Made by `python3 tests/oracle/conformance.py build/native/tests/c/dump_frames DATA > docs/DICOM-CONFORMANCE.md` from the DICOM files
of pydicom, pydicom-data and cornerstone3D. A file counts as exact when every sample of every frame is that of the named
program; lossy files may differ by 2 of 256 levels, since inverse transformations may round in their own ways. JPEG 2000 is also
compared with FFmpeg's own decoder where that can be done: the number in brackets.
"""


def table(head, rows):
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def known_syntaxes():
    text = open(os.path.join(ROOT, "src/image/dicom_uids.c"), encoding="utf-8").read()
    found = re.findall(r'\{"(1\.2[\d.]+)",\s*"([^"]+)",\s*(\w+)(?:\((\w+)\))?\}', text)
    return [(uid, name, "NONE" not in (coding or "") and kind != "OTHER_IMPLICIT") for uid, name, kind, coding in found]


class Tally:
    def __init__(self):
        self.files = self.exact = self.near = self.worst = self.wrong = self.second = 0
        self.judges, self.unjudged = collections.Counter(), []

    def add(self, path, ours):
        self.files += 1
        verdict = judge(path, ours)
        if isinstance(verdict, str):
            self.unjudged.append(os.path.basename(path))
            return
        name, worst, limit, _ = verdict
        self.judges[name] += 1
        self.exact += worst == 0
        self.near += 0 < worst <= limit
        self.wrong += worst > limit
        self.worst = max(self.worst, worst)
        if "1.2.840.10008.1.2.4.9" in syntax_of(read(path)):
            other = ffmpeg_difference(path, ours)
            self.second += other is not None and other <= max(limit, 0)

    def cells(self):
        judges = ", ".join(f"{name} {count}" for name, count in self.judges.most_common()) or "–"
        exact = f"{self.exact} ({self.second})" if self.second else self.exact
        return [self.files, exact, self.near, self.wrong, len(self.unjudged), judges]


def main():
    program, folder = sys.argv[1], sys.argv[2]
    syntaxes, photometrics, refused = collections.defaultdict(Tally), collections.defaultdict(Tally), []
    for path in files(folder, "dicom-pydicom", "dicom-pydicom-data", "dicom-cornerstone3d"):
        line = dump(program, path).decode("utf-8", "replace").strip()
        if line.startswith("error") and "NO_PIXELS" not in line and "UNKNOWN_FORMAT" not in line:
            refused.append((os.path.basename(path), line.split(" ", 2)[2]))
        if not line.startswith("ok DICOM"):
            continue
        ours, _, _ = load_samples(program, path, line)
        dataset = read(path)
        syntaxes[syntax_of(dataset)].add(path, ours)
        bits = dataset.get("BitsAllocated", 0)
        photometrics[(str(dataset.get("PhotometricInterpretation", "none")), bits)].add(path, ours)
    columns = ["files", "exact", "near (lossy)", "different", "no judge", "judged by"]
    print(HEAD, end="")
    print("\n## Transfer syntaxes")
    rows, named = [], []
    for uid, name, decoded in known_syntaxes():
        if not decoded and uid not in syntaxes:
            named.append(name)
            continue
        rows.append([f"{name} `{uid}`", "yes" if decoded else "no", *(syntaxes[uid].cells() if uid in syntaxes else [0] + ["–"] * 5)])
    table(["transfer syntax", "decoded", *columns], rows)
    print("\nNamed and refused: " + "; ".join(named) + ".")
    print("\n## Photometric interpretations and bits allocated")
    table(["as stored", "bits", *columns], [[kind, bits, *photometrics[(kind, bits)].cells()] for kind, bits in sorted(photometrics)])
    unjudged = sorted(set(name for tally in syntaxes.values() for name in tally.unjudged))
    print("\nNo judge reads: " + ", ".join(unjudged) + ".")
    print("\n## Files with an image that are refused")
    table(["file", "reason"], sorted(refused))


main()
