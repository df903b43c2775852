"""Compares full-size networks with random weights, results and speed on one core, with torchvision.

From the root of the repository, after `swift build -c release --build-tests`:

    /opt/ref/bin/python Tests/BackbonesTests/Reference/compare_full_size.py /tmp/full-size

Writes weights (resnet18 and resnet50, hashed numbers) and 8 images into the folder, has the package's own test compute the
feature maps from them, and prints a table: the largest difference from torchvision in double precision, relative to
the root mean square of the map; beside it that of torchvision in single precision; and images per second of both with one
thread, three rounds taken in turn, the best of all repeats.
"""

import os
import pathlib
import subprocess
import sys
import time

import numpy
import torch
from safetensors.numpy import load_file, save_file

import hashed_numbers
import torchvision_import  # noqa: F401  (before anything of torchvision)
import torchvision

NAMES = ["resnet18", "resnet50"]
IMAGE_COUNT = 8
SWIFT = ["swift", "test", "-c", "release", "--skip-build", "--filter", "FullSizeComparisonTests"]


def features(network, x):
    x = network.maxpool(network.relu(network.bn1(network.conv1(x))))
    return network.layer4(network.layer3(network.layer2(network.layer1(x))))


def error(maps, reference):
    reference = reference.astype(numpy.float64)
    return numpy.abs(maps - reference).max() / numpy.sqrt((reference**2).mean())


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    images = hashed_numbers.units("images", IMAGE_COUNT * 224 * 224 * 3).reshape(IMAGE_COUNT, 224, 224, 3) * 2
    save_file({"images": images.astype(numpy.float32)}, folder / "images.safetensors")
    planes = torch.from_numpy(images).permute(0, 3, 1, 2)
    results = {}
    for name in NAMES:
        network = getattr(torchvision.models, name)(weights=None).eval()
        hashed_numbers.fill(network)
        save_file({k: v.numpy() for k, v in network.state_dict().items()}, folder / f"{name}.weights.safetensors")
        with torch.no_grad():
            reference = features(network.double(), planes).permute(0, 2, 3, 1).numpy()
            network = network.float().to(memory_format=torch.channels_last)
            single = planes.float().contiguous(memory_format=torch.channels_last)
            torch_error = error(features(network, single).permute(0, 2, 3, 1).numpy(), reference)
        results[name] = {"reference": reference, "torch_error": torch_error, "network": network, "input": single,
                         "torch": [], "ours": []}
    for _ in range(3):
        for name in NAMES:
            with torch.no_grad():
                for _ in range(4):
                    start = time.perf_counter()
                    features(results[name]["network"], results[name]["input"])
                    results[name]["torch"].append(time.perf_counter() - start)
        subprocess.run(SWIFT, env={**os.environ, "INFODISENT_FULL_SIZE": str(folder)}, check=True,
                       stdout=subprocess.DEVNULL)
        for name in NAMES:
            computed = load_file(folder / f"{name}.computed.safetensors")
            results[name]["ours"] += list(computed["seconds"])
            results[name]["error"] = error(computed["maps"], results[name]["reference"])
    print(f"load average {os.getloadavg()[0]:.1f}, torch {torch.__version__}")
    print(f"{'network':10} {'error':>9} {'torch f32':>9} {'images/s':>9} {'torch':>9} {'ratio':>6}")
    for name, result in results.items():
        ours, theirs = IMAGE_COUNT / min(result["ours"]), IMAGE_COUNT / min(result["torch"])
        print(f"{name:10} {result['error']:9.1e} {result['torch_error']:9.1e} {ours:9.2f} {theirs:9.2f} "
              f"{ours / theirs:6.2f}")


main()
