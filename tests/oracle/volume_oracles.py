"""Volumes as nibabel and Pillow read them, for image_pixels.py: real files, and files that those programs write here."""
import gzip
import itertools
import json
import os
import subprocess
import tempfile

import nibabel as nib
import numpy as np

TYPES = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64]
# Where columns and rows lead on the screen, by where frames lead.
SHOWN = {"R": "PI", "L": "PI", "A": "LI", "P": "LI", "S": "LP", "I": "LP"}
OPPOSITE = dict(zip("RLAPSI", "LRPAIS"))


def ask(program, path, *what):
    return subprocess.run([program, path, *what], stdout=subprocess.PIPE, check=False).stdout


def ours(program, path):
    """The line of facts and the samples as [frames, height, width, channels], or the line alone when it is refused."""
    line = ask(program, path).decode("utf-8", "replace").strip()
    if not line.startswith("ok "):
        return line, None
    _, _, width, height, frames, channels, kind = line.split()[:7]
    raw = np.frombuffer(ask(program, path, "raw"), TYPES[int(kind)])
    return line, raw.reshape(int(frames), int(height), int(width), int(channels))


def expected_frames(array, codes):
    """Samples [i, j, k, t, channel] as pictures [k and t, y, x, channel]; codes None: as stored."""
    if codes is None:
        turned = array.transpose(3, 2, 1, 0, 4)
        return turned.reshape(-1, *turned.shape[2:]), None
    columns, rows = SHOWN[codes[2]]
    x = next(a for a in (0, 1) if columns in (codes[a], OPPOSITE[codes[a]]))
    y = 1 - x
    if codes[x] != columns:
        array = np.flip(array, x)
    if codes[y] != rows:
        array = np.flip(array, y)
    turned = array.transpose(3, 2, y, x, 4)
    return turned.reshape(-1, *turned.shape[2:]), columns + rows + codes[2]


def compare_nifti(program, path, joined=None):
    """None when all is the same, else what differs. Of a pair `joined` is both files behind each other."""
    line, samples = ours(program, joined or path)
    image = nib.load(path)
    is_analyze = not isinstance(image, (nib.Nifti1Pair, nib.Nifti2Pair))
    if samples is None:
        return line
    stored = np.asanyarray(image.dataobj.get_unscaled())
    if stored.dtype.fields:  # RGB24
        stored = np.stack([stored[c] for c in "RGB"], -1)
    else:
        stored = stored[..., None]
    while stored.ndim < 5:
        stored = np.expand_dims(stored, -2)
    header = image.header
    has_affine = not is_analyze and (header["sform_code"] > 0 or header["qform_code"] > 0)
    codes = "".join(nib.aff2axcodes(image.affine)) if has_affine else None
    frames, shown = expected_frames(stored, codes)
    if frames.shape != samples.shape or not np.array_equal(frames, samples, equal_nan=frames.dtype.kind == "f"):
        return f"samples {samples.shape} {samples.dtype}, nibabel has {frames.shape} {frames.dtype}"
    told = json.loads(ask(program, joined or path, "json"))
    if (told["orientation"] or {}).get("stored") != codes or (told["orientation"] or {}).get("shown") != shown:
        return f"orientation {told['orientation']}, nibabel has {codes}, shown {shown}"
    unit = 1 if is_analyze else {"meter": 1000, "micron": 0.001}.get(header.get_xyzt_units()[0], 1)
    # Near half a turn a quaternion of 32-bit floats says little; nifti1_io.c, as we, takes what is left of it as 0.
    near = (3e-3 if is_analyze or header["sform_code"] <= 0 else 1e-5) * unit
    if has_affine and not np.allclose(np.array(told["affine"]), image.affine[:3] * unit, rtol=1e-6, atol=near):
        return f"affine {told['affine']}, nibabel has {image.affine}"
    slope, inter = image.dataobj.slope, image.dataobj.inter
    if (told["rescale"]["slope"], told["rescale"]["intercept"]) != (slope or 1, inter or 0) and samples.shape[-1] == 1:
        return f"rescale {told['rescale']}, nibabel has {slope}, {inter}"
    return None


