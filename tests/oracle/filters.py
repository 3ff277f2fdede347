#!/usr/bin/env python3
"""Filters of `negatoscope convert` against scipy, scikit-image and, where it is installed, OpenCV.

    python3 tests/oracle/filters.py build/native/negatoscope

Pictures go in and come out as 8-bit PGM, so a difference of one level is rounding. Needs python3-scipy and
python3-skimage. Not part of `npm test`.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage import data, feature, filters

try:
    import cv2
except ImportError:
    cv2 = None

COMMAND = sys.argv[1]
FOLDER = Path(tempfile.mkdtemp())


def ours(picture, *steps):
    """The picture after the steps, as 0..1."""
    height, width = picture.shape
    source, target = FOLDER / "in.pgm", FOLDER / "out.pgm"
    source.write_bytes(b"P5\n%d %d\n255\n" % (width, height) + picture.tobytes())
    subprocess.run([COMMAND, "convert", "--overwrite", "--steps", json.dumps(steps), "--out", target, source],
                   check=True, stdout=subprocess.DEVNULL)
    return np.frombuffer(target.read_bytes()[-width * height:], np.uint8).reshape(height, width) / 255


def say(name, other, got, expected, tolerance, share=0.0):
    """At most `share` of the pixels may be further away than `tolerance` levels of 255."""
    away = np.abs(got - expected) * 255
    wrong = np.mean(away > tolerance + 1e-6)
    ok = wrong <= share
    print(f"{'ok    ' if ok else 'FAILED'} {name:32} against {other:16} largest {away.max():6.2f} levels, "
          f"{100 * wrong:.3f} % beyond {tolerance}")
    return ok


def equalised(picture):
    """The definition, on levels."""
    count = np.bincount(picture.ravel(), minlength=256)
    below, first = np.cumsum(count), count[picture.min()]
    return (below[picture] - first) / (picture.size - first)


def check(name, picture):
    unit, good = picture / 255, []
    for size in (3, 5, 7):
        expected = ndimage.median_filter(unit, size, mode="reflect")
        good.append(say(f"{name} median {size}", "scipy", ours(picture, {"step": "median", "size": size}), expected, 0))
    for sigma in (0.6, 1, 3.7):
        expected = ndimage.gaussian_filter(unit, sigma, mode="reflect")
        got = ours(picture, {"step": "gaussian", "sigma": sigma})
        good.append(say(f"{name} gaussian {sigma}", "scipy", got, expected, 0.51))
    expected = filters.unsharp_mask(unit, radius=2, amount=1.5)
    got = ours(picture, {"step": "sharpen", "sigma": 2, "amount": 1.5})
    inside = (slice(8, -8),) * 2  # its border repeats the edge pixel
    good.append(say(f"{name} sharpen", "scikit-image", got[inside], expected[inside], 0.51))
    expected = picture > filters.threshold_otsu(picture)
    good.append(say(f"{name} otsu", "scikit-image", ours(picture, {"step": "otsu"}), expected, 0))
    good.append(say(f"{name} equalise", "numpy", ours(picture, {"step": "equalise"}), equalised(picture), 0.51))
    gx, gy = (ndimage.sobel(unit, axis=axis, mode="reflect") / 4 for axis in (1, 0))
    good.append(say(f"{name} sobel", "scipy", ours(picture, {"step": "sobel"}), np.minimum(1, np.hypot(gx, gy)), 0.51))
    # Ties and the border are dealt with differently; thresholds are lengths of scipy's gradient, four times ours.
    expected = feature.canny(unit, sigma=1.4, low_threshold=4 * 0.08, high_threshold=4 * 0.2, mode="reflect")
    got = ours(picture, {"step": "canny", "sigma": 1.4, "low": 0.08, "high": 0.2})
    good.append(say(f"{name} canny", "scikit-image", got[inside], expected[inside], 0, 0.002))
    if cv2:
        good.append(say(f"{name} equalise", "OpenCV", ours(picture, {"step": "equalise"}),
                        cv2.equalizeHist(picture) / 255, 1))
        # OpenCV puts the centres of tiles half a pixel further to the right and down, and rounds its curves.
        expected = cv2.createCLAHE(clipLimit=2, tileGridSize=(8, 8)).apply(picture) / 255
        good.append(say(f"{name} clahe", "OpenCV", ours(picture, {"step": "clahe"}), expected, 4, 0.01))
    return all(good)


def main():
    rng = np.random.default_rng(1)
    pictures = {"camera": data.camera(), "noise": rng.integers(0, 256, (96, 160), dtype=np.uint8),
                "ramp": (np.add.outer(np.arange(64), np.arange(128)) * 255 // 190).astype(np.uint8)}
    if not cv2:
        print("OpenCV is not installed: CLAHE is not compared")
    return 0 if all([check(name, picture) for name, picture in pictures.items()]) else 1


if __name__ == "__main__":
    sys.exit(main())
