"""Records what transformers computes with narrow networks, and saves them as it does, for PretrainedNetworksTests.swift.

    cd Tests/BackbonesTests/Reference && python record_pretrained.py

Writes ../Fixtures/Pretrained: of each network a folder NAME of save_pretrained (vit in several files), and expected.safetensors
with the feature maps, [N, H, W, C], and logits of images that are hashed numbers; vit, swin and dinov2 also as their state
dictionary in memory is (NAME-memory.pth), whose names differ from those on disk since version 5. Computed in double precision.
Made with torch 2.13 and transformers 5.24.
"""

import pathlib
import shutil

import torch
from safetensors.numpy import save_file

import pretrained_networks

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Fixtures/Pretrained"
LABELS = {0: "tench", 1: "goldfish", 2: "great white shark", 3: "tiger shark", 4: "hammerhead"}
VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "image_size": 20,
       "patch_size": 4}
DINO = {key: value for key, value in VIT.items() if key != "intermediate_size"}
SWIN = {"image_size": (64, 64), "patch_size": 4, "embed_dim": 8, "depths": [2, 2], "num_heads": [1, 2], "window_size": 4}

NETWORKS = [
    ("resnet", "ResNetForImageClassification", (75, 90),
     {"embedding_size": 8, "hidden_sizes": [16, 24], "depths": [2, 1], "layer_type": "bottleneck"}),
    ("resnet-basic", "ResNetModel", (75, 90),
     {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 2], "layer_type": "basic"}),
    ("convnext", "ConvNextForImageClassification", (75, 90), {"hidden_sizes": [8, 12, 16, 24], "depths": [1, 2, 1, 1]}),
    ("vit", "ViTForImageClassification", (20, 20), VIT),
    # An epsilon that shows.
    ("deit", "DeiTForImageClassificationWithTeacher", (20, 20), {**VIT, "layer_norm_eps": 1e-2}),
    ("vit-mae", "ViTMAEForPreTraining", (20, 20),
     {**VIT, "decoder_hidden_size": 8, "decoder_num_attention_heads": 2, "decoder_num_hidden_layers": 1,
      "decoder_intermediate_size": 16}),
    ("dinov2", "Dinov2ForImageClassification", (20, 20), DINO),
    ("dinov2-registers", "Dinov2WithRegistersModel", (20, 20), {**DINO, "num_register_tokens": 4}),
    ("swin", "SwinForImageClassification", (64, 64), SWIN),
    ("swinv2", "Swinv2ForImageClassification", (64, 64), SWIN),
    # Trained for windows of 6 pixels first, which shows in nothing but its configuration: the file is swinv2's.
    ("swinv2-of-6", "Swinv2ForImageClassification", (64, 64), {**SWIN, "pretrained_window_sizes": [6, 6]}),
]


@torch.no_grad()
def main():
    torch.manual_seed(0)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    expected = {}
    for name, kind, (height, width), options in NETWORKS:
        if "ImageClassification" in kind:
            options = {**options, "id2label": LABELS, "label2id": {label: number for number, label in LABELS.items()}}
        network = pretrained_networks.make(kind, **options)
        network.save_pretrained(FOLDER / name, max_shard_size="15KB" if name == "vit" else "1GB")
        if name in ("vit", "swin", "dinov2"):
            torch.save(network.state_dict(), FOLDER / f"{name}-memory.pth", _use_new_zipfile_serialization=False)
        x = pretrained_networks.images(name, height, width)
        network = network.double()
        for module in network.modules():
            # Computed in single precision when the network is made.
            if hasattr(module, "create_coords_table_and_index"):
                torch.set_default_dtype(torch.float64)
                module.relative_coords_table = module.create_coords_table_and_index()[0].double()
                torch.set_default_dtype(torch.float32)
        maps = pretrained_networks.features(network, x)
        expected[name] = pretrained_networks.single(maps)
        if name in ("resnet", "convnext", "swin", "swinv2"):
            expected[f"{name} logits"] = pretrained_networks.single(network(x.permute(0, 3, 1, 2)).logits)
        print(f"{name}: map {list(maps.shape)}, root mean square {maps.square().mean().sqrt():.3f}, "
              f"largest {maps.abs().max():.3f}")
    save_file(expected, FOLDER / "expected.safetensors")
    assert (FOLDER / "swinv2/model.safetensors").read_bytes() == (FOLDER / "swinv2-of-6/model.safetensors").read_bytes()
    (FOLDER / "swinv2-of-6/model.safetensors").unlink()


main()
