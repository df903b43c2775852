"""Saves one narrow network of each family again, in the two forms of torch.save, for FileFormsTests.swift.

    cd Tests/BackbonesTests/Reference && python record_forms.py

Reads ../Fixtures/NAME.safetensors and writes ../Fixtures/Forms/NAME.pth (the zip form, in a training checkpoint with the names
that DistributedDataParallel gives) and NAME.stream.pth (the form before PyTorch 1.6, bare). Made with torch 2.13.
"""

import collections
import pathlib

import torch
from safetensors.torch import load_file

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"
NAMES = ["family-wide", "family-densenet", "family-convnext-timm", "transformer-vit-torchvision", "transformer-dinov2",
         "transformer-swin-torchvision", "transformer-swinv2-timm"]

(FIXTURES / "Forms").mkdir(exist_ok=True)
for name in NAMES:
    tensors = collections.OrderedDict(sorted(load_file(FIXTURES / f"{name}.safetensors").items()))
    wrapped = collections.OrderedDict((f"module.{key}", tensor) for key, tensor in tensors.items())
    torch.save({"epoch": 90, "state_dict": wrapped}, FIXTURES / f"Forms/{name}.pth")
    torch.save(tensors, FIXTURES / f"Forms/{name}.stream.pth", _use_new_zipfile_serialization=False)
