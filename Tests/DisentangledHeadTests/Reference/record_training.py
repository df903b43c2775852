"""Records ten training steps of the head with PyTorch in double precision.

    python Tests/DisentangledHeadTests/Reference/record_training.py

writes Tests/DisentangledHeadTests/Fixtures/training.json. Inputs are multiples of 2^-12, so that they are the same
numbers in Float, in Double and in decimal.

Channel maps: exponential (torch.linalg.matrix_exp under autograd), cayley (torch.linalg.solve under autograd), identity, and
riemannian, whose optimizer sees Omega = (G U^T - U G^T) / 2 as the gradient of a dummy parameter and whose step is
U <- exp(dummy's change) U.
"""

import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)
FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"
IMAGES, PIXELS, CHANNELS, CLASSES, STEPS = 6, 9, 8, 5, 10


def rounded(tensor):
    return torch.round(tensor * 4096) / 4096


def pooled(features, channel_map):
    """v [N, D] of features [N, P, D]."""
    activations = features @ channel_map.T
    return activations.amax(1).clamp(min=0) + activations.amin(1).clamp(max=0)


def build(kind, weight):
    identity = torch.eye(CHANNELS)
    if kind == "exponential":
        return torch.linalg.matrix_exp(weight - weight.T)
    skew = (weight - weight.T) / 2
    return torch.linalg.solve(identity + skew, identity - skew)


def make_optimizer(kind, parameters, rate):
    if kind == "adam":
        return torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.999), eps=1e-8)
    return torch.optim.SGD(parameters, lr=rate, momentum=0.9)


def train(map_kind, optimizer_kind, rate, l1, weight0, classifier0, batches):
    classifier = classifier0.clone().requires_grad_()
    weight = weight0.clone().requires_grad_()
    rotation = torch.linalg.matrix_exp(weight0 - weight0.T)
    if map_kind == "identity":
        rotation, parameters = torch.eye(CHANNELS), [classifier]
    elif map_kind == "riemannian":
        weight = torch.zeros(CHANNELS, CHANNELS, requires_grad=True)
        parameters = [weight, classifier]
    else:
        parameters = [weight, classifier]
    optimizer = make_optimizer(optimizer_kind, parameters, rate)
    losses = []
    for features, labels in batches:
        optimizer.zero_grad()
        if map_kind in ("exponential", "cayley"):
            channel_map = build(map_kind, weight)
        else:
            channel_map = rotation.clone().requires_grad_(map_kind == "riemannian")
        logits = pooled(features, channel_map) @ classifier.T
        loss = torch.nn.functional.cross_entropy(logits, labels)
        loss.backward()
        losses.append(loss.item())
        if map_kind == "riemannian":
            gradient = channel_map.grad @ rotation.T
            weight.grad = (gradient - gradient.T) / 2
            before = weight.detach().clone()
        optimizer.step()
        with torch.no_grad():
            classifier.sub_(rate * l1).clamp_(min=0)
            if map_kind == "riemannian":
                rotation = torch.linalg.matrix_exp(weight - before) @ rotation
    if map_kind in ("exponential", "cayley"):
        rotation = build(map_kind, weight)
    return {
        "channelMap": map_kind,
        "optimizer": optimizer_kind,
        "learningRate": rate,
        "classifierL1": l1,
        "losses": losses,
        "finalChannelMap": rotation.detach().flatten().tolist(),
        "finalClassifier": classifier.detach().flatten().tolist(),
    }


def record_training():
    torch.manual_seed(20240917)
    weight = rounded(0.4 * torch.randn(CHANNELS, CHANNELS))
    classifier = rounded(torch.rand(CLASSES, CHANNELS))
    batches = [
        (rounded(torch.randn(IMAGES, PIXELS, CHANNELS)), torch.randint(0, CLASSES, (IMAGES,))) for _ in range(STEPS)
    ]
    runs = [
        train(kind, optimizer, rate, l1, weight, classifier, batches)
        for kind in ("exponential", "cayley", "riemannian", "identity")
        for optimizer, rate, l1 in (("adam", 0.02, 0.0), ("sgd", 0.05, 0.1))
    ]
    return {
        "imageCount": IMAGES,
        "pixelCount": PIXELS,
        "channelCount": CHANNELS,
        "classCount": CLASSES,
        "weight": weight.flatten().tolist(),
        "rotation": torch.linalg.matrix_exp(weight - weight.T).flatten().tolist(),
        "classifier": classifier.flatten().tolist(),
        "features": [features.flatten().tolist() for features, _ in batches],
        "labels": [labels.tolist() for _, labels in batches],
        "runs": runs,
    }


if __name__ == "__main__":
    FIXTURES.mkdir(exist_ok=True)
    (FIXTURES / "training.json").write_text(json.dumps(record_training(), separators=(",", ":")) + "\n")
