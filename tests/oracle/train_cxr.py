#!/usr/bin/env python3
"""Trains the shipped chest X-ray model (normal against pneumonia) with PyTorch and exports it to ONNX.

    /usr/bin/python3 tests/oracle/train_cxr.py --data ../shared/data/kermany-cxr-224 --out models/cxr-pneumonia

Data: Kermany, Zhang, Goldbaum 2018 (CC BY 4.0), 224x224 grey JPEG, films of children of one hospital.
Split: the 624 published test films are only scored, once, at the end. Validation is 12 % of the *patients* of the
training folder (the number after `person` or `IM-`), so no child stands on both sides. Threshold and temperature
come from validation. Writes model.onnx (float16 weights), metrics.json and scores.csv; the card cites them.

Needs Debian's python3-torch, python3-onnx, python3-pil, python3-sklearn.
"""
import argparse, csv, json, os, re, sys, time

import numpy as np
import onnx
import onnx.checker
import onnx.helper
import onnx.numpy_helper
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image
from torch.nn.utils.fusion import fuse_conv_bn_eval
from sklearn.metrics import roc_auc_score

SIZE = 128
CLASSES = ["NORMAL", "PNEUMONIA"]


def patient(name):
    """The patient behind a file name; normal films and ill ones are numbered separately."""
    m = re.search(r"person(\d+)|IM-(\d+)", name)
    return f"p{m.group(1)}" if m.group(1) else f"n{m.group(2)}"


