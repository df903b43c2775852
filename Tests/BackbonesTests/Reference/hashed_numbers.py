"""Numbers that Swift and Python both make from a name and an index, so that large weights need not be stored.

HashedNumbers.swift is the other half: the two agree bit for bit.
"""

import math

import numpy


def units(name: str, count: int) -> numpy.ndarray:
    """`count` multiples of 2**-23 in -1..<1, float64."""
    seed = 0xCBF29CE484222325  # FNV-1a, 64 bits
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    x = numpy.arange(count, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15) + numpy.uint64(seed)
    x ^= x >> numpy.uint64(29)
    x *= numpy.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> numpy.uint64(32)
    return (x >> numpy.uint64(40)).astype(numpy.float64) / 2**23 - 1


def parameter(name: str, shape: list[int]) -> numpy.ndarray:
    """The tensor `name` of a state dictionary, float32, of a size that keeps activations near 1.

    Batch normalisations get statistics that are far from neutral; variances stay within 0.25..1.75.
    """
    x = units(name, math.prod(shape))
    last = name.rsplit(".", 1)[-1]
    if len(shape) > 1:
        x = x * math.sqrt(6 / math.prod(shape[1:]))
    elif last == "weight":
        x = 1 + 0.5 * x
    elif last == "running_var":
        x = 1 + 0.75 * x
    else:
        x = 0.3 * x
    return x.astype(numpy.float32).reshape(shape)


def fill(module, largest=None) -> None:
    """Gives every tensor of a torch module's state dictionary its hashed numbers; with `largest`, those that have no more
    elements, and vectors. Constants stay as they are."""
    import torch

    state = module.state_dict()
    for name, tensor in state.items():
        is_small = largest is None or tensor.numel() <= largest or tensor.dim() == 1
        if is_small and tensor.is_floating_point() and not name.endswith("relative_coords_table"):
            state[name] = torch.from_numpy(parameter(name, list(tensor.shape)))
    module.load_state_dict(state)
