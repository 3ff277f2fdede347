#!/usr/bin/python3
"""Writes tests/c/eval_golden.h: small data sets and what scikit-learn, SciPy and NumPy say about them.

    eval_golden.py > tests/c/eval_golden.h

Needs Debian's python3-sklearn and python3-scipy. Scores are rounded, so that many are equal, and are float32 as in C.
"""
import textwrap
import warnings

import numpy as np
from scipy import optimize, stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

warnings.simplefilter("ignore")
EPS = float(np.finfo(np.float32).eps)
random = np.random.RandomState(20240607)


def number(x):
    return repr(float(x)) if np.isfinite(x) else ("NAN" if np.isnan(x) else "INFINITY")


def array(ctype, name, values):
    flat = np.asarray(values).ravel()
    if ctype == "float":
        texts = [np.format_float_positional(np.float32(v), unique=True, trim="0") + "f" for v in flat]
    else:
        texts = [number(v) if ctype == "double" else str(int(v)) for v in flat]
    lines = textwrap.fill(", ".join(texts), 118, initial_indent="    ", subsequent_indent="    ")
    print(f"static const {ctype} {name}[{len(flat)}] = {{\n{lines}}};")


def scalar(name, value):
    print(f"static const double {name} = {number(value)};")


def float32(x):
    """As C will see them: decimal texts of float32 values, calculated with as float64."""
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def of_class(prefix, truth, called, p):
    c = metrics.confusion_matrix(truth, called, labels=[0, 1])
    (tn, fp), (fn, tp) = c
    values = [
        metrics.accuracy_score(truth, called),
        metrics.balanced_accuracy_score(truth, called),
        metrics.recall_score(truth, called),
        metrics.recall_score(truth, called, pos_label=0),
        metrics.precision_score(truth, called),
        metrics.precision_score(truth, called, pos_label=0),
        metrics.f1_score(truth, called),
        metrics.matthews_corrcoef(truth, called),
        metrics.cohen_kappa_score(truth, called),
        metrics.roc_auc_score(truth, p),
        metrics.average_precision_score(truth, p),
        metrics.brier_score_loss(truth, p),
        metrics.log_loss(truth, p, eps=EPS),
    ]
    array("double", prefix + "_values", values)
    array("uint64_t", prefix + "_counts", [tp, fp, tn, fn])


def binary():
    n = 70
    truth = (random.rand(n) < 0.4).astype(int)
    p = float32(np.clip(np.round(0.5 + 0.22 * random.randn(n) + 0.2 * (truth - 0.4), 2), 0.01, 0.99))
    other = 0.5 + 0.25 * random.randn(n) + 0.12 * (truth - 0.4) + 0.4 * (p - 0.5)
    other = float32(np.clip(np.round(other, 2), 0.01, 0.99))
    array("int32_t", "binary_truth", truth)
    array("float", "binary_scores", p)
    array("float", "binary_others", other)
    of_class("binary", truth, (p >= np.float32(0.55)).astype(int), p)
    fpr, tpr, thresholds = metrics.roc_curve(truth, p, drop_intermediate=False)
    array("double", "binary_fpr", fpr)
    array("double", "binary_tpr", tpr)
    array("double", "binary_thresholds", np.r_[np.inf, thresholds[1:]])
    precision, recall, _ = metrics.precision_recall_curve(truth, p)
    array("double", "binary_precision", precision[::-1])
    array("double", "binary_recall", recall[::-1])
    corners = metrics.roc_curve(truth, p)
    array("double", "binary_corner_fpr", corners[0])
    array("double", "binary_corner_tpr", corners[1])
    for strategy, name, bins in (("uniform", "width", 7), ("quantile", "mass", 6), ("quantile", "mass", 10)):
        share, score = calibration_curve(truth, p, n_bins=bins, strategy=strategy)
        array("double", f"binary_{name}{bins}_share", share)
        array("double", f"binary_{name}{bins}_score", score)
    platt(truth, p)


def platt(truth, p):
    z = float32(np.log(p / (1 - p)))
    positives, negatives = truth.sum(), (1 - truth).sum()
    target = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(ab):
        f = ab[0] * z + ab[1]
        return np.sum(np.logaddexp(0, -f) + target * f)

    fit = optimize.minimize(loss, [-1, 0], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14})
    array("float", "platt_z", z)
    array("double", "platt_fit", fit.x)

    def nll(inverse, odds=np.log(p) - np.log1p(-p)):
        return np.mean(np.logaddexp(0, np.where(truth == 1, -1, 1) * inverse * odds))

    best = optimize.minimize_scalar(nll, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-12})
    array("double", "binary_temperature", [1 / best.x, nll(1), best.fun])


