#!/usr/bin/env python3
"""ResNet-18 natively on the CPU: PyTorch, traced and frozen, in turns with `negatoscope bench`.

    node -e "import('./tests/networks/zoo.mjs').then(async (zoo) => (await import('node:fs')).writeFileSync('build/resnet18.onnx', zoo.buildNetwork('resnet18', { batch: 'batch' }).bytes))"
    /usr/bin/python3 bench/infer_torch.py build/resnet18.onnx [--command build/native/negatoscope] [--rounds 3]

Prints a line for each batch and number of threads: least milliseconds a picture of 224 x 224 with each.
"""
import argparse, re, subprocess, time

import torch

from train_torch import resnet18


def of_torch(batch, threads, runs):
    """The faster of the two layouts counts."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = resnet18(224, 3, 1000).eval()
    best = float("inf")
    for layout in (torch.channels_last, torch.contiguous_format):
        x = torch.randn(batch, 3, 224, 224).to(memory_format=layout)
        with torch.inference_mode():
            fast = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net.to(memory_format=layout), x)))
            for run in range(runs + 3):
                start = time.perf_counter()
                fast(x)
                if run >= 3:
                    best = min(best, time.perf_counter() - start)
    return best * 1e3 / batch


def of_negatoscope(command, model, batch, threads, runs):
    text = subprocess.run([command, "bench", "--runs", str(runs), "--batch", str(batch), "--threads", str(threads), model],
                          check=True, capture_output=True, text=True).stdout
    return float(re.search(r"minimum ([\d.]+) ms", text).group(1)) / batch


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("--command", default="build/native/negatoscope")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--runs", type=int, default=12)
    a = p.parse_args()
    print(f"ResNet-18, ms a picture; PyTorch {torch.__version__}")
    for batch in (1, 8):
        for threads in (1, 2):
            theirs = ours = float("inf")
            for _ in range(a.rounds):
                theirs = min(theirs, of_torch(batch, threads, a.runs))
                ours = min(ours, of_negatoscope(a.command, a.model, batch, threads, a.runs))
            print(f"batch {batch}, {threads} thread{'s' if threads > 1 else ''}: negatoscope {ours:.1f}, PyTorch {theirs:.1f}, {theirs / ours:.2f} x")


if __name__ == "__main__":
    main()
