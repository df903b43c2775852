"""Records what PyTorch computes with narrow transformers, for TransformerFamiliesTests.swift.

    cd Tests/BackbonesTests/Reference && python record_transformers.py

Writes ../Fixtures: transformer-NAME.safetensors (weights: hashed numbers, in the layout that their library saves) and
transformer-expected.safetensors (of each network the feature maps, [N, H, W, C], of images that are hashed numbers too; of
Swin transformers also logits; position embeddings resampled by timm). vit and swin networks are there in the layouts of both
torchvision and timm, checked here to be the same network. Computed in double precision. Made with torch 2.13, torchvision
0.28 and timm 1.0.
"""

import math
import pathlib

import numpy
import torch
from safetensors.numpy import save_file
import torchvision_import  # noqa: F401  (before anything of torchvision)
import timm
import timm.models.deit
import timm.models.swin_transformer
import timm.models.swin_transformer_v2
import timm.models.vision_transformer
import torchvision
from timm.layers import resample_abs_pos_embed
from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformer, SwinTransformerBlockV2

import hashed_numbers

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"
EXPECTED = {}


def images(name, height, width, count=2):
    units = hashed_numbers.units(f"{name} images", count * height * width * 3)
    return torch.from_numpy(units.reshape(count, height, width, 3) * 2).permute(0, 3, 1, 2)


def fill(network):
    """Hashed numbers, those that add to something large enough to show in the result."""
    hashed_numbers.fill(network)
    state = network.state_dict()
    for name, tensor in state.items():
        end = name.rsplit(".", 1)[-1]
        if end in ("class_token", "cls_token", "dist_token", "reg_token", "pos_embed", "pos_embedding"):
            state[name] = torch.from_numpy(hashed_numbers.units(name, tensor.numel())).reshape(tensor.shape).float()
        elif end == "gamma":
            state[name] = tensor + 1
        elif end == "logit_scale":
            # From 0.4 to beyond the bound of ln 100.
            state[name] = 3 + tensor
    network.load_state_dict(state)
    return network.eval()


def states(network):
    return {name: tensor.numpy() if not tensor.is_floating_point() else tensor.to(torch.float32).numpy()
            for name, tensor in network.state_dict().items()}


def save(name, tensors):
    save_file({key: numpy.ascontiguousarray(value) for key, value in tensors.items()},
              FIXTURES / f"transformer-{name}.safetensors")


def expect(name, value):
    EXPECTED[name] = numpy.ascontiguousarray(value.detach().to(torch.float32).numpy())
    print(f"{name}: {list(value.shape)}, root mean square {value.square().mean().sqrt():.3f}, largest {value.abs().max():.3f}")


def same(first, second):
    assert (first - second).abs().max() < 1e-9 * first.abs().max(), "the libraries compute different things"


# Vision transformers

WIDTH, DEPTH, HEADS, PATCH, SIDE = 16, 2, 2, 4, 20


def torchvision_vit_map(network, x):
    height, width = x.shape[2] // PATCH, x.shape[3] // PATCH
    x = network._process_input(x)
    x = torch.cat([network.class_token.expand(x.shape[0], -1, -1), x], 1)
    return network.encoder(x)[:, 1:].reshape(x.shape[0], height, width, -1)


def timm_vit_map(network, x):
    height, width = x.shape[2] // PATCH, x.shape[3] // PATCH
    return network.forward_features(x)[:, network.num_prefix_tokens:].reshape(x.shape[0], height, width, -1)


def timm_vit(kind=timm.models.vision_transformer.VisionTransformer, side=SIDE, **options):
    return kind(img_size=side, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, num_classes=5, **options)


def timm_name_of_vit(name):
    """The timm name of torchvision's tensor."""
    pairs = {"class_token": "cls_token", "encoder.pos_embedding": "pos_embed"}
    if name in pairs:
        return pairs[name]
    for theirs, ours in [("conv_proj.", "patch_embed.proj."), ("encoder.ln.", "norm."), ("heads.head.", "head.")]:
        name = name.replace(theirs, ours) if name.startswith(theirs) else name
    name = name.replace("encoder.layers.encoder_layer_", "blocks.")
    for theirs, ours in [("ln_1", "norm1"), ("ln_2", "norm2"), ("self_attention.in_proj_", "attn.qkv."),
                         ("self_attention.out_proj", "attn.proj"), ("mlp.0", "mlp.fc1"), ("mlp.3", "mlp.fc2")]:
        name = name.replace(theirs, ours)
    return name


