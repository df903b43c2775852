"""The networks of `infodisent backbones` as torchvision or timm define them, with random weights, and their feature maps."""

import torch
import torchvision_import  # noqa: F401  (before anything of torchvision)
import timm
import torchvision

import hashed_numbers


def _torchvision_resnet(network, x):
    x = network.maxpool(network.relu(network.bn1(network.conv1(x))))
    return network.layer4(network.layer3(network.layer2(network.layer1(x))))


def _on_grid(network, tokens, x, side):
    """The tokens [N, T, C] of the patches of `side` pixels of images [N, 3, H, W] as a map [N, C, h, w]."""
    height, width = x.shape[2] // side, x.shape[3] // side
    return tokens[:, -height * width:].reshape(x.shape[0], height, width, -1).permute(0, 3, 1, 2)


def _torchvision_vit(network, x):
    tokens = network._process_input(x)
    tokens = torch.cat([network.class_token.expand(x.shape[0], -1, -1), tokens], 1)
    return _on_grid(network, network.encoder(tokens), x, network.patch_size)


def _timm_vit(network, x):
    return _on_grid(network, network.forward_features(x), x, network.patch_embed.patch_size[0])


def _channels_first(maps):
    return maps.permute(0, 3, 1, 2)


# What computes the feature map [N, C, H, W] of a class of networks.
FEATURES = [
    (torchvision.models.ResNet, _torchvision_resnet),
    (torchvision.models.DenseNet, lambda network, x: torch.relu(network.features(x))),
    (torchvision.models.ConvNeXt, lambda network, x: network.features(x)),
    (torchvision.models.VisionTransformer, _torchvision_vit),
    (torchvision.models.SwinTransformer, lambda network, x: _channels_first(network.norm(network.features(x)))),
    (timm.models.vision_transformer.VisionTransformer, _timm_vit),
    (timm.models.swin_transformer.SwinTransformer, lambda network, x: _channels_first(network.forward_features(x))),
    (timm.models.swin_transformer_v2.SwinTransformerV2, lambda network, x: _channels_first(network.forward_features(x))),
    (timm.models.resnet.ResNet, lambda network, x: network.forward_features(x)),
    (timm.models.convnext.ConvNeXt, lambda network, x: network.forward_features(x)),
]


def make(name):
    """torchvision's network of this name, or else timm's, in evaluation mode. Large weights are as the library draws them,
    the others hashed numbers, so that no bias is zero and no scale one."""
    torch.manual_seed(0)
    if name in torchvision.models.list_models(module=torchvision.models):
        network = torchvision.models.get_model(name, weights=None)
    else:
        network = timm.create_model(name)
    hashed_numbers.fill(network, largest=100_000)
    for name, parameter in network.named_parameters():
        # Tokens and positions as large as what they are added to; factors about as large as trained ones.
        if name.rsplit(".", 1)[-1] in ("class_token", "cls_token", "reg_token", "pos_embed", "pos_embedding"):
            units = hashed_numbers.units(name, parameter.numel()).astype("float32")
            parameter.data = torch.from_numpy(units).reshape(parameter.shape)
        elif name.endswith(".logit_scale"):
            parameter.data += 2
    for module in network.modules():
        # A trained residual network's branches add little each; as large as the shortcut, rounding errors would double
        # from block to block, in anyone's arithmetic.
        last = getattr(module, "bn3", None) or getattr(module, "bn2", None)
        if hasattr(module, "downsample") and isinstance(last, torch.nn.BatchNorm2d):
            last.weight.data *= 0.3
    return network.eval()


def features(network, x):
    """The feature map [N, H, W, C] of normalised images [N, H, W, 3]."""
    for kind, function in FEATURES:
        if isinstance(network, kind):
            return function(network, x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    raise TypeError(f"reference_networks.py does not know the feature map of {type(network)}")


def calibrate(network, x, features=features):
    """Gives batch normalisations statistics near those of their inputs, so that activations stay near 1 however deep the
    network is; not exactly those, so that nothing cancels."""
    normalisations = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for module in normalisations:
        module.momentum = 1.0
        module.train()
    with torch.no_grad():
        features(network, x)
        for index, module in enumerate(normalisations):
            module.eval()
            count = module.num_features
            mean = torch.from_numpy(hashed_numbers.units(f"mean {index}", count)).to(module.running_mean)
            variance = torch.from_numpy(hashed_numbers.units(f"variance {index}", count)).to(module.running_var)
            module.running_mean += 0.1 * mean * module.running_var.sqrt()
            module.running_var *= 1 + 0.2 * variance
