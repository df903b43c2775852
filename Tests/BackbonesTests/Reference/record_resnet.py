"""Records what PyTorch computes with residual networks, for ResNetTests.swift and ResidualBlockTests.swift.

    cd Tests/BackbonesTests/Reference && /opt/ref/bin/python record_resnet.py

Writes ../Fixtures: narrow-basic.safetensors and narrow-bottleneck.safetensors (whole networks: weights as training leaves
them, and the metadata that describes the architecture), narrow-*.expected.safetensors (an input and its feature maps,
[N, H, W, C], and logits), blocks.json (sampled outputs of one block of each real width, whose weights are hashed numbers).
Made with torch 2.13 and torchvision 0.28, in double precision, so that the differences found are ours.
"""

import json
import pathlib

import numpy
import torch
from safetensors.numpy import save_file
import torchvision_import  # noqa: F401  (before anything of torchvision)
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

import hashed_numbers

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"
KINDS = {"basic": BasicBlock, "bottleneck": Bottleneck}


class NarrowResNet(torch.nn.Module):
    """torchvision's ResNet with other widths, blocks and strides; its tensor names."""

    def __init__(self, kind, stem, widths, blocks, strides, class_count, groups=1, group_width=64):
        super().__init__()
        block = KINDS[kind]
        self.conv1 = torch.nn.Conv2d(
            3, stem["width"], stem["kernel"], stem["stride"], stem["kernel"] // 2, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(stem["width"])
        self.pool = torch.nn.MaxPool2d(3, 2, 1) if stem["pooling"] else torch.nn.Identity()
        builder = torch.nn.Module()  # ResNet._make_layer wants these
        builder._norm_layer, builder.dilation = torch.nn.BatchNorm2d, 1
        builder.groups, builder.base_width = groups, group_width
        builder.inplanes = stem["width"]
        self.stage_count = len(widths)
        for index, (width, count, stride) in enumerate(zip(widths, blocks, strides)):
            setattr(self, f"layer{index + 1}", ResNet._make_layer(builder, block, width, count, stride))
        self.fc = torch.nn.Linear(widths[-1] * block.expansion, class_count)

    def features(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        for index in range(self.stage_count):
            x = getattr(self, f"layer{index + 1}")(x)
        return x

    def logits(self, features):
        return self.fc(features.mean((2, 3)))


def channels_last(x: torch.Tensor) -> numpy.ndarray:
    return numpy.ascontiguousarray(x.permute(0, 2, 3, 1).to(torch.float32).numpy())


def record_narrow(kind, stem, widths, blocks, strides, input_shape):
    network = NarrowResNet(kind, stem, widths, blocks, strides, class_count=5).eval()
    hashed_numbers.fill(network)
    n, h, w = input_shape
    images = torch.from_numpy(hashed_numbers.units(f"{kind} images", n * h * w * 3).reshape(n, h, w, 3) * 2)
    with torch.no_grad():
        wide = network.double()
        features = wide.features(images.permute(0, 3, 1, 2))
        logits = wide.logits(features)
    def listed(values):
        return ",".join(map(str, values))

    description = {
        "architecture": "resnet", "block": kind, "widths": listed(widths), "blocks": listed(blocks),
        "strides": listed(strides), "resize": "40", "crop": "32", "interpolation": "bicubic",
        "mean": "0.5,0.4,0.3", "std": "0.2,0.25,0.3",
    }
    # The first network leaves out what has a default.
    if stem != {"width": widths[0], "kernel": 7, "stride": 2, "pooling": True}:
        description |= {f"stem_{key}": str(value).lower() for key, value in stem.items()}
    weights = {}
    for name, tensor in network.state_dict().items():
        weights[name] = tensor.numpy() if name.endswith("tracked") else tensor.numpy().astype(numpy.float32)
    save_file(weights, FIXTURES / f"narrow-{kind}.safetensors", description)
    save_file(
        {"images": images.numpy().astype(numpy.float32), "features": channels_last(features),
         "logits": logits.numpy().astype(numpy.float32)},
        FIXTURES / f"narrow-{kind}.expected.safetensors")


def record_block(kind, input_channels, width, stride, size):
    block = KINDS[kind]
    downsample = None
    if stride != 1 or input_channels != width * block.expansion:
        downsample = torch.nn.Sequential(
            torch.nn.Conv2d(input_channels, width * block.expansion, 1, stride, bias=False),
            torch.nn.BatchNorm2d(width * block.expansion))
    # Inside a module, so that names begin with the prefix that a network would have.
    holder = torch.nn.Module()
    holder.block = block(input_channels, width, stride, downsample).eval()
    hashed_numbers.fill(holder)
    shape = [2, *size, input_channels]
    images = torch.from_numpy(hashed_numbers.units("input", int(numpy.prod(shape))).reshape(shape))
    with torch.no_grad():
        output = channels_last(holder.block.double()(images.permute(0, 3, 1, 2)))
    flat = output.reshape(-1)
    # A stride that is prime to the sizes visits all rows, columns and channels.
    indices = [index * 7919 % flat.size for index in range(120)]
    return {
        "kind": kind, "inputChannelCount": input_channels, "width": width, "stride": stride, "inputShape": shape,
        "tensors": {name: list(t.shape) for name, t in holder.state_dict().items()},
        "outputShape": list(output.shape), "rootMeanSquare": float(numpy.sqrt((flat.astype(numpy.float64) ** 2).mean())),
        "indices": indices, "values": [float(flat[index]) for index in indices],
    }


def main():
    torch.manual_seed(0)
    FIXTURES.mkdir(exist_ok=True)
    record_narrow("basic", {"width": 4, "kernel": 7, "stride": 2, "pooling": True},
                  [4, 8, 8, 12], [2, 1, 2, 1], [1, 2, 2, 2], (2, 54, 37))
    record_narrow("bottleneck", {"width": 6, "kernel": 3, "stride": 1, "pooling": False},
                  [4, 6, 8], [1, 2, 2], [1, 2, 2], (2, 21, 26))
    blocks = []
    for kind in KINDS:
        expansion = KINDS[kind].expansion
        before = 64
        for width, stride, size in [(64, 1, (14, 13)), (128, 2, (14, 13)), (256, 2, (10, 9)), (512, 2, (7, 8))]:
            blocks.append(record_block(kind, before, width, stride, size))
            before = width * expansion
            blocks.append(record_block(kind, before, width, 1, (7, 7) if width > 64 else size))
    (FIXTURES / "blocks.json").write_text(json.dumps(blocks) + "\n")
    for path in sorted(FIXTURES.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