def read_folder(folder):
    rows = []
    for label, cls in enumerate(CLASSES):
        for name in sorted(os.listdir(os.path.join(folder, cls))):
            im = Image.open(os.path.join(folder, cls, name)).convert("L").resize((SIZE, SIZE), Image.BILINEAR)
            rows.append((name, patient(name), label, np.asarray(im, np.uint8)))
    names, patients, labels, pixels = zip(*rows)
    return list(names), list(patients), torch.tensor(labels), torch.from_numpy(np.stack(pixels))


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al. 2016), stride in the first."""

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


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        w = width
        self.stem = nn.Sequential(nn.Conv2d(1, w, 3, 2, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU())
        self.body = nn.Sequential(
            Block(w, w, 2), Block(w, w, 1),
            Block(w, 2 * w, 2), Block(2 * w, 2 * w, 1),
            Block(2 * w, 4 * w, 2), Block(4 * w, 4 * w, 1))
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(4 * w, 1)

    def forward(self, x):
        y = self.body(self.stem(x)).mean((2, 3))
        return self.head(self.drop(y))


def fold_norms(net):
    """Each convolution takes its batch norm; exporting would do the same, but after the weights were rounded."""
    net.stem = nn.Sequential(fuse_conv_bn_eval(net.stem[0], net.stem[1]), nn.ReLU())
    for block in net.body:
        block.a, block.na = fuse_conv_bn_eval(block.a, block.na), nn.Identity()
        block.b, block.nb = fuse_conv_bn_eval(block.b, block.nb), nn.Identity()
        if isinstance(block.skip, nn.Sequential):
            block.skip = fuse_conv_bn_eval(block.skip[0], block.skip[1])


def augment(x, rng):
    """Small rotation, scale, shift, shear, gamma, contrast; no mirror (the heart lies left)."""
    n = x.shape[0]
    u = lambda lo, hi: torch.empty(n).uniform_(lo, hi, generator=rng)
    a, s, r = u(-0.17, 0.17), u(0.85, 1.15), u(0.9, 1.1)
    m = torch.zeros(n, 2, 3)
    m[:, 0, 0], m[:, 0, 1], m[:, 0, 2] = s * r * torch.cos(a), -s * torch.sin(a), u(-0.12, 0.12)
    m[:, 1, 0], m[:, 1, 1], m[:, 1, 2] = s * torch.sin(a), s / r * torch.cos(a), u(-0.12, 0.12)
    x = F.grid_sample(x, F.affine_grid(m, list(x.shape), align_corners=False), align_corners=False)
    x = x.clamp(0, 1) ** u(0.7, 1.45).view(n, 1, 1, 1)
    x = (x - 0.5) * u(0.75, 1.3).view(n, 1, 1, 1) + 0.5 + u(-0.12, 0.12).view(n, 1, 1, 1)
    return x.clamp(0, 1)


def standardise(x, mean, std):
    return (x - mean) / std


@torch.no_grad()
def logits(net, pixels, mean, std):
    net.eval()
    out = [net(standardise(b.float().unsqueeze(1) / 255, mean, std)).squeeze(1) for b in pixels.split(128)]
    return torch.cat(out)


def fit_temperature(z, y):
    """Guo et al. 2017: one scalar that minimises validation cross-entropy."""
    log_t = torch.zeros(1, requires_grad=True)
    opt = torch.optim.LBFGS([log_t], max_iter=60)

    def closure():
        opt.zero_grad()
        loss = F.binary_cross_entropy_with_logits(z / log_t.exp(), y.float())
        loss.backward()
        return loss

    opt.step(closure)
    return float(log_t.exp())


def screening_threshold(p, y, sensitivity):
    """The largest threshold that keeps the wanted sensitivity on validation, midway to the next score below."""
    ill = np.sort(p[y == 1])
    cut = ill[int(np.floor((1 - sensitivity) * len(ill)))]
    below = p[p < cut]
    return float((cut + below.max()) / 2) if below.size else float(cut)


def bootstrap(fn, p, y, rounds=2000, seed=7):
    rng = np.random.default_rng(seed)
    vals = []
    while len(vals) < rounds:
        i = rng.integers(0, len(y), len(y))
        if 0 < y[i].sum() < len(y):
            vals.append(fn(p[i], y[i]))
    return [round(float(v), 4) for v in np.percentile(vals, [2.5, 97.5])]


def weights_to_half(model):
    """Stores convolution and dense weights as float16 followed by Cast: half the download, the same graph."""
    big = [t for t in model.graph.initializer if len(t.dims) >= 2]
    casts = []
    for t in big:
        half = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(t).astype(np.float16), t.name + ".f16")
        casts.append(onnx.helper.make_node("Cast", [half.name], [t.name], to=onnx.TensorProto.FLOAT))
        model.graph.initializer.remove(t)
        model.graph.initializer.append(half)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--data", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--epochs", type=int, default=16)
    ap.add_argument("--width", type=int, default=24)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--sensitivity", type=float, default=0.97, help="of the threshold, on validation")
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    rng = torch.Generator().manual_seed(a.seed)

    names, patients, labels, pixels = read_folder(os.path.join(a.data, "train"))
    ids = sorted(set(patients))
    order = np.random.default_rng(a.seed).permutation(len(ids))
    val_ids = {ids[i] for i in order[: round(0.12 * len(ids))]}
    is_val = torch.tensor([p in val_ids for p in patients])
    tx, ty, vx, vy = pixels[~is_val], labels[~is_val], pixels[is_val], labels[is_val]
    mean, std = float(tx.float().mean() / 255), float(tx.float().std() / 255)
    mean, std = round(mean, 4), round(std, 4)
    print(f"train {len(tx)} films, validation {len(vx)} films of {len(val_ids)} patients, mean {mean} std {std}", flush=True)

    net = Net(a.width)
    ema = Net(a.width)
    ema.load_state_dict(net.state_dict())
    parameters = sum(p.numel() for p in net.parameters())
    print(f"{parameters} parameters", flush=True)
    pos = float((ty == 0).sum() / (ty == 1).sum())
    opt = torch.optim.AdamW(net.parameters(), lr=a.lr, weight_decay=2e-2)
    batch, steps = 48, (len(tx) // 48) * a.epochs
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, a.lr, total_steps=steps, pct_start=0.15)
    best, best_state = -1.0, None
    for epoch in range(a.epochs):
        t0, total = time.time(), 0.0
        net.train()
        perm = torch.randperm(len(tx), generator=rng)
        for k in range(len(tx) // batch):
            i = perm[k * batch : (k + 1) * batch]
            x = standardise(augment(tx[i].float().unsqueeze(1) / 255, rng), mean, std)
            y = ty[i].float() * 0.94 + 0.03  # label smoothing
            loss = F.binary_cross_entropy_with_logits(net(x).squeeze(1), y, pos_weight=torch.tensor(pos))
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            opt.step()
            sched.step()
            total += float(loss)
            with torch.no_grad():
                for e, p in zip(ema.state_dict().values(), net.state_dict().values()):
                    e.copy_(e * 0.99 + p * 0.01) if e.is_floating_point() else e.copy_(p)
        zv = logits(ema, vx, mean, std)
        auc = roc_auc_score(vy.numpy(), zv.numpy())
        bce = float(F.binary_cross_entropy_with_logits(zv, vy.float()))
        if auc > best:
            best, best_state = auc, {k: v.clone() for k, v in ema.state_dict().items()}
        print(f"epoch {epoch + 1}/{a.epochs} loss {total / (len(tx) // batch):.4f} val auc {auc:.4f} bce {bce:.4f} {time.time() - t0:.0f} s", flush=True)

    ema.load_state_dict(best_state)
    # Batch norm into the convolutions, weights to float16, before anything is measured: what is scored is what is shipped.
    fold_norms(ema.eval())
    with torch.no_grad():
        for p in ema.parameters():
            if p.dim() >= 2:
                p.copy_(p.half().float())
    zv, yv = logits(ema, vx, mean, std), vy
    temperature = fit_temperature(zv, yv)
    pv = torch.sigmoid(zv / temperature).numpy()
    threshold = round(screening_threshold(pv, yv.numpy(), a.sensitivity), 4)

    test_names, _, test_y, test_x = read_folder(os.path.join(a.data, "test"))
    zt = logits(ema, test_x, mean, std)
    p, y = torch.sigmoid(zt / temperature).numpy(), test_y.numpy()
    auc = lambda p, y: roc_auc_score(y, p)
    sens = lambda p, y: (p[y == 1] >= threshold).mean()
    spec = lambda p, y: (p[y == 0] < threshold).mean()
    metrics = {
        "seed": a.seed, "epochs": a.epochs, "validation_sensitivity": a.sensitivity, "width": a.width, "size": SIZE,
        "parameters": parameters,
        "train_films": len(tx), "validation_films": len(vx), "test_films": len(y),
        "validation_auc": round(float(auc(pv, yv.numpy())), 4), "temperature": round(temperature, 4), "threshold": threshold,
        "test_auc": round(float(auc(p, y)), 4), "test_auc_ci95": bootstrap(auc, p, y),
        "test_sensitivity": round(float(sens(p, y)), 4), "test_sensitivity_ci95": bootstrap(sens, p, y),
        "test_specificity": round(float(spec(p, y)), 4), "test_specificity_ci95": bootstrap(spec, p, y),
        "test_accuracy": round(float(((p >= threshold) == y).mean()), 4),
        "torch": torch.__version__,
    }
    print(json.dumps(metrics, indent=1), flush=True)

    os.makedirs(a.out, exist_ok=True)
    path = os.path.join(a.out, "model.onnx")
    ema.eval()
    torch.onnx.export(ema, torch.zeros(1, 1, SIZE, SIZE), path, opset_version=13, input_names=["image"], output_names=["logit"],
                      dynamic_axes={"image": {0: "batch"}, "logit": {0: "batch"}})
    model = onnx.load(path)
    weights_to_half(model)
    model.graph.name = "cxr-pneumonia"
    model.doc_string = ""
    meta = {
        "nsc.version": "1",
        "nsc.name": "cxr-pneumonia",
        "nsc.title": "Chest X-ray of a child: normal or pneumonia",
        "nsc.task": "binary",
        "nsc.labels": json.dumps(["normal", "pneumonia"]),
        "nsc.output": "logits",
        "nsc.input": json.dumps({"width": SIZE, "height": SIZE, "channels": 1, "fit": "stretch",
                                 "range": {"kind": "voi"}, "mean": [mean], "std": [std]}),
        "nsc.threshold": json.dumps(threshold),
        "nsc.temperature": json.dumps(round(temperature, 4)),
        "nsc.advice": json.dumps({
            "normal": "The model found no sign of pneumonia that it knows. That does not rule it out: judge by the patient and have the film read by a radiologist.",
            "pneumonia": "The model sees a pattern as in films of pneumonia. Have the film read by a radiologist; do not treat on this result alone."}),
        "nsc.limits": "Trained on front views of children aged one to five years from one hospital. Films of adults, side views and CT are outside its range.",
        "nsc.license": "CC BY 4.0 (data: Kermany, Zhang, Goldbaum 2018, doi 10.17632/rscbjbr9sj.2)",
    }
    for k, v in meta.items():
        e = model.metadata_props.add()
        e.key, e.value = k, v
    onnx.checker.check_model(model)
    onnx.save(model, path)
    with open(os.path.join(a.out, "metrics.json"), "w") as f:
        json.dump(metrics, f, indent=1)
        f.write("\n")
    with open(os.path.join(a.out, "scores.csv"), "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["file", "label", "probability"])
        w.writerows((n, int(t), f"{q:.6f}") for n, t, q in zip(test_names, y, p))
    print(f"{path}: {os.path.getsize(path)} bytes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
