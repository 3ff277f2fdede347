#!/usr/bin/env python3
"""Losses of ten training steps by PyTorch, in double precision, for tests/c/test_train_golden.c.

    /usr/bin/python3 tests/oracle/train_golden.py > tests/c/train_golden.h

Weights and pictures come from a small generator that the C test has too; no dropout, so that nothing is drawn. The rates
are small: at larger ones PyTorch in single precision is itself more than 1e-4 off after ten steps.
"""
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, "bench")
from train_torch import cnn28, resnet18  # noqa: E402

BATCH, SIDE, LABELS, STEPS = 8, 28, 3, 10


def draws(seed, count):
    """Numbers of [-1, 1): Numerical Recipes' linear congruential generator, its upper 24 bits."""
    state, out = seed, np.empty(count, np.float32)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = (state >> 8) / 8388608.0 - 1
    return out


def fill(net):
    """Weights uniform with variance 2 / fan-in, in the order out, row, column, in; biases 0, scales 1."""
    seed = 1
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            shape = module.weight.shape
            fan_in = int(np.prod(shape[1:]))
            ohwi = draws(seed, module.weight.numel()) * np.float32((6 / fan_in) ** 0.5)
            if len(shape) == 4:
                ohwi = ohwi.reshape(shape[0], shape[2], shape[3], shape[1]).transpose(0, 3, 1, 2)
            module.weight.data = torch.tensor(ohwi.reshape(shape).copy(), dtype=torch.float64)
            seed += 1
            if module.bias is not None:
                module.bias.data.zero_()
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def losses(net, optimiser):
    fill(net)
    out = []
    for step in range(STEPS):
        x = torch.tensor(draws(1000 + step, BATCH * SIDE * SIDE).reshape(BATCH, 1, SIDE, SIDE), dtype=torch.float64)
        y = (torch.arange(BATCH) + step) % LABELS
        optimiser.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimiser.step()
        out.append(loss.item())
    return out


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(2)
    print(f"/* Made by tests/oracle/train_golden.py with PyTorch {torch.__version__}. */")
    net = resnet18(SIDE, 1, LABELS).double()
    weights = [p for p in net.parameters() if p.dim() > 1]  # ours decays these only
    others = [p for p in net.parameters() if p.dim() == 1]
    groups = [{"params": weights, "weight_decay": 0.001}, {"params": others, "weight_decay": 0.0}]
    values = losses(net, torch.optim.SGD(groups, lr=0.00005, momentum=0.9, nesterov=True))
    print("static const double resnet18_losses[] = {" + ", ".join(f"{v:.10f}" for v in values) + "};")
    net = cnn28(SIDE, 1, LABELS).double()
    values = losses(net, torch.optim.Adam(net.parameters(), lr=0.0001))
    print("static const double cnn28_losses[] = {" + ", ".join(f"{v:.10f}" for v in values) + "};")


if __name__ == "__main__":
    main()