@torch.no_grad()
def vits():
    network = fill(torchvision.models.VisionTransformer(SIDE, PATCH, DEPTH, HEADS, WIDTH, 4 * WIDTH, num_classes=5))
    x = images("vit", SIDE, SIDE)
    maps = torchvision_vit_map(network.double(), x)
    save("vit-torchvision", states(network))
    expect("vit", maps)
    other = timm_vit().eval()
    other.load_state_dict({timm_name_of_vit(name): tensor.float() for name, tensor in network.state_dict().items()})
    same(maps, timm_vit_map(other.double(), x))
    save("vit-timm", states(other))
    # Images of another size, on resampled positions.
    for height, width in [(28, 36), (12, 20)]:
        resized = timm_vit(dynamic_img_size=True).eval()
        resized.load_state_dict(other.float().state_dict())
        expect(f"vit {height}x{width}", timm_vit_map(resized.double(), images("vit", height, width)))

    for name, kind, options in [
        ("distilled", timm.models.deit.VisionTransformerDistilled, {}),
        ("deit3", timm.models.vision_transformer.VisionTransformer, {"no_embed_class": True, "init_values": 1e-6}),
        ("dinov2", timm.models.vision_transformer.VisionTransformer, {"init_values": 1e-5}),
        ("registers", timm.models.vision_transformer.VisionTransformer,
         {"init_values": 1e-5, "reg_tokens": 4, "no_embed_class": True}),
    ]:
        network = fill(timm_vit(kind, **options))
        state = states(network)
        x = images(name, SIDE, SIDE)
        expect(name, timm_vit_map(network.double(), x))
        if name == "deit3":
            state = {key.replace("ls1.gamma", "gamma_1").replace("ls2.gamma", "gamma_2"): value
                     for key, value in state.items()}
        if name == "distilled":
            # As files of before convolutions have it.
            state["patch_embed.proj.weight"] = state["patch_embed.proj.weight"].reshape(WIDTH, -1)
        save(name, state)
        if name == "registers":
            # Facebook's files: a position for the class token, none for the registers.
            position = hashed_numbers.units("position of the class token", WIDTH).astype(numpy.float32)
            original = {key: value for key, value in state.items() if key != "reg_token"}
            original["register_tokens"] = state["reg_token"]
            original["mask_token"] = numpy.zeros((1, WIDTH), numpy.float32)
            original["pos_embed"] = numpy.concatenate([position[None, None], state["pos_embed"]], 1)
            save("registers-facebook", original)
            network = network.float()
            read = timm.models.vision_transformer.checkpoint_filter_fn(
                {key: torch.from_numpy(value) for key, value in original.items()}, network)
            network.load_state_dict(read)
            expect("registers-facebook", timm_vit_map(network.double(), x))

    embedding = torch.from_numpy(hashed_numbers.units("grid", 5 * 5 * 3).reshape(1, 25, 3)).float()
    for height, width in [(3, 4), (9, 7), (5, 12), (2, 2), (5, 5)]:
        resampled = resample_abs_pos_embed(embedding, [height, width], [5, 5], num_prefix_tokens=0)
        expect(f"grid {height}x{width}", resampled.reshape(height, width, 3))


# Swin transformers

DEPTHS, SWIN_HEADS, WINDOW = [2, 2], [1, 2], 4


def timm_name_of_swin(name):
    parts = name.split(".")
    if parts[0] == "head":
        return f"head.fc.{parts[1]}"
    if parts[0] != "features":
        return name
    number = int(parts[1])
    if number == 0:
        return f"patch_embed.{ {'0': 'proj', '2': 'norm'}[parts[2]] }.{parts[3]}"
    inner = ".".join(parts[2:])
    if number % 2 == 0:
        return f"layers.{number // 2}.downsample.{inner}"
    block, inner = inner.split(".", 1)
    if inner.startswith("mlp."):
        inner = inner.replace("mlp.0", "mlp.fc1").replace("mlp.3", "mlp.fc2")
    return f"layers.{number // 2}.blocks.{block}.{inner}"


def swin_map(network, x):
    return network.norm(network.features(x))


