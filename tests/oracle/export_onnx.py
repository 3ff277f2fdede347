#!/usr/bin/env python3
"""Networks as PyTorch exports them, run here and by PyTorch: largest differences, relative to the largest output.

    /usr/bin/python3 tests/oracle/export_onnx.py build/native/tests/c/run_model [NETWORK...]

Each network of export_networks.py is exported with old and new opsets, fixed and open sizes, with and without folding of
constants, as one file; open ones run at two sizes and two batches. Ends with 1 when a difference is above 1e-4 or a model is
refused. Needs torch and numpy, no torchvision.
"""
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from export_networks import NETWORKS, build  # noqa: E402

TOLERANCE = 1e-4
SIZE = 64
# Networks whose code fixes the size of the picture.
FIXED = {"alexnet", "vgg", "swin", "vit", "vit_index", "vit_chunk", "vit_mean", "deit_distilled", "mobilevit"}
VARIANTS = [(opset, open_sizes, fold) for opset in (11, 14, 17) for open_sizes in (False, True) for fold in (True, False)]


def export(net, path, opset, open_sizes, fold, free):
    x = torch.randn(1, 3, SIZE, SIZE)
    axes = {"image": {0: "batch"}, "scores": {0: "batch"}}
    if free:
        axes["image"].update({2: "height", 3: "width"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, x, str(path), opset_version=opset, do_constant_folding=fold, input_names=["image"], output_names=["scores"],
                          dynamic_axes=axes if open_sizes else None)


def difference(program, folder, model, net, shape):
    x = torch.randn(*shape)
    with torch.no_grad():
        want = net(x).numpy()
    (folder / "x.bin").write_bytes(x.numpy().tobytes())
    done = subprocess.run([program, model, folder / "x.bin", folder / "y.bin", "2", *map(str, shape)], capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr.strip().split("\n")[0]
    got = np.frombuffer((folder / "y.bin").read_bytes(), np.float32).reshape(want.shape)
    return float(np.abs(got - want).max() / np.abs(want).max()), ""


def main():
    program, names = sys.argv[1], sys.argv[2:] or list(NETWORKS)
    bad = runs = 0
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where)
        for name in names:
            net, worst, said = build(name), 0.0, set()
            for opset, open_sizes, fold in VARIANTS:
                model = folder / "model.onnx"
                try:
                    export(net, model, opset, open_sizes, fold, name not in FIXED)
                except Exception as error:  # PyTorch has no such operator at that opset
                    said.add(f"not exported at opset {opset}: {str(error).splitlines()[0][:80]}")
                    continue
                shapes = [(1, 3, SIZE, SIZE)]
                if open_sizes:
                    shapes.append((2, 3, SIZE, SIZE) if name in FIXED else (2, 3, 96, 80))
                for shape in shapes:
                    error, text = difference(program, folder, model, net, shape)
                    runs += 1
                    if error is None or not error <= TOLERANCE:
                        bad += 1
                        said.add(f"opset {opset}, open {open_sizes}, fold {fold}, {shape}: {text or error}")
                    else:
                        worst = max(worst, error)
            print(f"{name}: {worst:.1e}", *sorted(said), sep="\n  ", flush=True)
    print(f"{runs} runs, {bad} of them wrong or refused")
    sys.exit(bad != 0)


main()
