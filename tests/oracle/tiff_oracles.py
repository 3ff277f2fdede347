"""TIFF as Pillow, libtiff (tiffcp) and tifffile write and read it, for image_pixels.py."""
import os
import subprocess
import tempfile

import numpy as np
import tifffile
from PIL import Image

from volume_oracles import ours

# How tiffcp lays a page out: strips or tiles, order of bytes, planes, and the compression with its predictor.
LAYOUTS = [
    ["-c", "none", "-r", "3"],
    ["-c", "none", "-B", "-t", "-w", "16", "-l", "32"],
    ["-c", "lzw", "-r", "5"],
    ["-c", "lzw:2", "-L", "-r", "7"],
    ["-c", "lzw:2", "-B", "-t", "-w", "32", "-l", "16"],
    ["-c", "zip:2", "-B"],
    ["-c", "zip", "-8", "-t", "-w", "16", "-l", "16"],
    ["-c", "packbits", "-r", "4"],
    ["-c", "packbits", "-8", "-B"],
    ["-c", "lzw", "-p", "separate"],
    ["-c", "zip:2", "-p", "separate", "-t", "-w", "16", "-l", "16"],
]


def shaped(array):
    """[frames, height, width, channels]."""
    if array.ndim == 2:
        return array[None, ..., None]
    if array.ndim == 3:
        return array[None] if array.shape[-1] == 3 else array[..., None]
    return array


def pictures(rng):
    """Arrays of every kind that is read, smooth enough that compressed rows are not all literal."""
    y, x = np.mgrid[0:37, 0:53]
    for kind in (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64):
        noise = rng.integers(0, 3, x.shape)
        yield ((x * 3 + y * 5 + noise) % 120 * (1 if np.dtype(kind).itemsize == 1 else 211)).astype(kind)
    yield np.stack([(x * 5) % 256, (y * 7) % 256, (x + y) % 256], -1).astype(np.uint8)
    yield np.stack([x * 1000, y * 1500, x * y], -1).astype(np.uint16)
    yield np.stack([((x + k * y) % 251).astype(np.uint8) for k in range(4)])


def compare_written(program, folder, fail):
    rng = np.random.default_rng(5)
    same = 0
    for number, array in enumerate(pictures(rng)):
        plain = os.path.join(folder, f"{number}.tif")
        color = array.ndim == 3 and array.shape[-1] == 3
        tifffile.imwrite(plain, array, photometric="rgb" if color else "minisblack", metadata=None)
        for layout in [None, *LAYOUTS]:
            path = plain
            if layout:
                path = os.path.join(folder, "layout.tif")
                done = subprocess.run(["tiffcp", *layout, plain, path], stderr=subprocess.PIPE, check=False)
                if done.returncode:
                    continue
            line, samples = ours(program, path)
            if samples is None or samples.dtype != array.dtype or not np.array_equal(samples, shaped(array)):
                fail(f"TIFF of {array.shape} {array.dtype} {layout}: {line}")
            same += 1
    return same


def compare_pillow(program, folder, fail):
    """Bits, palettes and what Pillow calls 1, L, P, RGB, with its compressions."""
    rng = np.random.default_rng(6)
    same = 0
    grey = Image.fromarray(rng.integers(0, 256, (29, 43), dtype=np.uint8))
    color = Image.fromarray(rng.integers(0, 256, (29, 43, 3), dtype=np.uint8))
    for image in (grey, grey.convert("1"), color, color.quantize(64)):
        for compression in (None, "packbits", "tiff_lzw", "tiff_adobe_deflate"):
            path = os.path.join(folder, "pillow.tif")
            image.save(path, compression=compression)
            line, samples = ours(program, path)
            expected = np.asarray(Image.open(path).convert("RGB" if image.mode in ("P", "RGB") else "L"))
            if samples is None or not np.array_equal(samples, shaped(expected)):
                fail(f"TIFF of Pillow's {image.mode} {compression}: {line}")
            same += 1
    return same


def compare_real(program, data, fail):
    """Files of other programs. Pillow shows white-is-zero the right way round, we keep samples as stored."""
    tally = {"same": 0, "refused": 0, "Pillow cannot": 0}
    for root, _, names in os.walk(os.path.join(data, "fuzz-images/tiff/corpus")):
        for name in sorted(names):
            path = os.path.join(root, name)
            line, samples = ours(program, path)
            if samples is None:
                tally["refused"] += 1
                continue
            try:
                image = Image.open(path)
                mode = image.mode
                if mode in ("RGBA", "RGBX", "CMYK", "LA"):
                    raise ValueError("alpha or other colours")
                theirs = shaped(np.asarray(image.convert("RGB") if mode == "P" else image.convert("L") if mode == "1" else image))
            except Exception:
                tally["Pillow cannot"] += 1
                continue
            if int(line.split()[8]) == 0 and samples.dtype == np.uint8:
                samples = 255 - samples
            if samples.dtype == np.uint16 and samples.shape[-1] == 3:
                samples = (samples >> 8).astype(np.uint8)
            if np.array_equal(samples[:1].astype(np.float64), theirs.astype(np.float64)):
                tally["same"] += 1
            else:
                fail(f"{path}: {line}, Pillow has {mode} {theirs.shape}")
    return tally


def compare_tiff(program, data, fail):
    with tempfile.TemporaryDirectory() as folder:
        written = compare_written(program, folder, fail) + compare_pillow(program, folder, fail)
    print(f"{written} TIFF files by tifffile, tiffcp and Pillow were compared; real ones: {compare_real(program, data, fail)}")
