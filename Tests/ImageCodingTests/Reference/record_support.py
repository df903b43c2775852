"""What the scripts here have in common."""

import re

import torch


def import_transforms():
    """torchvision.transforms, also where torchvision's compiled operators do not fit this torch: no transform uses them."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    try:
        from torchvision import transforms
    except RuntimeError:
        import importlib.util
        import pathlib

        folder = pathlib.Path(importlib.util.find_spec("torchvision").submodule_search_locations[0])
        source = (folder / "_meta_registrations.py").read_text()
        for found in set(re.findall(r'register_meta\("(\w+)"\)|register_fake\("torchvision::(\w+)"\)', source)):
            library.define("".join(found) + "(Tensor a) -> Tensor")
        from torchvision import transforms
    transforms.operators = library  # kept alive: the definitions go with it
    return transforms
