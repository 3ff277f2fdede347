"""The curve of a survival model, its ONNX file computed node by node in PyTorch, against what `negatoscope classify` says.

    python3 tests/oracle/survival_onnx.py COMMAND model.onnx picture.png AGE,SEX

A grey 8-bit picture of the model's size, so that the recipe is (x / 255 - mean) / std and nothing else.
"""

import json
import subprocess
import sys

import numpy
import onnx
import onnx.numpy_helper
import torch
from PIL import Image
from torch.nn import functional


def convolve(x, weight, bias=None, *, strides, pads, group, kernel_shape):
    assert pads[:2] == pads[2:] and kernel_shape == list(weight.shape[2:])
    return functional.conv2d(x, weight, bias, strides, pads[:2], 1, group)


def norm(x, scale, shift, mean, variance, *, epsilon):
    return functional.batch_norm(x, mean, variance, scale, shift, False, 0, epsilon)


def gemm(x, weight, bias, *, transB):
    return x @ (weight.T if transB else weight) + bias


OPERATORS = {
    "Sub": torch.sub,
    "Mul": torch.mul,
    "Add": torch.add,
    "Relu": torch.relu,
    "Identity": lambda x: x,
    "Dropout": lambda x, *_: x,
    "Conv": convolve,
    "BatchNormalization": norm,
    "Gemm": gemm,
    "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True),
    "Flatten": lambda x: x.flatten(1),
    "Concat": lambda *x, axis: torch.cat(x, axis),
}


def compute(graph, inputs):
    values = {tensor.name: torch.tensor(onnx.numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    values |= {name: torch.tensor(value) for name, value in inputs.items()}
    for node in graph.node:
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        values[node.output[0]] = OPERATORS[node.op_type](*(values[name] for name in node.input), **attributes)
    return values[graph.output[0].name].numpy()


def main():
    command, path, picture, fields = sys.argv[1:]
    values = [float(field) for field in fields.split(",")]
    model = onnx.load(path)
    onnx.checker.check_model(model)
    said = {entry.key: entry.value for entry in model.metadata_props}
    recipe, survival = json.loads(said["nsc.input"]), json.loads(said["nsc.survival"])
    pixels = numpy.asarray(Image.open(picture), dtype=numpy.float32) / 255
    assert pixels.shape == (recipe["height"], recipe["width"]), pixels.shape
    image = ((pixels - recipe["mean"][0]) / recipe["std"][0])[None, None].astype(numpy.float32)
    logits = compute(model.graph, {"image": image, "fields": numpy.array([values], numpy.float32)})[0]
    expected = numpy.concatenate([[1], numpy.cumprod(1 / (1 + numpy.exp(logits.astype(float))))])
    given = ",".join(f"{field['name']}={'FM'[int(x)] if field['name'] == 'sex' else x}" for field, x in zip(survival["fields"], values))
    said = subprocess.run([command, "classify", "--model", path, "--json", "--fields", given, picture], capture_output=True, text=True, check=True)
    curve = json.loads(said.stdout)[0]
    off = float(numpy.abs(expected - curve["survival"]).max())
    print(f"largest difference {off:.2e} of {len(expected)} points")
    assert curve["edges"] == survival["edges"]
    assert off < 1e-5, (expected, curve["survival"])


main()
