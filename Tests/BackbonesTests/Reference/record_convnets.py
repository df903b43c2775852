"""Records what PyTorch computes with narrow members of the convolutional families, for ConvolutionalFamiliesTests.swift.

    cd Tests/BackbonesTests/Reference && python record_convnets.py

Writes ../Fixtures: family-NAME.safetensors (weights: hashed numbers, in the layout that their library saves) and
family-NAME.expected.safetensors (feature maps, [N, H, W, C], and logits, of images that are hashed
numbers too). convnext is there three times: as
torchvision, timm and Facebook name it, checked here to be the same network. Computed in double precision. Made with torch
2.13, torchvision 0.28 and timm 1.0.
"""

import pathlib

import numpy
import torch
from safetensors.numpy import save_file
import torchvision_import  # noqa: F401  (before anything of torchvision)
import timm.models.convnext
import timm.models.resnet
import torchvision
from torchvision.models.convnext import CNBlockConfig

import hashed_numbers
from record_resnet import NarrowResNet, channels_last

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"


def states(network):
    return {name: tensor.to(torch.float32).numpy() if tensor.is_floating_point() else tensor.numpy()
            for name, tensor in network.state_dict().items()}


SIZE = (2, 75, 90)


def hashed_images(name):
    n, h, w = SIZE
    images = torch.from_numpy(hashed_numbers.units(f"{name} images", n * h * w * 3).reshape(n, h, w, 3) * 2)
    return images.permute(0, 3, 1, 2)


def record(name, network, features, logits):
    """`features` from images [N, 3, H, W] to the map, `logits` from the map."""
    network = network.eval()
    with torch.no_grad():
        maps = features(network.double(), hashed_images(name))
        classes = logits(network, maps)
    save_file(states(network), FIXTURES / f"family-{name}.safetensors")
    save_file(
        {"features": channels_last(maps), "logits": classes.numpy().astype(numpy.float32)},
        FIXTURES / f"family-{name}.expected.safetensors")
    print(f"{name}: map {list(maps.shape)}, root mean square {maps.square().mean().sqrt():.3f}, largest {maps.abs().max():.3f}")
    return maps


def resnets():
    resnext = NarrowResNet("bottleneck", {"width": 12, "kernel": 7, "stride": 2, "pooling": True}, [8, 8, 16, 16],
                           [1, 2, 1, 1], [1, 2, 2, 2], class_count=5, groups=4, group_width=32)
    hashed_numbers.fill(resnext)
    record("resnext", resnext, lambda net, x: net.features(x), lambda net, maps: net.logits(maps))
    wide = NarrowResNet("bottleneck", {"width": 8, "kernel": 7, "stride": 2, "pooling": True}, [8, 8, 16], [1, 1, 1],
                        [1, 2, 2], class_count=5, group_width=128)
    hashed_numbers.fill(wide)
    record("wide", wide, lambda net, x: net.features(x), lambda net, maps: net.logits(maps))
    for name, block, layers in [("resnetd-basic", timm.models.resnet.BasicBlock, (1, 2, 1, 1)),
                                ("resnetd-bottleneck", timm.models.resnet.Bottleneck, (1, 1, 2, 1))]:
        net = timm.models.resnet.ResNet(block, layers, num_classes=5, stem_width=6, stem_type="deep", avg_down=True,
                                        channels=(8, 12, 12, 16))
        hashed_numbers.fill(net)
        record(name, net, lambda net, x: net.forward_features(x), lambda net, maps: net.forward_head(maps))


def densenet():
    net = torchvision.models.DenseNet(growth_rate=6, block_config=(2, 3, 2), num_init_features=12, bn_size=3,
                                      num_classes=5)
    hashed_numbers.fill(net)
    record("densenet", net, lambda net, x: torch.relu(net.features(x)),
           lambda net, maps: net.classifier(maps.mean((2, 3))))


DEPTHS, WIDTHS = (1, 2, 1, 1), (8, 12, 16, 24)


def facebook_name(name):
    """A timm name of a ConvNeXt in the spelling of facebookresearch/ConvNeXt."""
    for new, old in [("stem.", "downsample_layers.0."), ("head.norm.", "norm."), ("head.fc.", "head."),
                     (".conv_dw.", ".dwconv."), (".mlp.fc1.", ".pwconv1."), (".mlp.fc2.", ".pwconv2.")]:
        name = name.replace(new, old)
    parts = name.split(".")
    if len(parts) > 3 and parts[0] == "stages" and parts[2] == "downsample":
        return ".".join(["downsample_layers", parts[1], *parts[3:]])
    return name.replace(".blocks.", ".")


def convnext():
    settings = [CNBlockConfig(width, after, depth)
                for width, after, depth in zip(WIDTHS, [*WIDTHS[1:], None], DEPTHS)]
    net = torchvision.models.ConvNeXt(settings, num_classes=5)
    hashed_numbers.fill(net)
    maps = record("convnext", net, lambda net, x: net.features(x),
                  lambda net, maps: net.classifier(net.avgpool(maps)))
    # The same tensors come in the same order, but for the layer scale, which timm has in another place of a block.
    other = timm.models.convnext.ConvNeXt(depths=DEPTHS, dims=WIDTHS, num_classes=5).eval()
    ours = net.float().state_dict()

    def torchvision_name(name):
        parts = name.split(".")
        if parts[0] == "stem":
            return f"features.0.{parts[1]}.{parts[2]}"
        if parts[0] == "head":
            return f"classifier.{ {'norm': 0, 'fc': 2}[parts[1]] }.{parts[2]}"
        stage = int(parts[1])
        if parts[2] == "downsample":
            return f"features.{2 * stage}.{parts[3]}.{parts[4]}"
        block = f"features.{2 * stage + 1}.{parts[3]}."
        inner = ".".join(parts[4:])
        if inner == "gamma":
            return block + "layer_scale"
        for theirs, number in [("conv_dw", 0), ("norm", 2), ("mlp.fc1", 3), ("mlp.fc2", 5)]:
            if inner.startswith(theirs + "."):
                return f"{block}block.{number}.{parts[-1]}"

    other.load_state_dict({name: ours[torchvision_name(name)].reshape(tensor.shape)
                           for name, tensor in other.state_dict().items()})
    with torch.no_grad():
        again = other.double().forward_features(hashed_images("convnext"))
    assert (again - maps).abs().max() < 1e-9 * maps.abs().max(), "timm computes something else"
    save_file(states(other), FIXTURES / "family-convnext-timm.safetensors")
    facebook = {facebook_name(name): torch.from_numpy(value) for name, value in states(other).items()}
    read = timm.models.convnext.checkpoint_filter_fn(dict(facebook), other)
    assert read.keys() == other.state_dict().keys(), read.keys() ^ other.state_dict().keys()
    assert all(torch.equal(read[name], tensor.float()) for name, tensor in other.state_dict().items())
    save_file({name: value.numpy() for name, value in facebook.items()}, FIXTURES / "family-convnext-facebook.safetensors")


def main():
    torch.manual_seed(0)
    resnets()
    densenet()
    convnext()
    for path in sorted(FIXTURES.glob("family-*")):
        print(f"{path.name}: {path.stat().st_size} bytes")


main()
