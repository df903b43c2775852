"""Compares full-size networks that transformers saves, with random weights, with what it computes.

From a folder where `swift build -c release --build-tests` has been run:

    python Tests/BackbonesTests/Reference/compare_pretrained.py /tmp/pretrained [NAME...]

For each network, one after the other: saves it with save_pretrained into the folder, has the package's own test recognise it and
compute the feature map of an image from it, and prints the largest difference from transformers in double precision, relative to
the map's largest value; beside it that of transformers in single precision. Ends with 1 if any is above 2e-5.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import numpy
import torch
from safetensors.numpy import load_file, save_file

import pretrained_networks
import reference_networks

SWIFT = ["swift", "test", "-c", "release", "--skip-build", "--filter", "FullSizeComparisonTests"]
BAR = 2e-5
SMALL = {"hidden_size": 384, "num_attention_heads": 6}
DINO = {**SMALL, "image_size": 518, "patch_size": 14}

NETWORKS = [
    ("resnet18", "ResNetForImageClassification", 224,
     {"hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2], "layer_type": "basic"}),
    ("resnet50", "ResNetForImageClassification", 224, {}),
    ("convnext_tiny", "ConvNextForImageClassification", 224, {}),
    ("vit_b_16", "ViTForImageClassification", 224, {}),
    ("vit_b_16", "ViTMAEForPreTraining", 224, {}),
    ("vit_b_16", "DeiTForImageClassificationWithTeacher", 224, {}),
    ("vit_small_patch16_224", "DeiTForImageClassification", 224, {**SMALL, "intermediate_size": 1536}),
    ("vit_small_patch14_dinov2", "Dinov2ForImageClassification", 518, DINO),
    ("vit_small_patch14_reg4_dinov2", "Dinov2WithRegistersModel", 518, DINO),
    ("swin_t", "SwinForImageClassification", 224, {}),
    ("swin_v2_t", "Swinv2ForImageClassification", 256, {"image_size": 256, "window_size": 8}),
    ("swinv2_tiny_window16_256", "Swinv2ForImageClassification", 256,
     {"image_size": 256, "window_size": 16, "pretrained_window_sizes": [12, 12, 12, 6]}),
]


def error(maps, reference):
    reference = reference.astype(numpy.float64)
    return numpy.abs(maps - reference).max() / numpy.abs(reference).max()


@torch.no_grad()
def compare(folder, name, kind, side, options):
    torch.manual_seed(0)
    network = pretrained_networks.make(kind, largest=100_000, **options)
    x = pretrained_networks.images("full size", side, side, count=1).float()
    for module in network.modules():
        # As in reference_networks.py: what a branch adds is small beside the shortcut.
        if type(module).__name__ in ("ResNetBasicLayer", "ResNetBottleNeckLayer"):
            module.layer[-1].normalization.weight *= 0.3
    reference_networks.calibrate(network, x, pretrained_networks.features)
    network.save_pretrained(folder / f"{name}.pretrained", max_shard_size="50MB")
    save_file({"images": x.numpy()}, folder / f"{name}.images.safetensors")
    subprocess.run(SWIFT, env={**os.environ, "INFODISENT_FULL_SIZE": str(folder)}, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    maps = load_file(folder / f"{name}.computed.safetensors")["maps"]
    single = pretrained_networks.features(network, x).numpy()
    network = network.double()
    for module in network.modules():
        if hasattr(module, "create_coords_table_and_index"):
            torch.set_default_dtype(torch.float64)
            module.relative_coords_table = module.create_coords_table_and_index()[0].double()
            torch.set_default_dtype(torch.float32)
    reference = pretrained_networks.features(network, x.double()).numpy()
    shutil.rmtree(folder / f"{name}.pretrained")
    for path in folder.glob(f"{name}.*"):
        path.unlink()
    assert maps.shape == reference.shape, f"{name}: a map of {maps.shape} instead of {reference.shape}"
    result = error(maps, reference)
    print(f"{name:30} {kind:38} {side:4} {result:9.1e} {error(single, reference):9.1e} {numpy.abs(reference).max():8.1f}"
          + ("" if result <= BAR else "  ABOVE THE BAR"), flush=True)
    return result <= BAR


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    networks = [each for each in NETWORKS if len(sys.argv) == 2 or each[0] in sys.argv[2:]]
    print(f"{'network':30} {'saved as':38} {'side':>4} {'error':>9} {'torch f32':>9} {'largest':>8}")
    fit = [compare(folder, *each) for each in networks]
    print(f"{fit.count(True)} of {len(fit)} agree")
    sys.exit(not all(fit))


main()