def write_nifti(path, rng, order, kind, signs, two):
    """One file by nibabel: random samples, an affine that permutes and flips axes and leans a little."""
    shape = tuple(int(n) for n in rng.integers(2, 7, 3)) + ((3,) if rng.integers(2) else ())
    if kind.kind == "f":
        data = rng.normal(size=shape).astype(kind)
    else:
        data = rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, dtype=kind, endpoint=True)
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(zip(order, signs)):
        affine[world, axis] = sign * rng.uniform(0.5, 4)
    affine[:3, :3] += rng.uniform(-0.1, 0.1, (3, 3))
    affine[:3, 3] = rng.uniform(-100, 100, 3)
    header = (nib.Nifti2Header if two else nib.Nifti1Header)(endianness=str(rng.choice(["<", ">"])))
    header.set_data_dtype(kind)
    image = (nib.Nifti2Image if two else nib.Nifti1Image)(data, affine, header)
    form = rng.integers(3)
    image.set_sform(affine, 1 if form != 1 else 0)
    if form == 1:  # a rotation only: quaternions cannot lean
        image.set_qform(affine, 1, strip_shears=True)
    if form == 2:
        image.set_qform(None, 0)
    image.header["xyzt_units"] = int(rng.choice([0, 1, 2, 3]))
    image.header.set_slope_inter(*((2.5, -7) if rng.integers(2) else (1, 0)))
    nib.save(image, path)


def compare_pairs(program, rng, folder, fail):
    """Headers and samples in files of their own, written by nibabel; Analyze as SPM scales it."""
    written = 0
    for make in (nib.Nifti1Pair, nib.Nifti2Pair, nib.Spm2AnalyzeImage, nib.AnalyzeImage):
        for kind, ending in itertools.product((np.uint8, np.int16, np.int32, np.float32), ("", ".gz")):
            data = (rng.normal(size=(5, 4, 3)) * 50 + 60).astype(kind)
            image = make(data, np.diag([2, 3, 4, 1]))
            path = os.path.join(folder, f"pair{written}.hdr")
            image.to_filename(path)
            parts = [open(name, "rb").read() for name in (path, path.replace(".hdr", ".img"))]
            joined = path + ".joined"
            with open(joined, "wb") as out:
                out.writelines(gzip.compress(part) if ending else part for part in parts)
            worse = compare_nifti(program, path, joined)
            if worse:
                fail(f"{make.__name__} {np.dtype(kind)}{ending}: {worse}")
            written += 1
    return written


def compare_volumes(program, folder, fail):
    same = refused = 0
    names = sorted(os.listdir(os.path.join(folder, "nifti-nibabel")))
    for name in names:
        path = os.path.join(folder, "nifti-nibabel", name)
        if not name.endswith((".nii", ".nii.gz")):
            continue
        worse = compare_nifti(program, path)
        if worse and worse.startswith("error"):
            print("refused", name, worse)
            refused += 1
        elif worse:
            fail(f"{path}: {worse}")
        else:
            same += 1
    rng = np.random.default_rng(11)
    written = 0
    with tempfile.TemporaryDirectory() as temporary:
        for order, signs in itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)):
            kind = np.dtype(TYPES[written % 8])
            path = os.path.join(temporary, f"{written}.nii" + (".gz" if written % 3 == 0 else ""))
            write_nifti(path, rng, order, kind, signs, written % 2 == 0)
            worse = compare_nifti(program, path)
            if worse:
                fail(f"NIfTI {order} {signs} {kind}: {worse}")
            written += 1
        pairs = compare_pairs(program, rng, temporary, fail)
    print(f"{same} NIfTI files, {written} written ones and {pairs} pairs have samples, affine and axes of nibabel; {refused} refused")
