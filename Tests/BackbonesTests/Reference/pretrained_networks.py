"""Networks of transformers and what computes their feature maps."""

import numpy
import torch
import torchvision_import  # noqa: F401  (before anything of torchvision)
import transformers

import hashed_numbers


def make(kind, largest=None, **options):
    """An image classifier of transformers, or the bare network where it has no classifier, with hashed numbers; with `largest`,
    large weights are as the library draws them."""
    network = getattr(transformers, kind)(getattr(transformers, CONFIGURATIONS[kind])(**options)).eval()
    return fill(network, largest)


CONFIGURATIONS = {
    "ResNetForImageClassification": "ResNetConfig",
    "ResNetModel": "ResNetConfig",
    "ConvNextForImageClassification": "ConvNextConfig",
    "ViTForImageClassification": "ViTConfig",
    "ViTModel": "ViTConfig",
    "ViTMAEForPreTraining": "ViTMAEConfig",
    "DeiTForImageClassificationWithTeacher": "DeiTConfig",
    "DeiTForImageClassification": "DeiTConfig",
    "SwinForImageClassification": "SwinConfig",
    "Swinv2ForImageClassification": "Swinv2Config",
    "Dinov2ForImageClassification": "Dinov2Config",
    "Dinov2WithRegistersModel": "Dinov2WithRegistersConfig",
}


def fill(network, largest=None):
    """Hashed numbers, those that add to something large enough to show in the result."""
    hashed_numbers.fill(network, largest)
    state = network.state_dict()
    for name, tensor in state.items():
        end = name.rsplit(".", 1)[-1]
        if end in ("cls_token", "distillation_token", "register_tokens", "position_embeddings"):
            state[name] = torch.from_numpy(hashed_numbers.units(name, tensor.numel())).reshape(tensor.shape).float()
        elif end in ("lambda1", "layer_scale_parameter"):
            state[name] = tensor + 1
        elif end == "logit_scale":
            state[name] = 2 + 0.2 * tensor
    network.load_state_dict(state)
    return network


def features(network, images):
    """The feature map [N, h, w, C] of images [N, H, W, 3]."""
    body = next((part for name, part in network.named_children() if name == network.base_model_prefix), network)
    x = images.permute(0, 3, 1, 2)
    kind = type(network).__name__
    if kind.startswith("ViTMAE"):
        # Its own forward hides most of the patches.
        first = body.embeddings.cls_token.to(x) + body.embeddings.position_embeddings[:, :1]
        tokens = torch.cat([first.expand(x.shape[0], -1, -1),
                            body.embeddings.patch_embeddings(x) + body.embeddings.position_embeddings[:, 1:]], 1)
        for layer in body.layers if hasattr(body, "layers") else body.encoder.layer:
            tokens = layer(tokens)
            tokens = tokens[0] if isinstance(tokens, tuple) else tokens
        maps = body.layernorm(tokens)
    else:
        maps = body(x).last_hidden_state
    if maps.dim() == 4:
        return maps.permute(0, 2, 3, 1)
    side = 32 if kind.startswith("Swin") else network.config.patch_size
    if kind.startswith("Swin"):
        side = network.config.patch_size << (len(network.config.depths) - 1)
    height, width = images.shape[1] // side, images.shape[2] // side
    return maps[:, -height * width:].reshape(images.shape[0], height, width, -1)


def images(name, height, width, count=2):
    units = hashed_numbers.units(f"{name} images", count * height * width * 3)
    return torch.from_numpy(units.reshape(count, height, width, 3) * 2)


def single(value):
    return numpy.ascontiguousarray(value.detach().to(torch.float32).numpy())
