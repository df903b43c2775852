"""Saves the narrow vision transformer of record_transformers.py as google-research/vision_transformer keeps its weights, an archive
of NumPy's, for PretrainedNetworksTests.swift.

    cd Tests/BackbonesTests/Reference && python record_flax.py

Reads ../Fixtures/transformer-vit-timm.safetensors and writes ../Fixtures/transformer-vit-flax.npz. timm, which reads such archives, makes
the same network from it; checked here. Made with numpy 2.4 and timm 1.0.
"""

import pathlib

import numpy
import torch
from safetensors.numpy import load_file
import torchvision_import  # noqa: F401  (before anything of torchvision)
from timm.models.vision_transformer import VisionTransformer

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"
HEADS = 2


def arrays(state):
    """The arrays of the archive by their names: inputs before outputs, a head's axis of its own."""
    width = state["cls_token"].shape[-1]
    result = {"cls": state["cls_token"], "Transformer/posembed_input/pos_embedding": state["pos_embed"]}
    result["embedding/kernel"] = state["patch_embed.proj.weight"].transpose(2, 3, 1, 0)
    result["embedding/bias"] = state["patch_embed.proj.bias"]
    result["head/kernel"], result["head/bias"] = state["head.weight"].T, state["head.bias"]
    result["Transformer/encoder_norm/scale"] = state["norm.weight"]
    result["Transformer/encoder_norm/bias"] = state["norm.bias"]
    for block in range(2):
        ours, theirs = f"blocks.{block}.", f"Transformer/encoderblock_{block}/"
        for norm, name in [("norm1", "LayerNorm_0"), ("norm2", "LayerNorm_2")]:
            result[f"{theirs}{name}/scale"] = state[f"{ours}{norm}.weight"]
            result[f"{theirs}{name}/bias"] = state[f"{ours}{norm}.bias"]
        for layer, name in [("mlp.fc1", "Dense_0"), ("mlp.fc2", "Dense_1")]:
            result[f"{theirs}MlpBlock_3/{name}/kernel"] = state[f"{ours}{layer}.weight"].T
            result[f"{theirs}MlpBlock_3/{name}/bias"] = state[f"{ours}{layer}.bias"]
        attention = f"{theirs}MultiHeadDotProductAttention_1/"
        weights, biases = (numpy.split(state[f"{ours}attn.qkv.{end}"], 3) for end in ("weight", "bias"))
        for name, weight, bias in zip(("query", "key", "value"), weights, biases):
            result[f"{attention}{name}/kernel"] = weight.T.reshape(width, HEADS, -1)
            result[f"{attention}{name}/bias"] = bias.reshape(HEADS, -1)
        result[f"{attention}out/kernel"] = state[f"{ours}attn.proj.weight"].T.reshape(HEADS, -1, width)
        result[f"{attention}out/bias"] = state[f"{ours}attn.proj.bias"]
    return result


def main():
    state = load_file(FIXTURES / "transformer-vit-timm.safetensors")
    path = FIXTURES / "transformer-vit-flax.npz"
    # Transposed views are saved column by column, which readers have to see.
    numpy.savez(path, **arrays(state))
    network = VisionTransformer(img_size=20, patch_size=4, embed_dim=16, depth=2, num_heads=HEADS, num_classes=5)
    network.load_pretrained(str(path))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, torch.from_numpy(state[name])), name
    print(path.stat().st_size)


main()
