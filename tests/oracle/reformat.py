"""Compares planes through NIfTI volumes with nibabel's affine and scipy's interpolation:

    python3 tests/oracle/reformat.py FOLDER_OR_FILE...

Places of pixels that the core names in mm are taken into voxels by nibabel's own affine, and the value there is scipy's
(map_coordinates, order 1). Inside the volume values must be equal within the rounding of float32; outside the core must have none.
"""
import json
import os
import subprocess
import sys

import nibabel
import numpy
from scipy.ndimage import map_coordinates

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
EDGE = 1e-3  # voxels: nearer to the border than this both answers are right


def files_of(paths):
    for path in paths:
        if os.path.isfile(path):
            yield path
        for at, _, names in os.walk(path):
            yield from (os.path.join(at, name) for name in sorted(names) if name.endswith((".nii", ".nii.gz")))


def compare(record):
    image = nibabel.load(record["file"])
    data = numpy.asarray(image.dataobj, dtype=numpy.float64)
    while data.ndim > 3:
        data = data[..., 0]
    places = numpy.array([sample[1:4] for sample in record["samples"]])
    ours = numpy.array([numpy.nan if sample[4] is None else sample[4] for sample in record["samples"]])
    ras = places * [-1, -1, 1]
    voxels = nibabel.affines.apply_affine(numpy.linalg.inv(image.affine), ras)
    last = numpy.array(data.shape) - 1
    inside = ((voxels > EDGE) & (voxels < last - EDGE) | (last == 0)).all(axis=1)
    outside = ((voxels < -EDGE) | (voxels > last + EDGE)).any(axis=1)
    expected = map_coordinates(data, numpy.clip(voxels, 0, last).T, order=1, mode="nearest")
    span = max(float(numpy.nanmax(numpy.abs(data))), 1e-30)
    # Where a voxel has no number, scipy has none anywhere near; the core has where that voxel has no share.
    known = inside & ~numpy.isnan(expected)
    worst = float(numpy.abs(ours - expected)[known].max()) / span if known.any() else numpy.inf
    return {
        "inside": int(inside.sum()),
        "outside": int(outside.sum()),
        "worst": worst,
        "invented": int((~numpy.isnan(ours[outside])).sum()),
        "missing": int(numpy.isnan(ours[known]).sum()),
    }


def main():
    tool = ["node", os.path.join(ROOT, "tests/tools/reformat_planes.mjs"), *files_of(sys.argv[1:])]
    lines = subprocess.run(tool, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    failed = compared = 0
    for record in map(json.loads, lines):
        name = os.path.basename(record["file"])
        if "refused" in record:
            print(f"{name}: refused: {record['refused']}")
            continue
        found = compare(record)
        compared += 1
        good = found["worst"] < 1e-5 and not found["invented"] and not found["missing"] and found["inside"] > 100
        failed += not good
        verdict = "" if good else f"  DIFFERS {found}"
        print(f"{name}: {found['inside']} inside, {found['outside']} outside, largest difference {found['worst']:.1e} of the range{verdict}")
    print(f"{compared} volumes compared, {failed} differ")
    sys.exit(failed > 0 or compared == 0)


main()