@torch.no_grad()
def swins():
    for name, second in [("swin", False), ("swinv2", True)]:
        options = {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2} if second else {}
        make = lambda: SwinTransformer([4, 4], 8, DEPTHS, SWIN_HEADS, [WINDOW, WINDOW], num_classes=5, **options)
        network = fill(make())
        kept = states(network)
        for key in [key for key in kept if key.endswith("relative_position_index")]:
            kept[key] = kept[key].astype(numpy.int64)
        save(f"{name}-torchvision", kept)
        network = network.double()
        for height, width in [(32, 64), (44, 53)]:
            x = images(name, height, width)
            expect(f"{name} {height}x{width}", swin_map(network, x))
        x = images(name, 32, 64)
        expect(f"{name} logits", network(x))
        module = timm.models.swin_transformer_v2 if second else timm.models.swin_transformer
        kind = module.SwinTransformerV2 if second else module.SwinTransformer
        other = kind(img_size=(32, 64), patch_size=4, embed_dim=8, depths=DEPTHS, num_heads=SWIN_HEADS,
                     window_size=WINDOW, num_classes=5).eval()
        state = {}
        for key, tensor in network.float().state_dict().items():
            if key.endswith(("relative_position_index", "relative_coords_table")):
                continue
            if second and key.endswith("qkv.bias"):
                queries, _, values = tensor.chunk(3)
                state[timm_name_of_swin(key).replace("qkv.bias", "q_bias")] = queries
                state[timm_name_of_swin(key).replace("qkv.bias", "v_bias")] = values
            else:
                state[timm_name_of_swin(key)] = tensor
        other.load_state_dict(state)
        other = other.double()
        # timm computes the constants of the second version in single precision.
        for module_ in other.modules():
            if hasattr(module_, "relative_coords_table"):
                module_._init_buffers()
        first, again = swin_map(network.double(), x), other.forward_features(x)
        assert (first - again).abs().max() < 1e-6 * first.abs().max(), "the libraries compute different things"
        save(f"{name}-timm", states(other))
        # Maps that are smaller than windows, which shrink, and the windows of another network. timm resamples the tables.
        # Where windows stick out timm shifts before it fills up, so that these maps are whole windows.
        for height, width, window in [(8, 64, WINDOW), (8, 24, WINDOW), (32, 32, 8), (48, 72, 3), (52, 52, 13)]:
            resized = kind(img_size=(height, width), patch_size=4, embed_dim=8, depths=DEPTHS, num_heads=SWIN_HEADS,
                           window_size=window, num_classes=5).eval()
            resized.load_state_dict(module.checkpoint_filter_fn(other.float().state_dict(), resized))
            resized = resized.double()
            for module_ in resized.modules():
                if hasattr(module_, "relative_coords_table"):
                    module_._init_buffers()
            suffix = "" if window == WINDOW else f" windows of {window}"
            expect(f"{name} {height}x{width}{suffix}", resized.forward_features(images(name, height, width)))
        other = other.double()
        microsoft = {}
        for key, value in states(other).items():
            parts = key.split(".")
            if parts[0] == "layers" and parts[2] == "downsample":
                parts[1] = str(int(parts[1]) - 1)
            microsoft[".".join(parts).replace("head.fc.", "head.")] = value
        microsoft["layers.0.blocks.1.attn_mask"] = numpy.zeros((8, 16, 16), numpy.float32)
        microsoft["layers.0.blocks.0.attn.relative_position_index"] = numpy.zeros((16, 16), numpy.int64)
        if second:
            microsoft["layers.0.blocks.0.attn.relative_coords_table"] = numpy.zeros((1, 7, 7, 2), numpy.float32)
        read = (timm.models.swin_transformer_v2 if second else timm.models.swin_transformer).checkpoint_filter_fn(
            {key: torch.from_numpy(value) for key, value in microsoft.items()}, other)
        assert all(torch.equal(read[key].double(), tensor) for key, tensor in other.state_dict().items())
        save(f"{name}-microsoft", microsoft)


def main():
    torch.manual_seed(0)
    vits()
    swins()
    save_file(EXPECTED, FIXTURES / "transformer-expected.safetensors")
    for path in sorted(FIXTURES.glob("transformer-*")):
        print(f"{path.name}: {path.stat().st_size} bytes")


main()
