"""Writes the PyTorch fixtures with torch.save, and what they hold as safetensors.

python3 Tests/WeightFilesTests/Reference/make_torch_fixtures.py Tests/WeightFilesTests/Fixtures/Torch

(torch 2.13.0, safetensors 0.8.0, numpy; the bytes differ from run to run because PyTorch numbers storages by address)
"""

import argparse
import collections
import datetime
import io
import os
import pathlib
import pickle
import sys
import zipfile

import numpy
import torch
from safetensors.torch import save_file

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def save(value, name, **options):
    torch.save(value, folder / f"{name}.pth", **options)


def save_stream(value, name, **options):
    save(value, name, _use_new_zipfile_serialization=False, **options)


# Every element type, and every way in which a tensor can lie in a storage.
base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) - 7.5
table = torch.arange(12, dtype=torch.float16).reshape(3, 4) / 3
tensors = collections.OrderedDict(
    {
        "f64": torch.tensor([[0.1, -1.5, 3.25], [65504.0, 2.0**-24, float("-inf")]], dtype=torch.float64),
        "f32": base,
        "f16": table,
        "bf16": torch.tensor([1.0, -2.5, 3.0e38]).bfloat16(),
        "i64": torch.tensor([-(2**63), 0, 2**63 - 1]),
        "i32": torch.tensor([[1], [-2]], dtype=torch.int32),
        "i16": torch.tensor([-300, 300], dtype=torch.int16),
        "i8": torch.tensor([-1, 127], dtype=torch.int8),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "u16": torch.tensor([65535, 1], dtype=torch.uint16),
        "bool": torch.tensor([True, False, True]),
        "f8": torch.tensor([1.0, -0.5]).to(torch.float8_e4m3fn),
        "scalar": torch.tensor(7.5),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(torch.tensor([1.0, 2.0])),
        # Views: each shares its storage with a tensor above.
        "transposed": base.transpose(0, 2),
        "offset": base[1],
        "strided": base[:, 1:, ::2],
        "half column": table[:, 2],
        "one row": base[1:, :1, 3:],
        "expanded": torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1).expand(3, 5),
        "channels last": torch.arange(48, dtype=torch.float32).reshape(1, 3, 4, 4).to(memory_format=torch.channels_last),
    }
)
attributed = torch.nn.Parameter(torch.tensor([4.0]))
attributed.note = "has an attribute"
tensors["attributed"] = attributed

save(tensors, "types-zip")
save(tensors, "types-zip-protocol-4", pickle_protocol=4)
save_stream(tensors, "types-stream")
save_stream(tensors, "types-stream-protocol-4", pickle_protocol=4)
torch.serialization.set_crc32_options(False)
save(tensors, "types-zip-without-checksums")
torch.serialization.set_crc32_options(True)
save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, folder / "types.safetensors")

with zipfile.ZipFile(folder / "types-zip.pth") as source:
    records = {name: source.read(name) for name in source.namelist()}
with zipfile.ZipFile(folder / "types-zip-deflated.pth", "w", zipfile.ZIP_DEFLATED) as target:
    for name, data in records.items():
        target.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
with zipfile.ZipFile(folder / "big-endian.pth", "w") as target:
    for name, data in records.items():
        target.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), b"big" if name.endswith("byteorder") else data)

# Small ones, for damage at every byte.
small = collections.OrderedDict({"w": torch.tensor([[1.0, 2.0], [3.0, 4.0]]).t(), "b": torch.tensor([5.0]).half()})
save(small, "small-zip")
save_stream(small, "small-stream")


# Wrappers. A network is two tensors; which one was read shows by its first number.
def network(first, prefix="", names=("conv1.weight", "layer1.0.bn1.bias")):
    return collections.OrderedDict((prefix + name, torch.tensor([float(first), float(k)])) for k, name in enumerate(names))


def merged(*parts):
    return collections.OrderedDict(item for part in parts for item in part.items())


