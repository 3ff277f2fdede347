#!/usr/bin/env python3
"""
What `negatoscope deidentify` wrote, read by pydicom: the pixels are those of the original, to the byte as stored, and no
attribute of PS3.15 table E.1-1 that carries names, dates, places or texts has a value, nor is anything private left.

  negatoscope deidentify --out COPIES DATA > list.txt
  python3 tests/oracle/deidentify.py list.txt
"""
import sys

import pydicom

# VRs of names, dates, times, ages and free text: whatever has a value in one of them must be in KEPT.
SPEAKING = {"PN", "DA", "TM", "DT", "AS", "LT", "ST", "UT", "UC", "LO", "SH", "UR", "AE", "UN"}
KEPT = {"DeidentificationMethod", "RescaleType", "ModalityLUTType"}
STANDARD = "1.2.840.10008."


def pixels(data):
    for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if name in data:
            return bytes(data[name].value)
    return b""


def problems(original, copy):
    old = {str(e.value) for e in original.iterall() if e.VR == "UI" and e.value and not str(e.value).startswith(STANDARD)}
    for e in copy.iterall():
        if e.tag.is_private:
            yield f"private {e.tag}"
        elif e.VR in SPEAKING and e.value not in (None, "", b"") and e.keyword not in KEPT:
            yield f"{e.keyword or e.tag} says {e.value!r}"
        elif e.VR == "UI" and str(e.value) in old:
            yield f"{e.keyword} is as it was"
    same_order = original.is_little_endian
    if same_order and pixels(original).rstrip(b"\0") != pixels(copy).rstrip(b"\0"):
        yield "other pixels"
    if copy.get("PatientIdentityRemoved") != "YES":
        yield "does not say that it was de-identified"


def main(listing):
    bad = 0
    pairs = [line.rstrip("\n").split(" -> ") for line in open(listing, encoding="utf-8")]
    for source, target in pairs:
        try:
            original = pydicom.dcmread(source, force=True)
        except Exception as error:  # its own reader's limits are no news
            print(f"not read by pydicom: {source}: {error}")
            continue
        for problem in problems(original, pydicom.dcmread(target)):
            bad += 1
            print(f"{source}: {problem}")
    print(f"{len(pairs)} files, {bad} problems")
    return bad > 0


sys.exit(main(sys.argv[1]))