def single():
    n, labels = 80, 4
    truth = random.choice(labels, n, p=[0.45, 0.3, 0.15, 0.1])
    z = random.randn(n, labels) + 1.2 * np.eye(labels)[truth]
    p = float32(np.round(np.exp(z) / np.exp(z).sum(1, keepdims=True), 3))
    called = p.argmax(1)
    onehot = np.eye(labels)[truth]
    array("int32_t", "single_truth", truth)
    array("float", "single_scores", p)
    for k in range(labels):
        of_class(f"single_{k}", (truth == k).astype(int), (called == k).astype(int), p[:, k])
    array("uint64_t", "single_confusion", metrics.confusion_matrix(truth, called))
    # accuracy, balanced accuracy, MCC, kappa, Brier (sum over classes), log loss
    array("double", "single_overall", [
        metrics.accuracy_score(truth, called), metrics.balanced_accuracy_score(truth, called),
        metrics.matthews_corrcoef(truth, called), metrics.cohen_kappa_score(truth, called),
        np.mean(((p - onehot) ** 2).sum(1)), metrics.log_loss(truth, p, eps=EPS)])
    for average in ("macro", "weighted"):
        normal = p / p.sum(1, keepdims=True)
        auc = metrics.roc_auc_score(truth, normal, multi_class="ovr", average=average)
        # scikit-learn wants rows that sum to 1 within 1e-8; the areas below are those of the unnormalised columns.
        auc_given = metrics.roc_auc_score(onehot, p, average=average)
        assert abs(auc - auc_given) < 0.01
        array("double", f"single_{average}", [
            metrics.recall_score(truth, called, average=average),
            metrics.precision_score(truth, called, average=average),
            metrics.f1_score(truth, called, average=average), auc_given,
            metrics.average_precision_score(onehot, p, average=average)])

    # Expected calibration error of the best label by its definition: 10 bins (low, high].
    best, right = p.max(1), (called == truth).astype(float)
    bins = np.clip(np.ceil(best * 10).astype(int) - 1, 0, 9)
    gaps = [(np.sum(bins == b), abs(best[bins == b].mean() - right[bins == b].mean())) for b in np.unique(bins)]
    array("double", "single_calibration", [sum(c * g for c, g in gaps) / n, max(g for _, g in gaps)])

    logits = np.log(np.maximum(p, float(np.finfo(np.float32).tiny)))

    def nll(inverse):
        x = inverse * logits
        return np.mean(np.log(np.exp(x).sum(1)) - x[np.arange(n), truth])

    fit = optimize.minimize_scalar(nll, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-12})
    array("double", "single_temperature", [1 / fit.x, nll(1), fit.fun])


def multi():
    n, labels = 60, 3
    truth = (random.rand(n, labels) < [0.5, 0.25, 0.12]).astype(int)
    p = float32(np.clip(np.round(0.45 + 0.2 * random.randn(n, labels) + 0.25 * (truth - 0.3), 2), 0.01, 0.99))
    thresholds = np.float32([0.5, 0.45, 0.6])
    called = (p >= thresholds).astype(int)
    array("uint8_t", "multi_truth", truth)
    array("float", "multi_scores", p)
    array("float", "multi_thresholds", thresholds)
    for k in range(labels):
        of_class(f"multi_{k}", truth[:, k], called[:, k], p[:, k])
    scalar("multi_exact", metrics.accuracy_score(truth, called))
    # sensitivity, precision, F1 of summed counts
    array("double", "multi_micro", [f(truth, called, average="micro") for f in (
        metrics.recall_score, metrics.precision_score, metrics.f1_score)])
    for average in ("macro", "weighted"):
        array("double", f"multi_{average}", [
            metrics.recall_score(truth, called, average=average),
            metrics.precision_score(truth, called, average=average),
            metrics.f1_score(truth, called, average=average), metrics.roc_auc_score(truth, p, average=average),
            metrics.average_precision_score(truth, p, average=average)])


def intervals():
    rows = []
    for hits, count, confidence in ((0, 10, 0.95), (7, 10, 0.95), (10, 10, 0.9), (81, 263, 0.99)):
        ci = stats.binomtest(hits, count).proportion_ci(confidence, method="wilson")
        rows += [hits, count, confidence, ci.low, ci.high]
    array("double", "wilson", rows)
    p = [1e-12, 0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9995]
    array("double", "normal_p", p)
    array("double", "normal_z", stats.norm.ppf(p))


print("/* Made by tests/oracle/eval_golden.py: data, and what scikit-learn, SciPy and NumPy say about it. */")
print("/* clang-format off */")
print("#include <math.h>\n#include <stdint.h>\n")
print("/* Values of a class stand in the order of nsc_eval_metric, as far as the log loss. */")
binary()
single()
multi()
intervals()