save(network(1), "bare")
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1, momentum=0.9)
optimizer.param_groups[0]["params"][0].grad = torch.ones(2)
optimizer.step()
save(
    {
        "epoch": 3,
        "arch": "resnet50",
        "best_acc1": torch.tensor(76.1),
        "state_dict": network(1, "module."),
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1, data=pathlib.PurePosixPath("/data"), nested=argparse.Namespace(a=[1, (2, {3})])),
        "loss": numpy.float64(0.5),
        "history": numpy.arange(3),
        "started": datetime.datetime(2020, 1, 2),
        "device": torch.device("cpu"),
        "type": torch.float32,
        "size": torch.Size([1, 2]),
        "classes": collections.defaultdict(list, a=[1]),
        "big": 2**100,
        "bytes": b"\x00\xff",
    },
    "training",
)
save_stream({"epoch": 3, "state_dict": network(1, "module."), "optimizer": optimizer.state_dict()}, "training-stream")
save({"state_dict": network(1), "state_dict_ema": network(2)}, "timm-ema")
save({"model": network(1), "model_ema": merged({"n_averaged": torch.tensor(5)}, network(2, "module."))}, "torchvision-ema")
save({"state_dict_ema": network(2), "epoch": 1}, "only-ema")
save({"student": network(1, "module.backbone."), "teacher": merged(network(2, "backbone."), network(3, "head."))}, "dino")
save({"encoder": network(1, "module."), "predictor": network(4, "module."), "target_encoder": network(2, "module.")}, "ijepa")
save(
    {
        "state_dict": merged(network(1, "model."), {"loss.weight": torch.ones(3)}, network(2, "model_ema.")),
        "hyper_parameters": {"lr": 0.1},
        "pytorch-lightning_version": "2.1.0",
    },
    "lightning",
)
save(
    {"state_dict": merged(network(1, "module.encoder_q."), network(2, "module.encoder_k."), {"module.queue": torch.ones(2)})},
    "moco",
)
save(
    merged(network(1, "visual.trunk."), {"visual.head.proj.weight": torch.ones(2), "logit_scale": torch.tensor(1.0)}, {"text.token_embedding.weight": torch.ones(1)}),
    "openclip",
)
save(
    {"model_state_dict": merged(
        network(1, "module._net.", ("features.0.0.weight", "features.0.1.bias")), {"module._classification.weight": torch.ones(2)}
    )},
    "pipnet",
)
save(
    {"net": merged(
        network(1, "module.backbone.", ("conv1.weight", "layer4.1.bn1.bias", "cb_block.conv1.weight")),
        network(9, "module.backbone.", ("rb_block.conv1.weight",)),
        {"module.classifier.weight": torch.ones(2)},
    )},
    "bbn",
)
save(network(1, "_orig_mod.module."), "compiled")
save({"model": {"state_dict": network(1)}}, "nested")
save(network(1, names=("features.0.0.weight", "features.1.0.block.0.weight", "classifier.2.weight")), "torchvision-convnext")
save(network(1, names=("backbone.stage.weight", "conv1.weight")), "a-part-named-backbone")
save(merged(network(1), {"step": 5}), "number-among-tensors")
save_file(network(1, "module.model."), folder / "wrapped.safetensors")

# What holds no tensors under names, and what has to be refused; between them, networks that were pickled as a whole.
save(torch.ones(2), "single-tensor")
save([torch.ones(2)], "list")
save({"epoch": 3, "loss": 0.5}, "no-tensors")


class PrototypeNetwork(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)


save(PrototypeNetwork(), "pickled-network")
save_stream(PrototypeNetwork(), "pickled-network-stream")
save({"model": torch.nn.Sequential(torch.nn.Linear(2, 1))}, "pickled-network-in-dictionary")
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), folder / "script.pth")


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/infodisent-was-fooled",)


save({"state_dict": network(1), "extra": Command()}, "command")
save_stream({"state_dict": network(1), "extra": Command()}, "command-stream")
(folder / "plain.pkl").write_bytes(pickle.dumps({"w": [1.0]}, protocol=4))
