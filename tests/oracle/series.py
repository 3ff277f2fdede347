"""Compares the core's series with a reading by pydicom: python3 tests/oracle/series.py FOLDER...

Every image must be in exactly one stack, a stack must hold one patient, study, series, size and orientation, and its order
must be that of the positions along the normal, up or down. Records of a DICOMDIR must name the same instances.
"""
import json
import os
import subprocess
import sys

import pydicom

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def read(folder):
    """Path -> data set of everything but directories that pydicom can read."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            try:
                data = pydicom.dcmread(path, stop_before_pixels=True, force=False)
            except Exception:
                continue
            if data.file_meta.get("MediaStorageSOPClassUID") != "1.2.840.10008.1.3.10":
                found[os.path.relpath(path, folder)] = data
    return found


def normal_position(data):
    a, b, p = data.ImageOrientationPatient[:3], data.ImageOrientationPatient[3:], data.ImagePositionPatient
    n = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    return sum(float(x) * float(y) for x, y in zip(n, p))


def check_stack(stack, images, problems):
    members = [images[key] for key in stack["keys"] if key in images]
    def one(name, value):
        if len({str(value(each)) for each in members}) > 1:
            problems.append(f"{stack['keys'][0]}: several {name} in a stack")
    for tag in ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns"]:
        one(tag, lambda each: each.get(tag))
    if len(members) > 1 and stack["positions"]:
        ours = [normal_position(each) for each in members]
        if max(abs(x - y) for x, y in zip(ours, stack["positions"])) > 0.01:
            problems.append(f"{stack['keys'][0]}: positions differ")
        times = next((r["count"] for r in stack["reports"] if r["code"] == "times"), 1)
        n = len(ours) // times
        for part in (ours[i * n : (i + 1) * n] for i in range(times)):
            steps = [y - x for x, y in zip(part, part[1:])]
            if min(steps, default=0) < -0.011 and max(steps, default=0) > 0.011:
                problems.append(f"{stack['keys'][0]}: not in order")


def check(folder):
    listed = json.loads(subprocess.check_output(["node", os.path.join(ROOT, "tests/tools/list_series.mjs"), folder]))
    everything, problems = read(folder), []
    images = {path: data for path, data in everything.items() if data.get("Rows") and data.get("Columns")}
    stacks = [stack for study in listed["studies"] for stack in study["series"]]
    keys = [key for stack in stacks for key in stack["keys"]]
    missing, extra = set(images) - set(keys), set(keys) - set(images)
    if len(keys) != len(set(keys)):
        problems.append("a file is in two stacks")
    problems += [f"{path}: in no stack" for path in sorted(missing)]
    for stack in stacks:
        check_stack(stack, images, problems)
    series = {(d.get("PatientID"), d.get("StudyInstanceUID"), d.get("SeriesInstanceUID")) for d in images.values() if d.get("SeriesInstanceUID")}
    ours = {(study["patientId"], study["uid"], stack["uid"]) for study in listed["studies"] for stack in study["series"] if stack["uid"]}
    known = {tuple(str(part) if part else None for part in each) for each in series}
    if known - ours:
        problems.append(f"series that are not listed: {known - ours}")
    if listed["directory"]:
        sops = {json.loads(each["facts"])["sop"] for each in listed["directory"]["found"]}
        theirs = {everything[each["key"]].SOPInstanceUID for each in listed["directory"]["found"] if each["key"] in everything}
        if sops != theirs:
            problems.append(f"DICOMDIR: other instances: {sops ^ theirs}")
    many = sum(len(stack["keys"]) > 1 for stack in stacks)
    named = len(listed["directory"]["found"]) if listed["directory"] else 0
    print(f"{folder}: {len(images)} images, {len(known)} series by pydicom; {len(stacks)} stacks, {many} of several files, "
          f"{len(extra)} that pydicom does not read; {named} named by a DICOMDIR; {len(problems)} problems")
    for problem in problems:
        print("  ", problem)
    return not problems


if __name__ == "__main__":
    sys.exit(0 if all([check(folder) for folder in sys.argv[1:]]) else 1)
