"""Overlay planes and functional groups of DICOM files, compared with what pydicom reads.

    python3 tests/oracle/frames.py build/native/tests/c/dump_frames FOLDER...

Overlay planes (PS3.3 C.9.2): the bits of overlay_array(), placed by their origin and frame. Functional groups of enhanced
objects (C.7.6.16): position, orientation, pixel spacing, rescale, window, temporal position and real world value mapping of
every frame, read here from the sequences themselves. Needs pydicom and numpy.
"""
import json
import os
import subprocess
import sys

import numpy as np
import pydicom


def files_of(folders):
    for folder in folders:
        for root, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                yield os.path.join(root, name)


def overlay_masks(ds):
    """[frames, rows, columns] of all planes together."""
    frames = int(ds.get("NumberOfFrames", 1) or 1)
    masks = np.zeros((frames, ds.Rows, ds.Columns), np.uint8)
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) not in ds:
            continue
        bits = ds.overlay_array(group)
        own = bits if bits.ndim == 3 else bits[np.newaxis]
        counted = (group, 0x0015) in ds
        first = int(ds[group, 0x0051].value) - 1 if (group, 0x0051) in ds else 0
        top, left = [int(v) - 1 for v in ds[group, 0x0050].value]
        for frame in range(frames):
            plane = own[0] if not counted else own[frame - first] if first <= frame < first + len(own) else None
            if plane is None:
                continue
            for y, x in zip(*np.nonzero(plane)):
                if 0 <= y + top < ds.Rows and 0 <= x + left < ds.Columns:
                    masks[frame, y + top, x + left] = 1
    return masks


def group_item(ds, frame, keyword):
    own = ds.PerFrameFunctionalGroupsSequence[frame].get(keyword)
    if own:
        return own[0]
    shared = ds.get("SharedFunctionalGroupsSequence")
    found = shared[0].get(keyword) if shared else None
    return found[0] if found else None


def numbers(item, keyword):
    value = item.get(keyword) if item is not None else None
    if value is None:
        return None
    return [float(v) for v in value] if isinstance(value, (list, pydicom.multival.MultiValue)) else float(value)


def expected_frame(ds, frame):
    spacing = numbers(group_item(ds, frame, "PixelMeasuresSequence"), "PixelSpacing")
    return {
        "position": numbers(group_item(ds, frame, "PlanePositionSequence"), "ImagePositionPatient"),
        "orientation": numbers(group_item(ds, frame, "PlaneOrientationSequence"), "ImageOrientationPatient"),
        "spacing": spacing and [spacing[1], spacing[0]],
        "slope": numbers(group_item(ds, frame, "PixelValueTransformationSequence"), "RescaleSlope") or 1.0,
        "intercept": numbers(group_item(ds, frame, "PixelValueTransformationSequence"), "RescaleIntercept") or 0.0,
        "time": numbers(group_item(ds, frame, "TemporalPositionSequence"), "TemporalPositionTimeOffset"),
        "timeIndex": numbers(group_item(ds, frame, "FrameContentSequence"), "TemporalPositionIndex"),
    }


def check_frames(ds, facts):
    found = facts["frameFacts"]
    if len(found) != int(ds.get("NumberOfFrames", 1) or 1):
        return "number of frames"
    for index, each in enumerate(found):
        for key, value in expected_frame(ds, index).items():
            if (value is None) != (each[key] is None) or (value is not None and not np.allclose(value, each[key], 1e-12)):
                return f"frame {index + 1}: {key} is {each[key]}, expected {value}"
    item = group_item(ds, 0, "RealWorldValueMappingSequence")
    if item is not None:
        mapping = facts["realWorld"][0]
        unit = item.MeasurementUnitsCodeSequence[0].CodeValue
        if mapping["unit"] != unit or mapping["slope"] != item.get("RealWorldValueSlope"):
            return f"real world values: {mapping}"
    return None


def main(dump, folders):
    counts = {"overlays": 0, "frames": 0}
    failures = []
    for path in files_of(folders):
        try:
            ds = pydicom.dcmread(path)
            has_overlay = any((g, 0x3000) in ds for g in range(0x6000, 0x6020, 2))
            groups = len(ds.get("PerFrameFunctionalGroupsSequence", []))
        except Exception:  # no DICOM file
            continue
        if not has_overlay and not groups:
            continue
        answer = subprocess.run([dump, path, "json"], capture_output=True, text=True).stdout
        if answer.startswith("error"):
            continue  # refused: image_pixels.py looks at those
        facts = json.loads(answer)
        if has_overlay:
            masks = overlay_masks(ds)
            seen = np.frombuffer(subprocess.run([dump, path, "overlays"], capture_output=True).stdout, np.uint8)
            counts["overlays"] += 1
            if not np.array_equal(seen.reshape(masks.shape), masks) or not masks.any():
                failures.append(f"{path}: overlays differ")
        if groups >= int(ds.get("NumberOfFrames", 1) or 1):
            counts["frames"] += 1
            problem = check_frames(ds, facts)
            if problem:
                failures.append(f"{path}: {problem}")
    print(*failures, sep="\n")
    print(f"{counts['overlays']} files with overlays and {counts['frames']} with functional groups: {len(failures)} differ")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
