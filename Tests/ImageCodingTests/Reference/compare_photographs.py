"""Compares the network inputs of this program with torchvision's on a folder of photographs.

    python Tests/ImageCodingTests/Reference/compare_photographs.py FOLDER [--package DIR]

prints, for each kind of preset, how many of the numbers that enter the network differ, and by how much at most (in grey
levels: a difference of one level is 1 / (255 std)). --scaled also measures what decoding at a reduced size (libjpeg's DCT
scaling, Pillow's `draft`) would change. Runs the test target's PhotographComparisonTests, so it needs Swift.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
from PIL import Image

import record_support

transforms = record_support.import_transforms()

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
PRESETS = [
    {"resize": 256, "crop": 224, "interpolation": "bilinear"} | IMAGENET,
    {"resize": 232, "crop": 224, "interpolation": "bilinear"} | IMAGENET,
    {"resize": 246, "crop": 224, "interpolation": "bicubic"} | IMAGENET,
    {"resize": 518, "crop": 518, "interpolation": "bicubic"} | IMAGENET,
    {"resize": 224, "squash": True, "crop": 224, "interpolation": "bilinear"} | IMAGENET,
    {"resize": 232, "crop": 224, "interpolation": "bilinear", "exif": "apply"} | IMAGENET,
]


def torchvision_input(image, preset):
    mode = transforms.InterpolationMode[preset["interpolation"].upper()]
    size = (preset["resize"],) * 2 if preset.get("squash") else preset["resize"]
    see = transforms.Compose([transforms.Resize(size, mode), transforms.CenterCrop(preset["crop"]), transforms.ToTensor(),
                              transforms.Normalize(preset["mean"], preset["std"])])
    return see(image).permute(1, 2, 0).contiguous().numpy()


def opened(path, preset):
    image = Image.open(path)
    if preset.get("exif") == "apply":
        from PIL import ImageOps

        image = ImageOps.exif_transpose(image)
    return image.convert("RGB")


def levels(difference, preset):
    return np.abs(difference) * np.array(preset["std"], dtype=np.float32) * 255


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--package", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[3])
    parser.add_argument("--scaled", action="store_true", help="also measure decoding at a reduced size")
    arguments = parser.parse_args()
    paths = sorted(str(path.resolve()) for path in arguments.folder.rglob("*")
                   if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    print(f"{len(paths)} photographs")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "request.json").write_text(json.dumps({"transforms": PRESETS, "paths": paths}))
        for command in (["build", "--build-tests"], ["test", "--skip-build", "--filter", "PhotographComparisonTests"]):
            subprocess.run(
                ["swift", command[0], "-c", "release", *command[1:]], cwd=arguments.package, check=True,
                env=os.environ | {"INFODISENT_PHOTOGRAPHS": name}, stdout=subprocess.DEVNULL)
        print("| preset | numbers | differ by half a level or more | largest difference (levels) | not the same bits |")
        print("|---|---|---|---|---|")
        for number, preset in enumerate(PRESETS):
            total = different = unequal = 0
            largest = 0.0
            for photograph, path in enumerate(paths):
                expected = torchvision_input(opened(path, preset), preset)
                found = np.fromfile(folder / f"{photograph}-{number}.f32", np.float32).reshape(expected.shape)
                off = levels(found - expected, preset)
                total += off.size
                different += int((off > 0.5).sum())
                unequal += int((found.view(np.uint32) != expected.view(np.uint32)).sum())
                largest = max(largest, float(off.max()))
            print(f"| {describe(preset)} | {total} | {different} | {largest:.3f} | {unequal} |")
    if arguments.scaled:
        measure_scaled(paths)


def measure_scaled(paths):
    """What Pillow's draft mode (libjpeg decodes at 1/2, 1/4 or 1/8) changes in the pixels after the resize."""
    print("\nDecoded at a reduced size that is still at least the resize's:")
    print("| preset | photographs reduced | pixels off by more than one level | mean difference | largest |")
    print("|---|---|---|---|---|")
    for preset in PRESETS[:3]:
        shares, means, largest, reduced = [], [], 0, 0
        for path in paths:
            drafted = Image.open(path)
            if drafted.format != "JPEG":
                continue
            size = drafted.size
            scale = preset["resize"] / min(size)
            drafted.draft("RGB", (int(size[0] * scale) + 1, int(size[1] * scale) + 1))
            if drafted.size == size:
                continue
            reduced += 1
            off = levels(torchvision_input(drafted.convert("RGB"), preset)
                         - torchvision_input(opened(path, preset), preset), preset)
            shares.append(float((off.max(axis=2) > 1.5).mean()))
            means.append(float(off.mean()))
            largest = max(largest, float(off.max()))
        if reduced:
            print(f"| {describe(preset)} | {reduced} | {100 * np.mean(shares):.1f} % | {np.mean(means):.2f} "
                  f"| {largest:.0f} |")


def describe(preset):
    return (f"resize {preset['resize']}{' squashed' if preset.get('squash') else ''}, crop {preset['crop']}, "
            f"{preset['interpolation']}{', EXIF applied' if preset.get('exif') else ''}")


main()
