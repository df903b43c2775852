"""Records what MMPretrain computes with narrow networks, in checkpoints as it writes them, for MMPretrainTests in
PretrainedNetworksTests.swift.

    cd Tests/BackbonesTests/Reference && python record_mmpretrain.py

Writes ../Fixtures/MMPretrain: NAME.pth (meta, message hub with buffers of its own class, state dictionary of an image classifier)
and expected.safetensors (feature maps, [N, H, W, C], of images that are hashed numbers). Computed in double precision. Made with
torch 2.13, mmpretrain 1.2, mmengine 0.10.7 and mmcv-lite 2.2 (pip install --no-deps; they import cv2, addict, einops, modelindex).
"""

import pathlib
import shutil

import torch
import torchvision_import  # noqa: F401  (before anything of torchvision)
from safetensors.numpy import save_file
from mmengine.logging import HistoryBuffer
from mmpretrain.models import backbones, heads

import hashed_numbers
import pretrained_networks

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Fixtures/MMPretrain"
VIT = {"embed_dims": 16, "num_layers": 2, "num_heads": 2, "feedforward_channels": 64}

NETWORKS = [
    ("vit", backbones.VisionTransformer, (20, 20), {"arch": VIT, "img_size": 20, "patch_size": 4, "layer_scale_init_value": 1.0}),
    ("swin", backbones.SwinTransformer, (64, 64),
     {"arch": {"embed_dims": 8, "depths": [2, 2], "num_heads": [1, 2]}, "img_size": (64, 64), "window_size": 4,
      "out_indices": (1,)}),
    ("swinv2", backbones.SwinTransformerV2, (64, 64),
     {"arch": {"embed_dims": 8, "depths": [2, 2], "num_heads": [1, 2], "extra_norm_every_n_blocks": 0},
      "img_size": (64, 64), "window_size": [4, 4], "out_indices": (1,)}),
    ("convnext", backbones.ConvNeXt, (75, 90), {"arch": {"depths": [1, 2, 1, 1], "channels": [8, 12, 16, 24]}}),
]


class Classifier(torch.nn.Module):
    def __init__(self, backbone, width):
        super().__init__()
        self.backbone = backbone
        self.head = heads.LinearClsHead(5, width)


def features(network, images):
    x = images.permute(0, 3, 1, 2)
    if isinstance(network, backbones.ConvNeXt):
        # Before the mean, which its own forward takes.
        for index in range(network.num_stages):
            x = network.stages[index](network.downsample_layers[index](x))
        return x.permute(0, 2, 3, 1)
    if isinstance(network, backbones.VisionTransformer):
        network.out_type = "featmap"
    return network(x)[-1].permute(0, 2, 3, 1)


@torch.no_grad()
def main():
    torch.manual_seed(0)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    expected = {}
    for name, kind, (height, width), options in NETWORKS:
        network = kind(**options)
        network.eval()
        # In place: their own hooks change what is loaded.
        for key, tensor in network.state_dict().items():
            end = key.rsplit(".", 1)[-1]
            if not tensor.is_floating_point() or end == "relative_coords_table":
                continue
            if end in ("cls_token", "pos_embed"):
                tensor.copy_(torch.from_numpy(hashed_numbers.units(key, tensor.numel())).reshape(tensor.shape))
                continue
            tensor.copy_(torch.from_numpy(hashed_numbers.parameter(key, list(tensor.shape))))
            if end == "logit_scale":
                tensor.mul_(0.2).add_(2)
            elif end == "gamma":
                tensor += 1
        classifier = Classifier(network, options["arch"].get("channels", [16])[-1])
        hashed_numbers.fill(classifier.head)
        history = HistoryBuffer([0.5, 0.25], [1, 1])
        torch.save({"meta": {"epoch": 1, "cfg": "model = dict()", "dataset_meta": {"classes": ["a", "b"]}},
                    "state_dict": classifier.state_dict(),
                    "message_hub": {"log_scalars": {"train/loss": history}, "runtime_info": {"epoch": 1}}},
                   FOLDER / f"{name}.pth", _use_new_zipfile_serialization=False)
        network = network.double()
        for module in network.modules():
            if hasattr(module, "relative_coords_table"):
                # Computed in single precision when the network is made.
                side = module.window_size[0]
                offsets = torch.arange(1 - side, side, dtype=torch.float64) * 8 / (side - 1)
                scaled = offsets.sign() * torch.log2(offsets.abs() + 1) / 3
                table = torch.stack(torch.meshgrid(scaled, scaled, indexing="ij"), -1)[None]
                assert (table - module.relative_coords_table).abs().max() < 1e-6
                module.relative_coords_table = table
        maps = features(network, pretrained_networks.images(name, height, width))
        expected[name] = pretrained_networks.single(maps)
        print(f"{name}: map {list(maps.shape)}, root mean square {maps.square().mean().sqrt():.3f}, "
              f"largest {maps.abs().max():.3f}")
    save_file(expected, FOLDER / "expected.safetensors")


main()
