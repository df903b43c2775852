"""Writes the fixtures with the official safetensors package.

python3 Tests/WeightFilesTests/Reference/make_fixtures.py Tests/WeightFilesTests/Fixtures

(safetensors 0.8.0, torch 2.13.0)
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file

folder = pathlib.Path(sys.argv[1])
values = torch.tensor([[0.0, -1.5, 3.25], [65504.0, 2.0**-24, float("-inf")]], dtype=torch.float64)
save_file(
    {
        "f64": values + 0.1,
        "f32": values.float(),
        "f16": values.half(),
        "bf16": values.bfloat16(),
        "i64": torch.tensor([-(2**63), 0, 2**63 - 1]),
        "i32": torch.tensor([[1], [-2]], dtype=torch.int32),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(7.5),
        "empty": torch.zeros(0, 3),
        "Ünïcode \"name\"\n": torch.tensor([1.0]),
    },
    folder / "types.safetensors",
    metadata={"format": "pt"},
)
save_file({"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([5.0], dtype=torch.float16)}, folder / "plain.safetensors")
# Every half: exhaustive conversion.
save_file({"halves": torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16).view(torch.float16)}, folder / "halves.safetensors")
