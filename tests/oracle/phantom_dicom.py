#!/usr/bin/env python3
"""Phantoms as other programs see them: pydicom, DCMTK (dcmdump, dcm2pnm) and dciodvfy, each where it is installed.

    python3 tests/oracle/phantom_dicom.py build/native/negatoscope

Not part of `npm test`.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pydicom

COMMAND = sys.argv[1]
# Synthetic Data (0008,001C) is of 2023; older dictionaries do not have it.
NEW = "(0x0008,0x001c)"


def pixels_agree(path, data):
    """Our own grey against the linear window of PS3.3 C.11.2.1.2.1, from pydicom's samples."""
    hu = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
    centre, width = float(data.WindowCenter) - 0.5, float(data.WindowWidth) - 1
    expected = np.clip((hu - centre) / width + 0.5, 0, 1) * 255
    pgm = path.with_suffix(".pgm")
    subprocess.run([COMMAND, "convert", "--out", pgm, path], check=True, stdout=subprocess.DEVNULL)
    ours = np.frombuffer(pgm.read_bytes()[-hu.size:], np.uint8).reshape(hu.shape)
    return np.abs(ours - expected).max() <= 0.5 + 1e-6


def complaints(path):
    """What dciodvfy calls an error, without what is too new for it."""
    report = subprocess.run(["dciodvfy", path], capture_output=True, text=True).stderr
    return [line for line in report.splitlines() if line.startswith("Error") and NEW not in line]


def check(path):
    data, wrong = pydicom.dcmread(path), []
    if data.file_meta.MediaStorageSOPInstanceUID != data.SOPInstanceUID:
        wrong.append("two instance UIDs")
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        if not pydicom.uid.UID(data[name].value).is_valid or not data[name].value.startswith("2.25."):
            wrong.append(name)
    if "SYNTHETIC" not in data.ImageComments or "SYNTHETIC" not in data.SeriesDescription:
        wrong.append("not called synthetic")
    if not pixels_agree(path, data):
        wrong.append("pixels differ")
    if shutil.which("dciodvfy"):
        wrong += complaints(path)
    for tool in ("dcmdump", "dcm2pnm"):
        if shutil.which(tool):
            result = subprocess.run([tool, path, *(["/dev/null"] if tool == "dcm2pnm" else [])], capture_output=True)
            if result.returncode != 0 or b"E:" in result.stderr:
                wrong.append(f"{tool}: {result.stderr.decode(errors='replace').strip()}")
    return wrong


def main():
    folder = Path(tempfile.mkdtemp()) / "phantom"
    subprocess.run([COMMAND, "phantom", "--out", folder, "--count", "20", "--lesions", "8"], check=True,
                   stdout=subprocess.DEVNULL)
    files, failed = sorted(folder.glob("*/*.dcm")), 0
    uids = {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in files}
    for path in files:
        wrong = check(path)
        failed += bool(wrong)
        for text in wrong:
            print(path.name, text)
    print(f"{len(files)} files, {len(uids)} instances, {failed} with faults")
    return 1 if failed or len(uids) != len(files) else 0


if __name__ == "__main__":
    sys.exit(main())
