"""What the small residual networks of this folder are made of: torchvision's BasicBlock with the same keys, and stages of them."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def add_stages(network, widths, blocks, strides):
    """Gives the network layer1, layer2, ...; the first takes widths[0] channels, the stride of a stage is that of its first block."""
    inputs = widths[0]
    for stage, (width, count, stride) in enumerate(zip(widths, blocks, strides), start=1):
        stages = [BasicBlock(inputs if b == 0 else width, width, stride if b == 0 else 1) for b in range(count)]
        setattr(network, f"layer{stage}", nn.Sequential(*stages))
        inputs = width


def describe(widths, blocks, strides, side, mean, standard_deviation):
    """The metadata by which the program reads a file of such a network, for images of that side that are taken as they are."""
    return {
        "architecture": "resnet",
        "block": "basic",
        "widths": ",".join(map(str, widths)),
        "blocks": ",".join(map(str, blocks)),
        "strides": ",".join(map(str, strides)),
        "resize": str(side),
        "crop": str(side),
        "interpolation": "bilinear",
        "mean": ",".join(map(str, mean)),
        "std": ",".join(map(str, standard_deviation)),
    }


def save_described(network, path, metadata):
    """Writes the network as float16 safetensors, whole or not at all."""
    tensors = {
        name: value.detach().to(torch.float16).contiguous().clone()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata)
    partial.chmod(0o644)
    partial.replace(path)
