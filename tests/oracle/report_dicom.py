#!/usr/bin/env python3
"""Reports as DICOM objects, as dciodvfy, DCMTK (dsrdump) and pydicom see them, for every DICOM picture of a folder.

    /usr/bin/python3 tests/oracle/report_dicom.py build/native/negatoscope FOLDER [MODEL]

A file that the command refuses is counted with its reason. Of the others no object may have an error of dciodvfy that its source does
not have, pydicom must read the pixels of capture and segmentation, the segmentation must be where the regions are, and the page, the
manifest and its repetition must be there. Not part of `npm test`.
"""
import collections
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pydicom

COMMAND, FOLDER = sys.argv[1], Path(sys.argv[2])
MODEL = sys.argv[3] if len(sys.argv) > 3 else "liver-phantom"


def run(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, errors="replace")


def errors_of(path):
    if not shutil.which("dciodvfy"):
        return []
    return [line for line in run("dciodvfy", path).stderr.splitlines() if line.startswith("Error")]


def attribute(line):
    """What an error is about: a value that the source has wrong is copied as it is."""
    return line.split("Element=")[-1].split(" ")[0] if "Element=" in line else line.split("attribute")[-1]


def problems(source, folder):
    manifest = json.loads((folder / "run.json").read_text())
    width, height = manifest["image"]["width"], manifest["image"]["height"]
    original = pydicom.dcmread(source, force=True, stop_before_pixels=True)
    known = {attribute(line) for line in errors_of(source)}
    if original.get("SOPClassUID") == "1.2.840.10008.5.1.4.1.1.7":
        known.add(" <ReferencedFrameNumber>")  # pydicom's secondary captures of two frames have the class of one frame
    for name in ("sr", "sc", "seg"):
        for line in errors_of(folder / f"{name}.dcm"):
            if attribute(line) not in known:
                yield f"{name}: {line}"
    # DCMTK counts RT Dose among what has no pixels to refer to.
    if shutil.which("dsrdump") and original.get("SOPClassUID") != "1.2.840.10008.5.1.4.1.1.481.2":
        dump = run("dsrdump", folder / "sr.dcm")
        for line in dump.stderr.splitlines():
            if line[:2] in ("E:", "F:"):
                yield f"dsrdump: {line}"
    capture, segments = pydicom.dcmread(folder / "sc.dcm"), pydicom.dcmread(folder / "seg.dcm")
    if capture.pixel_array.shape != (height, width, 3):
        yield "the capture has another size"
    mask = segments.pixel_array
    if mask.shape != (height, width):
        yield f"the segmentation is {mask.shape}"
    rows, columns = np.nonzero(mask)
    boxes = [r["box"] for r in manifest["explanation"]["regions"]]
    if boxes and len(rows):
        left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
        right, bottom = max(b[2] for b in boxes), max(b[3] for b in boxes)
        # Pixels of the map are larger than those of the picture, and between them it is bilinear.
        slack = 1 + 1.0 * max(width / manifest["explanation"]["width"], height / manifest["explanation"]["height"])
        if len(boxes) < 8 and (columns.min() < left - slack or columns.max() > right + slack or rows.min() < top - slack or rows.max() > bottom + slack):
            yield "the segmentation lies outside of the regions"
    elif bool(boxes) != bool(len(rows)):
        yield "regions without a segmentation, or the other way round"
    for made in (capture, segments, pydicom.dcmread(folder / "sr.dcm")):
        if made.StudyInstanceUID != original.get("StudyInstanceUID", made.StudyInstanceUID) or made.SeriesInstanceUID == original.get("SeriesInstanceUID"):
            yield "not in a series of its own of the same study"
        if "PatientID" in original and str(made.get("PatientID", "")) != str(original.PatientID or ""):
            yield "another patient"
    referred = segments.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    if referred.ReferencedSOPInstanceUID != original.get("SOPInstanceUID", referred.ReferencedSOPInstanceUID):
        yield "the segmentation refers to another picture"
    if "data:image/png;base64," not in (folder / "page.html").read_text():
        yield "the page has no picture"
    again = run(COMMAND, "verify", folder / "run.json", source, MODEL)
    if again.returncode != 0:
        yield f"verify: {again.stdout.splitlines()[:1]} {again.stderr}"


def main():
    counts, refused = collections.Counter(), collections.Counter()
    for source in sorted(p for p in FOLDER.rglob("*") if p.is_file()):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            made = run(COMMAND, "report", "--model", MODEL, "--draws", "1", "--json", folder / "run.json", "--html", folder / "page.html",
                       "--sr", folder / "sr.dcm", "--sc", folder / "sc.dcm", "--seg", folder / "seg.dcm", source)
            if made.returncode != 0:
                refused[made.stderr.strip().split(": ", 2)[-1][:70]] += 1
                if made.returncode != 1:
                    print(f"{source}: ended with {made.returncode}")
                    counts["wrong"] += 1
                continue
            found = list(problems(source, folder))
            for problem in found:
                print(f"{source}: {problem}")
            counts["wrong" if found else "right"] += 1
    for reason, count in refused.most_common():
        print(f"{count:5} refused: {reason}")
    print(f"{counts['right']} right, {counts['wrong']} wrong, {sum(refused.values())} refused")
    sys.exit(counts["wrong"] > 0)


main()
