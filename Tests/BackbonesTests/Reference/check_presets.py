"""Compares the input presets of `infodisent backbones --json`, read from standard input, with those of torchvision and timm.

    infodisent backbones --json | python Tests/BackbonesTests/Reference/check_presets.py

torchvision-v1, -v2, ... are what `Weights.transforms()` of IMAGENET1K_V1, ... says; torchvision-swag-... those of the SWAG
weights; any other name is the tag of a pretrained configuration of timm, with the network's name there and a point before
it where that is not the backbone's; its image is resized to floor(size / crop_pct) and its crop
mode must be "center". Ends with 1 and a list if anything differs, or if one of them is not there. Made for torchvision 0.28 and timm 1.0.
"""

import json
import math
import sys

import torchvision_import  # noqa: F401  (before anything of torchvision)
import timm
import torchvision


def of_torchvision(name, preset):
    weights = torchvision.models.get_model_weights(name)
    wanted = "IMAGENET1K_" + preset.removeprefix("torchvision-").upper().replace("-", "_")
    transforms = next(each for each in weights if each.name == wanted).transforms()
    return {"resize": transforms.resize_size[0], "crop": transforms.crop_size[0],
            "interpolation": transforms.interpolation.value, "mean": transforms.mean, "std": transforms.std}


def of_timm(name, preset):
    full = preset if "." in preset else f"{name}.{preset}"
    configuration = timm.get_pretrained_cfg(full)
    assert configuration is not None, "timm has no such weights"
    assert configuration.tag == full.split(".")[1], f"timm has no such weights, but {configuration.tag}"
    assert configuration.crop_mode == "center", f"crop mode {configuration.crop_mode}"
    size = configuration.input_size[-1]
    return {"resize": math.floor(size / configuration.crop_pct), "crop": size,
            "interpolation": configuration.interpolation, "mean": configuration.mean, "std": configuration.std}


def main():
    count, failures = 0, []
    for backbone in json.load(sys.stdin):
        if backbone["name"] == "demo":
            continue
        for preset in backbone["presets"]:
            count += 1
            found = preset["input"]
            try:
                source = of_torchvision if preset["name"].startswith("torchvision-") else of_timm
                wanted = source(backbone["name"], preset["name"])
                for key in ["resize", "crop", "interpolation"]:
                    assert found[key] == wanted[key], f"{key} is {found[key]} instead of {wanted[key]}"
                for key in ["mean", "std"]:
                    assert all(abs(a - b) < 1e-6 for a, b in zip(found[key], wanted[key], strict=True)), key
            except Exception as error:
                failures.append(f"{backbone['name']} {preset['name']}: {error or type(error).__name__}")
    print("\n".join(failures) or f"{count} presets are those of torchvision {torchvision.__version__} and timm {timm.__version__}")
    sys.exit(bool(failures))


main()
