#!/usr/bin/python3
"""Compares decoded samples, modality and VOI values and the resize with pydicom, nibabel, numpy and Pillow.

    image_pixels.py DUMP_FRAMES DATA_FOLDER

DUMP_FRAMES is the program built from tests/c/dump_frames.c, DATA_FOLDER holds real files. Prints one line for each
kind of comparison and ends with status 1 when anything differs. Needs Debian's python3-pydicom, python3-numpy,
python3-pil, python3-nibabel, python3-tifffile, libtiff-tools, dcmtk, libgdcm-tools and openjph-tools.
"""
import io
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pydicom
from PIL import Image, ImageOps
from pydicom.pixel_data_handlers.util import apply_modality_lut, apply_voi_lut

from dicom_oracles import oracle_samples, read
from tiff_oracles import compare_tiff
from volume_oracles import compare_volumes

warnings.simplefilter("ignore")
TYPES = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64]
LOSSY_LEVELS = 2  # of 256: another inverse DCT, another rounding of wavelets
failures = 0


def fail(text):
    global failures
    failures += 1
    print("DIFFERS", text)


def dump(program, path, *what):
    done = subprocess.run([program, path, *what], stdout=subprocess.PIPE, check=False)
    return done.stdout


def files(folder, *parts):
    for part in parts:
        for root, _, names in os.walk(os.path.join(folder, part)):
            for name in sorted(names):
                yield os.path.join(root, name)


def load_samples(program, path, line):
    _, _, width, height, frames, channels, kind, bits, photometric = line.split()[:9]
    raw = np.frombuffer(dump(program, path, "raw"), TYPES[int(kind)])
    shape = (int(frames), int(height), int(width), int(channels))
    return raw.reshape(shape), int(bits), int(photometric)


def rendered(program, path, shape):
    return np.frombuffer(dump(program, path, "rgba"), np.uint8).reshape(shape[0], shape[1], shape[2], 4)[..., :3]


def compare_texts(program, folder):
    """Texts of the charset files as pydicom has them."""
    same = 0
    for path in files(folder, "dicom-pydicom/charset_files"):
        told = dump(program, path, "json").decode("utf-8")
        if not path.endswith(".dcm") or not told.startswith("{"):
            continue
        dataset = pydicom.dcmread(path)
        values = {tag["tag"]: tag.get("value") for tag in json.loads(told)["tags"]}
        for element in dataset:
            if element.VR not in ("PN", "LO", "SH", "LT", "ST") or not element.value:
                continue
            many = element.value if element.VM > 1 else [element.value]
            text = "\\".join(str(value) for value in many)
            if values[f"{element.tag.group:04X},{element.tag.element:04X}"].rstrip("=") != text.rstrip("="):
                fail(f"{path} {element.tag}: {values[f'{element.tag.group:04X},{element.tag.element:04X}']!r}, {text!r}")
            same += 1
    print(f"{same} texts of character set files are pydicom's")


def expected_grey(dataset, samples, voi):
    """0..255 by pydicom's own transformations, for the first window or LUT."""
    if samples.shape[-1] == 3:
        return None
    values = apply_modality_lut(samples[..., 0], dataset)
    has_window = "WindowCenter" in dataset
    if not has_window and "VOILUTSequence" not in dataset:
        return None
    if has_window:
        grey = apply_voi_lut(values.astype(np.float64), dataset, prefer_lut=False)
        low, high = voi_limits(dataset, values)
        grey = (grey - low) / (high - low)
    else:
        grey = apply_voi_lut(values.astype(np.int64), dataset)
        bits = dataset.VOILUTSequence[0].LUTDescriptor[2]
        grey = grey / ((1 << bits) - 1)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    return grey * 255


