"""Records a fitted logistic regression with PyTorch in double precision.

    python Tests/LinearProbingTests/Reference/record_probe.py

writes Tests/LinearProbingTests/Fixtures/probe.json. Inputs are multiples of 2^-12, so that they are the same numbers in
Float, in Double and in decimal.
"""

import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)
FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"


def rounded(tensor):
    return torch.round(tensor * 4096) / 4096


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
    (FIXTURES / "probe.json").write_text(json.dumps(record_probe(), separators=(",", ":")) + "\n")
