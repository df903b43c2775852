"""Records ten training steps of the head, and a fitted logistic regression, with PyTorch in double precision.

    /opt/ref/bin/python Tests/DisentangledHeadTests/Reference/record_training.py

writes Tests/DisentangledHeadTests/Fixtures/training.json and probe.json. Inputs are multiples of 2^-12, so that they
are the same numbers in Float, in Double and in decimal.

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


def record_probe():
    """Minimises mean cross-entropy + strength / 2 |W|^2 over standardised features to convergence."""
    torch.manual_seed(4)
    count, width, classes, strength = 90, 6, 4, 0.01
    labels = torch.arange(count) % classes
    centres = 1.2 * torch.randn(classes, width)
    scales = torch.tensor([1.0, 5.0, 0.2, 1.0, 3.0, 1.0])
    features = rounded((centres[labels] + torch.randn(count, width)) * scales + torch.arange(width))
    mean, deviation = features.mean(0), features.std(0, unbiased=False)
    standardised = (features - mean) / deviation
    weight = torch.zeros(classes, width, requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=2000, tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(standardised @ weight.T + bias, labels)
        loss = loss + strength / 2 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    original = weight.detach() / deviation
    # The penalty leaves the mean of the bias free: it stays where it starts, at 0.
    return {
        "features": features.flatten().tolist(),
        "labels": labels.tolist(),
        "channelCount": width,
        "classCount": classes,
        "strength": strength,
        "weights": original.flatten().tolist(),
        "bias": (bias.detach() - original @ mean).tolist(),
    }


if __name__ == "__main__":
    FIXTURES.mkdir(exist_ok=True)
    for name, value in (("training", record_training()), ("probe", record_probe())):
        (FIXTURES / f"{name}.json").write_text(json.dumps(value, separators=(",", ":")) + "\n")
