"""Saves one small residual network in the ways in which training programs save networks, for NetworkPlacesTests.swift.

    cd Tests/BackbonesTests/Reference && python record_places.py

Writes ../Fixtures/Places: plain.safetensors, the state dictionary, and files in which the same network lies: pickled as a whole,
beside everything that a trainer keeps, wrapped for several kinds of training at once, in the numbering of nn.Sequential, twice.
Where there are two networks the other one has the weights of other-plain.safetensors. Made with torch 2.13, mmengine 0.10.7 and
omegaconf 2.3.1.
"""

import argparse
import collections
import datetime
import enum
import functools
import pathlib
import random
import shutil
import sys

import numpy
import torch
import torchvision_import  # noqa: F401  (before anything of torchvision)
import omegaconf
from mmengine.logging import HistoryBuffer
from safetensors.torch import save_file
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

import hashed_numbers
from record_resnet import NarrowResNet

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Fixtures/Places"


def network(name=""):
    """With `name`, another one of the same kind."""
    result = NarrowResNet("basic", {"width": 2, "kernel": 3, "stride": 2, "pooling": False}, [2, 3], [1, 1], [1, 2],
                          class_count=3).eval()
    state = result.state_dict()
    for key, tensor in state.items():
        if tensor.is_floating_point():
            state[key] = torch.from_numpy(hashed_numbers.parameter(name + key, list(tensor.shape)))
    result.load_state_dict(state)
    return result


def beginning(prefix, state):
    return {prefix + key: tensor for key, tensor in state.items()}


def save(value, name):
    torch.save(value, FOLDER / f"{name}.pth", _use_new_zipfile_serialization=name.endswith("zip"))


class Phase(enum.Enum):
    TRAINING = "training"


class Loss(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("class_weights", torch.ones(3))
        self.function = functools.partial(torch.nn.functional.cross_entropy, label_smoothing=0.1)


def warmup(factor, step):
    return min(1, factor * step)


def main():
    torch.manual_seed(0)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    net, other = network(), network("other ")
    state, others = net.state_dict(), other.state_dict()
    save_file(state, FOLDER / "plain.safetensors")
    save_file(others, FOLDER / "other-plain.safetensors")

    # The network itself, in both forms.
    save(net, "whole-zip")
    save(net, "whole")
    save({"epoch": 3, "model": torch.nn.DataParallel(net), "args": argparse.Namespace(lr=0.1)}, "whole-in-dictionary-zip")
    save({"net": other, "state_dict": state}, "whole-beside-dictionary-zip")

    # Everything that trainers keep.
    parameters = [torch.nn.Parameter(tensor.clone()) for tensor in list(state.values())[:2]]
    optimizer = torch.optim.Adam(parameters, lr=0.1)
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, functools.partial(warmup, 0.5))
    for form in ["", "-zip"]:
        save(
            {
                "epoch": 3,
                "state_dict": collections.OrderedDict(beginning("module.", state)),
                "optimizer": optimizer.state_dict(),
                "scheduler": scheduler.state_dict(),
                "whole_scheduler": scheduler,
                "criterion": Loss(),
                "loss_function": functools.partial(torch.nn.functional.cross_entropy, label_smoothing=0.1),
                "activation": torch.nn.functional.gelu,
                "phase": Phase.TRAINING,
                "args": argparse.Namespace(data=pathlib.PurePosixPath("/data"), nested=argparse.Namespace(a=[1, (2, {3})])),
                "config": omegaconf.OmegaConf.create({"model": {"name": "resnet", "widths": [2, 3]}}),
                "history": HistoryBuffer([0.5, 0.25], [1, 1]),
                "curve": numpy.linspace(0, 1, 50),
                "best": numpy.float64(0.5),
                "names": numpy.array(["a", "b"]),
                "random": random.Random(0).getstate()[1][:20],
                "numpy_random": numpy.random.RandomState(0).get_state()[1][:20],
                "started": datetime.datetime(2020, 1, 2),
                "versions": {"python": sys.version_info[:2], "torch": torch.__version__},
                "losses": collections.defaultdict(list, train=[0.5]),
                "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
                "wide": torch.zeros(2, dtype=torch.complex128),
                "sparse": torch.eye(2).to_sparse(),
                "conjugated": torch.zeros(2, dtype=torch.complex64).conj(),
            },
            f"training{form}",
        )

    # Several wrappers at once. (That of activation checkpoints takes its word off names by itself.)
    wrapped = network()
    wrapped.layer1[0] = checkpoint_wrapper(wrapped.layer1[0])
    compiled = torch.compile(torch.nn.DataParallel(wrapped))
    save({"model": compiled.state_dict()}, "wrapped")
    save(torch.optim.swa_utils.AveragedModel(net).state_dict(), "averaged-model")

    # The numbering of nn.Sequential, as fastai saves it.
    body = torch.nn.Sequential(net.conv1, net.bn1, torch.nn.ReLU(), torch.nn.Identity(), net.layer1, net.layer2)
    head = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(6), torch.nn.Linear(6, 3, bias=False))
    learner = torch.nn.Sequential(body, head)
    save({"model": learner.state_dict(), "opt": {"hypers": [{"lr": 0.1}], "state": [{"avg": torch.ones(2)}]}}, "fastai")

    # Two networks.
    save({"generator": state, "critic": others}, "two-networks")
    save({"state_dict": {**beginning("module.encoder_q.", state), **beginning("module.encoder_k.", others),
                         "module.queue": torch.ones(4, 2)}}, "moco")
    save({"student": beginning("module.backbone.", state), "teacher": beginning("backbone.", others), "epoch": 1}, "dino")
    save({"state_dict": state, "state_dict_ema": others}, "timm-ema")
    save({"model_ema": beginning("module.", others), "epoch": 1}, "only-ema")
    save([state, {"lr": 0.1}], "list")
    for path in sorted(FOLDER.iterdir()):
        print(path.name, path.stat().st_size)


main()
