"""Other programs' samples of a DICOM file, for image_pixels.py: the first of these that can read it.

DCMTK (dcmdjpeg, dcmdjpls, dcmdrle) for JPEG, JPEG-LS and RLE; OpenJPH (ojph_expand) for HTJ2K; GDCM (gdcmconv) for JPEG
2000, which is OpenJPEG there too, with FFmpeg's own decoder beside it for unsigned samples; pydicom for everything
uncompressed and for palettes and colour spaces.
"""
import os
import subprocess
import tempfile

import numpy as np
import pydicom
from pydicom.encaps import generate_pixel_data_frame
from pydicom.pixel_data_handlers.util import apply_color_lut, convert_color_space

UNCOMPRESSED = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"}
# Files that nobody reads right (pydicom 2.3 takes big-endian palettes the wrong way round, and no tool here has RLE or
# deflated frames of single bits), and the file with the same picture that they were made from.
TWINS = {
    "OBXXXX1A_expb.dcm": "OBXXXX1A.dcm",
    "OBXXXX1A_expb_2frame.dcm": "OBXXXX1A_2frame.dcm",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "emri_small_jpeg_2k_lossless.dcm",
    "liver_rle.dcm": "liver.dcm",
    "liver_deflate.dcm": "liver.dcm",
    "liver_nonbyte_aligned_rle.dcm": "liver_nonbyte_aligned.dcm",
    "liver_nonbyte_aligned_deflate.dcm": "liver_nonbyte_aligned.dcm",
}
LOSSY = {".50", ".51", ".81", ".91", ".203"}


def syntax_of(dataset):
    return str(dataset.file_meta.TransferSyntaxUID)


def is_lossy(syntax):
    return any(syntax == "1.2.840.10008.1.2.4" + end for end in LOSSY)


def tools_for(syntax):
    if syntax == "1.2.840.10008.1.2.5":
        return [("DCMTK", ["dcmdrle"])]
    if syntax in ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"):
        return [("DCMTK", ["dcmdjpls"]), ("GDCM", ["gdcmconv", "--raw"])]
    if syntax in ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"):
        return [("GDCM", ["gdcmconv", "--raw"])]
    return [("DCMTK", ["dcmdjpeg"]), ("GDCM", ["gdcmconv", "--raw"])]


def colored(dataset, array):
    """Palettes and luminance with colour differences as RGB, by pydicom."""
    kind = dataset.PhotometricInterpretation
    if kind == "PALETTE COLOR":
        return apply_color_lut(array, dataset)
    if kind in ("YBR_FULL", "YBR_FULL_422") and array.shape[-1] == 3:
        return convert_color_space(array, kind, "RGB")
    return array


def samples_of(dataset):
    """[frames, rows, columns, channels] of an uncompressed data set, cut to the bits below High Bit."""
    kind = next(k for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if k in dataset)
    if kind == "PixelData" and dataset[kind].VR == "OW" and dataset.BitsAllocated == 8 and not dataset.is_little_endian:
        swapped = np.frombuffer(dataset[kind].value, np.uint8).reshape(-1, 2)[:, ::-1]  # pydicom 2.3 leaves them alone
        dataset.PixelData = swapped.tobytes()
    array = dataset.pixel_array
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    channels = int(dataset.get("SamplesPerPixel", 1))
    array = array.reshape((frames, dataset.Rows, dataset.Columns, channels))
    if kind != "PixelData":
        return array
    bits, high = dataset.BitsStored, dataset.HighBit
    if bits < dataset.BitsAllocated:
        wide = array.astype(np.int64) >> (high + 1 - bits) & ((1 << bits) - 1)
        if dataset.PixelRepresentation == 1:
            wide = wide - ((wide >> (bits - 1) & 1) << bits)
        array = wide.astype(array.dtype)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        return np.stack([colored(dataset, frame[..., 0]) for frame in array])
    return colored(dataset, array)


def read(path):
    dataset = pydicom.dcmread(path, force=True)
    if not hasattr(dataset.file_meta, "TransferSyntaxUID"):
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2" + ("" if dataset.is_implicit_VR else ".1")
    return dataset


def read_pnm(path):
    with open(path, "rb") as f:
        kind, size, most = f.readline(), f.readline(), int(f.readline())
        while size.startswith(b"#"):
            size, most = most, int(f.readline())
        width, height = (int(x) for x in size.split())
        channels = 3 if kind.strip() == b"P6" else 1
        return np.frombuffer(f.read(), ">u2" if most > 255 else np.uint8).reshape(height, width, channels)


def by_codestreams(dataset, folder, command, ending):
    """Every frame's codestream through a program that writes PNM."""
    frames = []
    for stream in generate_pixel_data_frame(dataset.PixelData, int(dataset.get("NumberOfFrames", 1) or 1)):
        source, target = os.path.join(folder, "frame" + ending), os.path.join(folder, "frame.pnm")
        target = target[:-3] + ("ppm" if dataset.SamplesPerPixel == 3 else "pgm")
        with open(source, "wb") as f:
            f.write(stream)
        subprocess.run([part.format(source, target) for part in command], check=True, capture_output=True)
        frames.append(read_pnm(target))
    array = np.stack(frames)
    bits = dataset.BitsStored
    if dataset.PixelRepresentation == 1:
        array = array.astype(np.int64)
        array = array - ((array >> (bits - 1) & 1) << bits)
    return array


def oracle_samples(path):
    """(name, samples, whether it may differ a little), or None when nobody can read the file."""
    twin = TWINS.get(os.path.basename(path))
    if twin:
        for root, _, names in os.walk(os.path.join(os.path.dirname(path), "../..")):
            if twin in names:
                return "the file it was made from", oracle_samples(os.path.join(root, twin))[1], False
    dataset = read(path)
    syntax = syntax_of(dataset)
    if syntax in UNCOMPRESSED:
        return "pydicom", samples_of(dataset), False
    with tempfile.TemporaryDirectory() as folder:
        if syntax.startswith("1.2.840.10008.1.2.4.20"):
            return "OpenJPH", by_codestreams(dataset, folder, ["ojph_expand", "-i", "{0}", "-o", "{1}"], ".j2c"), is_lossy(syntax)
        for name, command in tools_for(syntax):
            target = os.path.join(folder, "raw.dcm")
            done = subprocess.run([*command, path, target], capture_output=True, check=False)
            if done.returncode == 0 and os.path.exists(target):
                return name, samples_of(read(target)), is_lossy(syntax)
    return None


def ffmpeg_difference(path, ours):
    """JPEG 2000 by a decoder that is not OpenJPEG; it moves samples of 9 to 15 bits to the top of 16. None: cannot say."""
    dataset = read(path)
    if dataset.PixelRepresentation == 1 or dataset.SamplesPerPixel == 3 and dataset.BitsStored > 8:
        return None
    shape = "rgb24" if dataset.SamplesPerPixel == 3 else "gray" if dataset.BitsStored <= 8 else "gray16be"
    command = ["ffmpeg", "-y", "-loglevel", "error", "-i", "{0}", "-frames:v", "1", "-pix_fmt", shape, "{1}"]
    try:
        with tempfile.TemporaryDirectory() as folder:
            theirs = by_codestreams(dataset, folder, command, ".j2k").astype(np.int64)
    except (subprocess.CalledProcessError, FileNotFoundError, AttributeError):
        return None
    return min(int(np.abs(ours - (theirs >> shift)).max()) for shift in range(8))
