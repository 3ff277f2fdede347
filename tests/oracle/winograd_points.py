#!/usr/bin/env python3
"""How much Winograd's transforms err with which points: the choices of src/nn/winograd_tile.h and winograd_segment.h.

    python3 tests/oracle/winograd_points.py

On random tiles in float32 against sums in double. Four outputs of four taps: all sixes of some small numbers, with
infinity, twelve channels deep, the four phases of a 7x7 kernel of stride 2 over three channels. Six outputs of three
taps: zero, three pairs of small numbers and infinity, 64 channels deep. Prints the best, and some that are often taken.
Needs python3-numpy. Not part of `npm test`.
"""
from itertools import combinations

import numpy as np

SMALL = [0, 1, -1, 2, -2, 1 / 2, -1 / 2, 1 / 4, -1 / 4, 3 / 2, -3 / 2, 3 / 4, -3 / 4, 2 / 3, -2 / 3, 4, -4]
PAIRS = [1 / 4, 1 / 3, 2 / 5, 1 / 2, 3 / 5, 2 / 3, 3 / 4, 4 / 5, 1, 5 / 4, 4 / 3, 3 / 2, 5 / 3, 2, 5 / 2, 3, 4]
USUAL = [(0, 1, -1, 2, -2, 1 / 2), (0, 1, -1, 1 / 2, -1 / 2, 2), (1, -1, 2, -2, 1 / 2, -1 / 2)]


def matrices(points, out, taps):
    """A', G and B' of Cook and Toom's construction, infinity last. Scales of rows change no error: see docs/NUMERICS.md."""
    side = out + taps - 1
    a, g, b = np.zeros((out, side)), np.zeros((side, taps)), np.zeros((side, side))
    for i, point in enumerate(points):
        others = [p for p in points if p != point]
        a[:, i] = point ** np.arange(out)
        g[i] = point ** np.arange(taps) / np.prod([point - p for p in others])
        b[i, :-1] = np.poly(others)[::-1]
    a[-1, -1] = g[-1, -1] = 1
    b[-1] = np.poly(points)[::-1]
    return a, g, b


def tiles(count, out, taps, depth):
    rng = np.random.default_rng(3)
    side = out + taps - 1
    inputs = rng.standard_normal((count, depth, side, side)).astype(np.float32)
    weights = rng.standard_normal((count, depth, taps, taps)).astype(np.float32)
    if taps == 4:
        weights[:, 1::2, -1, :] = 0  # phases of three taps lack the last
        weights[:, 2::4, :, -1] = weights[:, 3::4, :, -1] = 0
    views = np.lib.stride_tricks.sliding_window_view(inputs.astype(np.float64), (taps, taps), axis=(2, 3))
    return inputs, weights, np.einsum('tcyxij,tcij->tyx', views, weights.astype(np.float64))


def error(points, inputs, weights, want):
    """Root mean square, as a share of the results'. Weights are transformed in double where that is done once, when a
    model is loaded, and in float32 where they stand as taps."""
    a, g, b = matrices(points, want.shape[1], weights.shape[2])
    a, b = a.astype(np.float32), b.astype(np.float32)
    if weights.shape[2] == 3:
        g = g.astype(np.float32)
    transformed = (g @ weights @ g.T).astype(np.float32)
    places = b @ inputs @ b.T
    product = np.zeros((len(inputs), *b.shape), np.float32)
    for c in range(inputs.shape[1]):
        product += transformed[:, c] * places[:, c]
    return np.sqrt(np.mean((a @ product @ a.T - want) ** 2) / np.mean(want ** 2))


def compare(title, candidates, also, few, many):
    print(title)
    found = sorted(candidates, key=lambda points: error(points, *few))[:60]
    found = sorted(found, key=lambda points: error(points, *many))[:10]
    for points in found + also:
        print(f'  {error(points, *many):.2e}', ' '.join(f'{p:g}' for p in points))


def main():
    four = (4, 4, 12)
    compare('four outputs of four taps', combinations(SMALL, 6), USUAL, tiles(60, *four), tiles(3000, *four))
    pairs = [(0, p, -p, q, -q, r, -r) for p, q, r in combinations(PAIRS, 3)]
    compare('six outputs of three taps', pairs, [], tiles(40, 6, 3, 64), tiles(400, 6, 3, 64))
    print('four outputs of three taps')
    print(f'  {error((0, 1, -1, 2, -2), *tiles(400, 4, 3, 64)):.2e} 0 1 -1 2 -2')


main()
