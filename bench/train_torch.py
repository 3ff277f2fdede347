#!/usr/bin/env python3
"""Images per second that PyTorch learns from on the CPU: the peer of `negatoscope bench --train`.

    /usr/bin/python3 bench/train_torch.py resnet18 --size 28 --channels 1 --labels 2 --batch 32 --threads 2

Prints one line of JSON. Same networks, same batch, Adam, random pictures; a step is forward, backward and update.
"""
import argparse, json, statistics, time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.a = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.na = nn.BatchNorm2d(cout)
        self.b = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.nb = nn.BatchNorm2d(cout)
        self.skip = nn.Identity()
        if stride != 1 or cin != cout:
            self.skip = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = F.relu(self.na(self.a(x)))
        return F.relu(self.nb(self.b(y)) + self.skip(x))


def resnet18(size, channels, labels):
    small = size < 64
    stem = [nn.Conv2d(channels, 64, 3 if small else 7, 1 if small else 2, 1 if small else 3, bias=False),
            nn.BatchNorm2d(64), nn.ReLU()]
    if not small:
        stem.append(nn.MaxPool2d(3, 2, 1))
    blocks, cin = [], 64
    for stage, width in enumerate([64, 128, 256, 512]):
        for i in range(2):
            blocks.append(Block(cin, width, 2 if i == 0 and stage > 0 else 1))
            cin = width
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, labels))


def cnn28(size, channels, labels):
    side = ((size - 2) // 2 - 2) // 2
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(.25), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout(.25), nn.Flatten(), nn.Linear(64 * side * side, 512), nn.ReLU(), nn.Dropout(.5),
        nn.Linear(512, labels))


NETS = {"resnet18": resnet18, "cnn-28": cnn28}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("net", choices=NETS)
    for name, value in dict(size=28, channels=1, labels=2, batch=32, threads=2, runs=20).items():
        p.add_argument(f"--{name}", type=int, default=value)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    net = NETS[a.net](a.size, a.channels, a.labels)
    x = torch.randn(a.batch, a.channels, a.size, a.size)
    y = torch.arange(a.batch) % a.labels
    best = None
    for layout in ("channels_last", "contiguous"):  # the peer's better one counts
        if layout == "channels_last":
            x, net = x.to(memory_format=torch.channels_last), net.to(memory_format=torch.channels_last)
        else:
            x, net = x.contiguous(), net.to(memory_format=torch.contiguous_format)
        optimiser = torch.optim.Adam(net.parameters(), lr=1e-4)
        times = []
        for step in range(a.runs + 2):
            start = time.perf_counter()
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(net(x), y).backward()
            optimiser.step()
            if step >= 2:
                times.append(time.perf_counter() - start)
        median = statistics.median(times)
        if best is None or median < best[0]:
            best = (median, layout)
    print(json.dumps({"engine": f"PyTorch {torch.__version__}", "net": a.net, "layout": best[1],
                      "medianMs": best[0] * 1e3, "imagesPerSecond": a.batch / best[0], "threads": a.threads}))


if __name__ == "__main__":
    main()
