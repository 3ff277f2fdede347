#!/usr/bin/env python3
"""How much Winograd's F(4x4, 4x4) errs with which points: the choice of src/nn/winograd_tile.h.

    python3 tests/oracle/winograd_points.py

All sixes of some small numbers, with infinity, on random tiles in float32 against sums in double: twelve channels deep,
the four phases of a 7x7 kernel of stride 2 over three channels. Prints the best, and some that are often taken. Needs
python3-numpy. Not part of `npm test`.
"""
from itertools import combinations

import numpy as np

OUT, TAPS, DEPTH = 4, 4, 12
SIDE = OUT + TAPS - 1
SMALL = [0, 1, -1, 2, -2, 1 / 2, -1 / 2, 1 / 4, -1 / 4, 3 / 2, -3 / 2, 3 / 4, -3 / 4, 2 / 3, -2 / 3, 4, -4]
USUAL = [(0, 1, -1, 2, -2, 1 / 2), (0, 1, -1, 1 / 2, -1 / 2, 2), (1, -1, 2, -2, 1 / 2, -1 / 2)]


def matrices(points):
    """A', G and B' of Cook and Toom's construction, infinity last. Scales of rows change no error: see docs/NUMERICS.md."""
    a, g, b = np.zeros((OUT, SIDE)), np.zeros((SIDE, TAPS)), np.zeros((SIDE, SIDE))
    for i, point in enumerate(points):
        others = [p for p in points if p != point]
        a[:, i] = point ** np.arange(OUT)
        g[i] = point ** np.arange(TAPS) / np.prod([point - p for p in others])
        b[i, :-1] = np.poly(others)[::-1]
    a[-1, -1] = g[-1, -1] = 1
    b[-1] = np.poly(points)[::-1]
    return a, g, b


def tiles(count):
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((count, DEPTH, SIDE, SIDE)).astype(np.float32)
    taps = rng.standard_normal((count, DEPTH, TAPS, TAPS)).astype(np.float32)
    taps[:, 1::2, -1, :] = 0  # phases of three taps lack the last
    taps[:, 2::4, :, -1] = taps[:, 3::4, :, -1] = 0
    views = np.lib.stride_tricks.sliding_window_view(inputs.astype(np.float64), (TAPS, TAPS), axis=(2, 3))
    return inputs, taps, np.einsum('tcyxij,tcij->tyx', views, taps.astype(np.float64))


def error(points, inputs, taps, want):
    """Root mean square, as a share of the results'. Weights are transformed in double, as they are when a model is loaded."""
    a, g, b = matrices(points)
    a, b = a.astype(np.float32), b.astype(np.float32)
    weights = (g @ taps.astype(np.float64) @ g.T).astype(np.float32)
    places = b @ inputs @ b.T
    product = np.zeros((len(inputs), SIDE, SIDE), np.float32)
    for c in range(DEPTH):
        product += weights[:, c] * places[:, c]
    return np.sqrt(np.mean((a @ product @ a.T - want) ** 2) / np.mean(want ** 2))


def main():
    few, many = tiles(60), tiles(3000)
    found = sorted(combinations(SMALL, SIDE - 1), key=lambda points: error(points, *few))[:60]
    found = sorted(found, key=lambda points: error(points, *many))[:10]
    for points in found + USUAL:
        print(f'{error(points, *many):.2e}', ' '.join(f'{p:g}' for p in points))


main()
