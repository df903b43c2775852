"""Runs exported heads through ONNX Runtime and PyTorch, and records what they make of them.

INFODISENT_EXAMPLES=/tmp/examples swift test -c release --filter HeadExportTests/examplesAreWritten
python3 Tests/HeadExportTests/Reference/check_export.py /tmp/examples Tests/HeadExportTests/Fixtures

The lines of PyTorch are those of the project's README, taken from there. With one argument nothing is recorded.

(onnx 1.23.2, onnxruntime 1.32.0, torch 2.13.0, safetensors 0.8.0)
"""

import json
import pathlib
import re
import shutil
import sys

import numpy
import onnx
import onnxruntime
import torch
from safetensors import safe_open
from safetensors.numpy import load_file

TOLERANCE = 1e-4
examples = pathlib.Path(sys.argv[1])
readme = pathlib.Path(__file__).parents[3] / "README.md"
block = next(text for text in re.findall(r"```python\n(.*?)```", readme.read_text(), re.S) if "def load_head" in text)
scope = {}
exec(block, scope)

recorded = {}
for path in sorted(examples.glob("*.onnx")):
    name = path.stem
    expected = load_file(examples / f"{name}.expected")
    features, logits = expected["features"], expected["logits"]
    with safe_open(examples / f"{name}.expected", "np") as file:
        layout = file.metadata()["layout"]

    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = features if layout == "nhwc" else features.transpose(0, 3, 1, 2)
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(None, {"features": numpy.ascontiguousarray(given)})))

    head, class_names = scope["load_head"](examples / f"{name}.safetensors")
    with torch.no_grad():
        torch_logits = head(torch.from_numpy(features)).numpy()

    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(facts["class_names"]) == class_names and len(class_names) == logits.shape[1]
    for program, found in [("ONNX Runtime", outputs["logits"]), ("PyTorch", torch_logits)]:
        difference = numpy.abs(found - logits).max()
        print(f"{name:20} {program:13} max|difference of logits| = {difference:.1e}")
        assert difference <= TOLERANCE, (name, program)
    recorded[name] = {
        "onnx": outputs["logits"].ravel().tolist(),
        "onnx_probabilities": outputs["probabilities"].ravel().tolist(),
        "onnx_pooled": outputs["pooled"].ravel().tolist(),
        "torch": torch_logits.ravel().tolist(),
        "positive_cells": outputs["positive_cell"].ravel().tolist(),
        "negative_cells": outputs["negative_cell"].ravel().tolist(),
    }

assert recorded, f"no .onnx in {examples}"
if len(sys.argv) > 2:
    fixtures = pathlib.Path(sys.argv[2])
    fixtures.mkdir(parents=True, exist_ok=True)
    for name in recorded:
        for suffix in ["onnx", "safetensors"]:
            shutil.copy(examples / f"{name}.{suffix}", fixtures)
    (fixtures / "recorded.json").write_text(json.dumps(recorded, sort_keys=True) + "\n")