def voi_limits(dataset, values):
    """The output range that pydicom's apply_windowing uses."""
    if "ModalityLUTSequence" in dataset:
        return 0, (1 << dataset.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
    if dataset.PixelRepresentation == 0:
        low, high = 0, (1 << dataset.BitsStored) - 1
    else:
        low, high = -(1 << (dataset.BitsStored - 1)), (1 << (dataset.BitsStored - 1)) - 1
    slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
    return low * slope + intercept, high * slope + intercept


def difference(ours, theirs):
    if ours.shape != theirs.shape:
        return np.inf
    if ours.dtype.kind == "f":
        return 0 if np.array_equal(ours, theirs, equal_nan=True) else np.inf
    return int(np.abs(ours.astype(np.int64) - theirs.astype(np.int64)).max())


def judge(path, ours):
    """(oracle's name, largest difference, allowed difference, oracle's samples), or the reason why nobody else can."""
    try:
        found = oracle_samples(path)
    except Exception as error:  # pydicom and its tools refuse some files that we read
        return repr(error)[:100]
    if found is None:
        return "no tool reads it"
    name, theirs, lossy = found
    if ours.dtype == np.uint8 and theirs.dtype == np.uint16 and ours.shape[-1] == 3:
        theirs = theirs >> 8  # a palette of 16 bits whose low bytes say nothing
    limit = LOSSY_LEVELS * (1 << max(0, int(theirs.max()).bit_length() - 8)) if lossy else 0
    return name, difference(ours, theirs), limit, theirs


def compare_samples(path, ours, tally):
    """Against whichever other program can read the file. Its samples, or None."""
    verdict = judge(path, ours)
    if isinstance(verdict, str):
        print("nobody else reads", os.path.basename(path), verdict)
        tally["unread"] = tally.get("unread", 0) + 1
        return None
    name, worst, limit, theirs = verdict
    if worst > limit:
        fail(f"samples of {path} by {worst} from {name}'s")
    tally[name] = tally.get(name, 0) + 1
    tally["exact"] = tally.get("exact", 0) + (worst == 0)
    return theirs


def compare_dicom(program, folder):
    shown = 0
    tally = {}
    for path in files(folder, "dicom-pydicom", "dicom-pydicom-data", "dicom-cornerstone3d"):
        line = dump(program, path).decode("utf-8", "replace").strip()
        if not line.startswith("ok DICOM"):
            continue
        ours, _, _ = load_samples(program, path, line)
        theirs = compare_samples(path, ours, tally)
        if theirs is None:
            continue
        try:
            grey = expected_grey(read(path), theirs, None)
        except Exception as error:
            print("pydicom cannot window", os.path.basename(path), repr(error)[:100])
            continue
        if grey is not None and ours.dtype.kind != "f":
            worst = np.abs(rendered(program, path, theirs.shape)[..., 0] - grey).max()
            if worst > 0.51:
                fail(f"grey of {path} by {worst:.3f}")
            shown += 1
    print(f"DICOM files by oracle: {tally}; {shown} have the greys of pydicom")


def pillow_samples(path, bits):
    image = Image.open(path)
    if image.mode in ("1", "L", "I", "I;16") and "transparency" in image.info:
        raise ValueError("Pillow ignores the transparent grey")
    if bits == 16 and image.mode in ("I", "I;16"):
        return np.asarray(image).astype(np.int64)[..., None]
    if image.format == "GIF" and image.tile[0][1] != (0, 0, *image.size):
        raise ValueError("Pillow fills what the first frame leaves open with colour 0")
    if bits == 16:
        raise ValueError("Pillow cuts 16 bits with alpha to 8")
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L")).astype(np.int64)[..., None]
    over = np.asarray(image.convert("RGBA")).astype(np.float64)
    return np.floor(over[..., :3] * over[..., 3:] / 255 + 0.5).astype(np.int64)


def compare_pictures(program, folder):
    same = skipped = 0
    chest = sorted(files(folder, "kermany-cxr-224/test"))[::20]
    for path in [*files(folder, "pngsuite", "ood", "fuzz-images"), *chest]:
        line = dump(program, path).decode("utf-8", "replace").strip()
        if not line.startswith("ok ") or line.startswith(("ok DICOM", "ok TIFF")):  # TIFF has tiff_oracles.py
            continue
        ours, bits, _ = load_samples(program, path, line)
        try:
            theirs = pillow_samples(path, bits)
            if line.startswith("ok JPEG"):
                limit = 4  # another inverse DCT and another chroma upsampling
                if "fuzz-images" in path and Image.open(path).mode != "L":
                    limit = 255  # and other guesses at what damaged scans meant
            else:
                limit = 0
        except Exception:  # Pillow refuses, or cannot say
            skipped += 1
            continue
        a = ours[0].astype(np.int64)
        if a.shape[-1] != theirs.shape[-1]:
            if a.shape[-1] == 1 and theirs.shape[-1] == 3:
                theirs = theirs[..., :1]
            else:
                skipped += 1
                continue
        if a.shape != theirs.shape:
            fail(f"{path}: shape {a.shape} against {theirs.shape}")
            continue
        worst = np.abs(a - theirs).max()
        if worst > limit:
            fail(f"{path}: {line} by {worst}")
        same += 1
    print(f"{same} pictures have the samples of Pillow, {skipped} could not be compared")


def write_pnm(array, path):
    with open(path, "wb") as f:
        kind = b"P6" if array.ndim == 3 else b"P5"
        f.write(kind + b"\n%d %d\n255\n" % (array.shape[1], array.shape[0]) + array.tobytes())


def tensor(program, path, **recipe):
    shape = (recipe["height"], recipe["width"], recipe["channels"])
    return np.frombuffer(dump(program, path, "tensor", json.dumps(recipe)), np.float32).reshape(shape)


def pillow_fit(image, recipe):
    width, height = recipe["width"], recipe["height"]
    fit = recipe.get("fit", "stretch")
    if fit == "stretch":
        return image.resize((width, height), Image.BILINEAR)
    if fit == "pad":
        return ImageOps.pad(image, (width, height), Image.BILINEAR, color=0)
    short = round(width / recipe["cropScale"])  # torchvision's Resize and CenterCrop, square
    w, h = image.size
    new = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
    left, top = int(round((new[0] - width) / 2.0)), int(round((new[1] - height) / 2.0))
    return image.resize(new, Image.BILINEAR).crop((left, top, left + width, top + height))


def compare_resize(program):
    rng = np.random.default_rng(7)
    worst = worst_luma = 0
    path = f"/tmp/image_pixels_{os.getpid()}.pnm"
    for i in range(150):
        w, h = (int(x) for x in rng.integers(1, 400, 2))
        color = i % 2 == 0
        source = rng.integers(0, 256, (h, w, 3) if color else (h, w), dtype=np.uint8)
        size = int(rng.integers(1, 300))
        fit = ["stretch", "crop", "pad"][i % 3]
        recipe = {"width": size, "height": size, "channels": 3 if i % 4 < 2 else 1, "fit": fit}
        if fit != "crop":
            recipe["height"] = int(rng.integers(1, 300))
        recipe["cropScale"] = [1, 0.875, 0.95][i % 5 % 3]
        write_pnm(source, path)
        image = Image.open(io.BytesIO(open(path, "rb").read()))
        image = image.convert("L" if recipe["channels"] == 1 else "RGB")
        if fit == "pad" and min(w / h * recipe["height"], h / w * size) < 0.51:
            continue  # Pillow refuses to make a picture without rows
        theirs = np.asarray(pillow_fit(image, recipe)).astype(np.float64).reshape(recipe["height"], size, -1) / 255
        difference = np.abs(tensor(program, path, **recipe) - theirs).max() * 255
        luma = color and recipe["channels"] == 1  # Pillow rounds once more, between luma and resize
        if difference > (1.5001 if luma else 1.0001):
            fail(f"resize {w}x{h} -> {recipe} by {difference:.3f}/255")
        worst, worst_luma = (worst, max(worst_luma, difference)) if luma else (max(worst, difference), worst_luma)
    os.unlink(path)
    print(f"resize differs from Pillow by at most {worst:.3f}/255, after luma {worst_luma:.3f}/255")


def main():
    program, folder = sys.argv[1], sys.argv[2]
    compare_resize(program)
    compare_dicom(program, folder)
    compare_texts(program, folder)
    compare_pictures(program, folder)
    compare_volumes(program, folder, fail)
    compare_tiff(program, folder, fail)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
