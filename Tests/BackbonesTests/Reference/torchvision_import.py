"""Imports torchvision also where its compiled operators do not fit the installed torch: none of them is needed here."""

import torch

_register_fake = torch.library.register_fake


def _register_unless_torchvision(name, *arguments, **options):
    if isinstance(name, str) and name.startswith("torchvision::"):
        return lambda function: function
    return _register_fake(name, *arguments, **options)


torch.library.register_fake = _register_unless_torchvision
import torchvision  # noqa: E402, F401

torch.library.register_fake = _register_fake
