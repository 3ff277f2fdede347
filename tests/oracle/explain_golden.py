#!/usr/bin/env python3
"""Maps of influence by PyTorch's own gradients, in double precision, for tests/c/test_explain_golden.c.

    /usr/bin/python3 tests/oracle/explain_golden.py > tests/c/explain_golden.h

Written from the papers, as Captum (LayerGradCam, Saliency, IntegratedGradients with method="riemann_middle", Occlusion) and
pytorch-grad-cam (Grad-CAM++) compute them. Two small networks: one that ends with global average pooling and a dense layer, one that
flattens. Weights and picture come from a small generator that the C test has too.
"""
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path[:0] = [os.path.dirname(__file__), "bench"]
from train_golden import draws  # noqa: E402

SIDE, LABEL, STEPS, WINDOW, STRIDE, POINTS = 12, 1, 6, 4, 3, 5
MEAN, STD = 0.5, 0.25


def tensor(seed, *shape):
    fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 4
    values = draws(seed, int(np.prod(shape))) * np.float32((6 / fan_in) ** 0.5)
    return torch.tensor(values.astype(np.float64)).reshape(shape)


class Net:
    def __init__(self, flat):
        self.flat = flat
        self.w1, self.b1 = tensor(1, 4, 1, 3, 3), tensor(2, 4)
        self.w2, self.b2 = tensor(3, 6, 4, 3, 3), tensor(4, 6)
        self.w3, self.b3 = (tensor(5, 5, 216), tensor(6, 5)) if flat else (tensor(7, 3, 6), tensor(8, 3))
        self.w4, self.b4 = tensor(9, 3, 5), tensor(10, 3)

    def features(self, x):
        x = F.max_pool2d(F.relu(F.conv2d(x, self.w1, self.b1, padding=1)), 2)
        return F.relu(F.conv2d(x, self.w2, self.b2, padding=1))

    def head(self, a):
        if not self.flat:
            return F.linear(a.mean((2, 3)), self.w3, self.b3)
        return F.linear(F.relu(F.linear(a.flatten(1), self.w3, self.b3)), self.w4, self.b4)

    def __call__(self, x):
        return self.head(self.features(x))


def enlarge(m):
    return F.interpolate(m[None, None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0]


def activation(net, x):
    a = net.features(x).detach().requires_grad_()
    net.head(a)[0, LABEL].backward()
    return a.detach()[0], a.grad[0]


def cam(net, x):
    a, g = activation(net, x)
    return enlarge((g.sum((1, 2))[:, None, None] * a).sum(0))


def grad_cam(net, x):
    a, g = activation(net, x)
    return enlarge(F.relu((g.mean((1, 2))[:, None, None] * a).sum(0)))


def grad_cam_plus(net, x):
    a, g = activation(net, x)
    below = 2 * g**2 + a.sum((1, 2))[:, None, None] * g**3
    alpha = torch.where(g != 0, g**2 / torch.where(below != 0, below, torch.ones_like(below)), torch.zeros_like(g))
    return enlarge(F.relu(((alpha * F.relu(g)).sum((1, 2))[:, None, None] * a).sum(0)))


def gradient(net, x):
    x = x.clone().requires_grad_()
    net(x)[0, LABEL].backward()
    return x.grad[0]


def saliency(net, x):
    return gradient(net, x).abs().amax(0)


def integrated(net, x):
    blank = x.mean((2, 3), keepdim=True).expand_as(x)
    total = sum(gradient(net, blank + (x - blank) * ((i + 0.5) / STEPS)) for i in range(STEPS)) / STEPS
    return ((x - blank)[0] * total).sum(0)


def occlusion(net, x):
    blank = x.mean((2, 3), keepdim=True)
    total, weight = torch.zeros(SIDE, SIDE).double(), torch.zeros(SIDE, SIDE).double()
    steps = math.ceil((SIDE - WINDOW) / STRIDE) + 1
    for i in range(steps):
        for j in range(steps):
            rows, columns = slice(i * STRIDE, i * STRIDE + WINDOW), slice(j * STRIDE, j * STRIDE + WINDOW)
            covered = x.clone()
            covered[:, :, rows, columns] = blank
            total[rows, columns] += (net(x) - net(covered))[0, LABEL]
            weight[rows, columns] += 1
    return total / weight


def curve(net, x, insert):
    """Probabilities with the pixels of Grad-CAM's map taken away, or nothing but them."""
    order = torch.sort(grad_cam(net, x).float().flatten(), descending=True, stable=True).indices
    blank, out = x.mean((2, 3), keepdim=True).expand_as(x).flatten(), []
    for point in range(POINTS):
        first = order[: SIDE * SIDE * point // (POINTS - 1)]
        y = blank.clone() if insert else x.flatten().clone()
        y[first] = x.flatten()[first] if insert else blank[first]
        out.append(F.softmax(net(y.reshape(x.shape)), 1)[0, LABEL])
    return torch.stack(out)


def write(name, values):
    flat = values.flatten().tolist()
    rows = [", ".join(f"{v:.9g}" for v in flat[i : i + 6]) for i in range(0, len(flat), 6)]
    print(f"static const double {name}[{len(flat)}] = {{\n    " + ",\n    ".join(rows) + "};\n")


def main():
    pixels = np.floor((draws(100, SIDE * SIDE) + 1) * 128).clip(0, 255)
    x = torch.tensor((pixels.astype(np.float64) / 255 - MEAN) / STD).reshape(1, 1, SIDE, SIDE)
    print("/* Written by tests/oracle/explain_golden.py; do not edit. */")
    for name, net in (("pooled", Net(False)), ("flat", Net(True))):
        write(f"{name}_logits", net(x)[0])
        if name == "pooled":
            write(f"{name}_cam", cam(net, x))
        for method in (grad_cam, grad_cam_plus, saliency, integrated, occlusion):
            write(f"{name}_{method.__name__}", method(net, x))
        write(f"{name}_deletion", curve(net, x, False))
        write(f"{name}_insertion", curve(net, x, True))


main()
