"""Compares full-size networks with random weights, results and speed on one core, with PyTorch's.

From a folder where `swift build -c release --build-tests` has been run:

    python Tests/BackbonesTests/Reference/compare_full_size.py /tmp/full-size [--time] [NAME...]

Takes the names from the program (or those given) and for each, one after the other: writes weights and an image of the
default preset's size into the folder, has the package's own test compute the feature map from them, and prints the largest
difference from torchvision or timm in double precision, relative to the map's largest value; beside it that of PyTorch in
single precision. Ends with 1 if any is above 2e-4. With --time also images per second of processor time of both with one
thread on 8 images, taken in turn, the best of all repeats.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy
import torch
from safetensors.numpy import load_file, save_file

import hashed_numbers
import reference_networks

BAR = 2e-4
SWIFT = ["swift", "test", "-c", "release", "--skip-build", "--filter", "FullSizeComparisonTests"]


def run_tests(folder):
    subprocess.run(SWIFT, env={**os.environ, "INFODISENT_FULL_SIZE": str(folder)}, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def error(maps, reference):
    reference = reference.astype(numpy.float64)
    return numpy.abs(maps - reference).max() / numpy.abs(reference).max()


def images(count, side):
    units = hashed_numbers.units("images", count * side * side * 3)
    return torch.from_numpy((units * 2).astype(numpy.float32)).reshape(count, side, side, 3)


def compare(folder, name, side, is_timed):
    network = reference_networks.make(name)
    reference_networks.calibrate(network, images(1, side))
    count = 8 if is_timed else 1
    x = images(count, side)
    save_file({k: v.numpy() for k, v in network.state_dict().items()}, folder / f"{name}.weights.safetensors")
    save_file({"images": x.numpy()}, folder / f"{name}.images.safetensors")
    theirs, ours = [], []
    with torch.no_grad():
        network = network.to(memory_format=torch.channels_last)
        for _ in range(3 if is_timed else 1):
            for _ in range(3 if is_timed else 1):
                start = time.thread_time()
                single = reference_networks.features(network, x).numpy()
                theirs.append(time.thread_time() - start)
            run_tests(folder)
            computed = load_file(folder / f"{name}.computed.safetensors")
            ours += list(computed["seconds"])
        maps = computed["maps"]
        reference = reference_networks.features(network.double(), x[:1].double()).numpy()
    for path in folder.glob(f"{name}.*"):
        path.unlink()
    assert maps.shape[1:] == reference.shape[1:], f"{name}: a map of {maps.shape} instead of {reference.shape}"
    result = error(maps[:1], reference)
    line = f"{name:32} {side:4} {result:9.1e} {error(single[:1], reference):9.1e} {numpy.abs(reference).max():8.1f}"
    if is_timed:
        line += f" {count / min(ours):9.2f} {count / min(theirs):9.2f} {min(theirs) / min(ours):6.2f}"
    print(line + ("" if result <= BAR else "  ABOVE THE BAR"), flush=True)
    return result <= BAR


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--time", action="store_true")
    options = parser.parse_intermixed_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    run_tests(options.folder)
    backbones = [each for each in json.loads((options.folder / "backbones.json").read_text()) if each["name"] != "demo"]
    if options.names:
        unknown = set(options.names) - {each["name"] for each in backbones}
        assert not unknown, f"no backbones: {unknown}"
        backbones = [each for each in backbones if each["name"] in options.names]
    print(f"torch {torch.__version__}, load average {os.getloadavg()[0]:.1f}")
    print(f"{'network':32} {'side':>4} {'error':>9} {'torch f32':>9} {'largest':>8}"
          + (f" {'images/s':>9} {'torch':>9} {'ratio':>6}" if options.time else ""))
    fit = [compare(options.folder, each["name"], each["presets"][0]["input"]["crop"], options.time) for each in backbones]
    print(f"{fit.count(True)} of {len(fit)} within {BAR:.0e}")
    sys.exit(not all(fit))


main()
