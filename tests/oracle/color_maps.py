"""The colour maps of the core, compared with the palettes of PS3.6 annex B as pydicom ships them, and with matplotlib's.

    python3 tests/oracle/color_maps.py build/native/tests/c/dump_frames
"""
import json
import subprocess
import sys

import numpy as np
import pydicom
from pydicom.data import get_palette_files
from pydicom.pixel_data_handlers.util import _expand_segmented_lut

DICOM = ["hotiron", "pet", "hotmetalblue", "pet20step", "spring", "summer", "fall", "winter"]


def palette(name):
    ds = pydicom.dcmread(next(p for p in get_palette_files() if p.endswith(f"/{name}.dcm")))
    channels = []
    for channel in ("Red", "Green", "Blue"):
        data = ds.get(f"Segmented{channel}PaletteColorLookupTableData")
        plain = ds.get(f"{channel}PaletteColorLookupTableData")
        if data is None:
            channels.append(list(plain))
        else:
            values = list(data)
            segments, at = [], 0
            while at + 2 < len(values):  # a byte of padding may follow
                size = 2 + values[at + 1] if values[at] == 0 else 3
                segments += values[at : at + size]
                at += size
            channels.append([int(v) for v in _expand_segmented_lut(tuple(segments), "B")])
    return np.array(channels).T


def main(command):
    answer = subprocess.run([command, "constants"], capture_output=True, text=True).stdout
    maps = {m["name"]: np.frombuffer(bytes.fromhex(m["colors"]), np.uint8).reshape(256, 3) for m in json.loads(answer)["colorMaps"]}
    bad = [name for name in DICOM if not np.array_equal(list(maps.values())[1 + DICOM.index(name)], palette(name))]
    from matplotlib import cm

    for name in ("viridis", "inferno", "magma"):
        expected = np.floor(np.array(cm.get_cmap(name).colors) * 255 + 0.5)
        if not np.array_equal(maps[name], expected):
            bad.append(name)
    print(f"{len(maps) - 1} colour maps, {len(bad)} differ", *bad)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
