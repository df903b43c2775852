"""Records ten training steps of the head with PyTorch in double precision.

    python Tests/DisentangledHeadTests/Reference/record_training.py

writes Tests/DisentangledHeadTests/Fixtures/training.json, and training_variants.json with the same inputs for a bias, annealed
pooling, distillation (from a linear classifier and from a head), a budget of channels, a signed start, a gauge, other sides and
the terms that want pure channels
(`train_variant`). Inputs are multiples of 2^-12, so that they are the same
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


def joined(positive, negative, signs):
    """v [N, D], or [N, 2 D] where the sides are untied."""
    if signs == "untied":
        return torch.cat((positive, negative), 1)
    return positive if signs == "positive" else positive + negative


def pooled(features, channel_map, signs="tied"):
    """v of features [N, P, D]."""
    activations = features @ channel_map.T
    return joined(activations.amax(1).clamp(min=0), activations.amin(1).clamp(max=0), signs)


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


def annealed(features, channel_map, sharpness, signs):
    """v with the weights softmax(s ReLU(+-J) / sigma) over the pixels."""
    activations = features @ channel_map.T
    scale = features.square().mean((1, 2), keepdim=True).sqrt()
    sides = []
    for sign in (1, -1):
        branch = torch.relu(sign * activations)
        sides.append(sign * (torch.softmax(sharpness * branch / scale, 1) * branch).sum(1))
    return joined(*sides, signs)


def purity_terms(purity, features, channel_map, values, signs):
    """The entropy over the pixels, weighted by constant shares of the strength, and the correlation of the channels."""
    activations = features @ channel_map.T
    branches = {
        "tied": [activations.abs()],
        "positive": [torch.relu(activations)],
        "untied": [torch.relu(activations), torch.relu(-activations)],
    }[signs]
    strength = torch.cat(branches, 2)
    share = strength / strength.sum(1, keepdim=True).clamp(min=1e-300)
    entropy = -(share * torch.where(share > 0, share, 1).log()).sum(1) / torch.tensor(float(PIXELS)).log()
    weights = values.detach().abs()
    weights = weights / weights.sum(1, keepdim=True)
    covariance = torch.cov(values.T)
    off_diagonal = covariance - torch.diag(torch.diag(covariance))
    correlation = off_diagonal.square().sum() / torch.trace(covariance).square()
    return purity["spatial_entropy"] * (weights * entropy).sum(1).mean() + purity["decorrelation"] * correlation


def prune(budget, step, state, classifier, moments, gradient):
    """The event after `step` steps; `state` has mask, regrown, sums and counts."""
    least, (begin, end) = budget["channels_per_class"], (budget["begin"], budget["end"])
    width = classifier.shape[1]
    rest = max(0.0, 1 - (step - begin) / (end - begin))
    target = min(width, least + -int(-(width - least) * rest**3 // 1))
    exchange = int(budget["regrowth"] * target + 0.5) if step < end else 0
    own = state["sums"] / state["counts"][:, None]
    everyone = state["sums"].sum(0) / state["counts"].sum()
    score = classifier * (own - everyone if budget["score"] == "contrast" else own).abs()
    for label in range(CLASSES):
        held = [k for k in range(width) if state["mask"][label, k]]
        recent = [k for k in held if state["regrown"][label, k]]
        others = sorted((k for k in held if k not in recent), key=lambda k: (-score[label, k].item(), k))
        kept = (recent + others)[:target]
        candidates = [k for k in range(width) if k not in held and gradient[label, k] < 0]
        candidates.sort(key=lambda k: (gradient[label, k].item(), k))
        count = min(exchange, len(candidates), max(0, len(kept) - len(recent)))
        back = candidates[:count]
        kept = kept[: len(kept) - count] + back
        for k in range(width):
            state["mask"][label, k] = k in kept
            state["regrown"][label, k] = k in back
            if k not in kept or k in back:
                for tensor in (classifier, *moments):
                    tensor[label, k] = 0


def train_variant(name, map_kind, optimizer_kind, rate, weight0, classifier0, batches, annealing=None, bias0=None,
                  distillation=None, teacher=None, budget=None, signed0=None, gauge=False, signs="tied",
                  purity=None):
    # A signed start is taken over less the minimum of each column, and so is the classifier by the gauge.
    classifier = classifier0 if signed0 is None else signed0 - signed0.amin(0)
    classifier = (torch.cat((classifier, classifier), 1) if signs == "untied" else classifier.clone()).requires_grad_()
    width = classifier.shape[1]
    bias = (torch.zeros(CLASSES) if bias0 is None else bias0.clone()).requires_grad_(bias0 is not None)
    rotation = torch.eye(CHANNELS) if map_kind == "identity" else torch.linalg.matrix_exp(weight0 - weight0.T)
    weight = torch.zeros(CHANNELS, CHANNELS, requires_grad=True)
    parameters = [classifier] + ([bias] if bias0 is not None else []) + ([weight] if map_kind == "riemannian" else [])
    optimizer = make_optimizer(optimizer_kind, parameters, rate)
    state = {
        "mask": torch.ones(CLASSES, width, dtype=torch.bool),
        "regrown": torch.zeros(CLASSES, width, dtype=torch.bool),
        "sums": torch.zeros(CLASSES, width),
        "counts": torch.zeros(CLASSES),
    }
    losses, regrown_count = [], 0
    for step, (features, labels) in enumerate(batches):
        optimizer.zero_grad()
        channel_map = rotation.clone().requires_grad_(map_kind == "riemannian")
        if annealing and step < annealing["steps"]:
            time = step / annealing["steps"]
            values = annealed(features, channel_map, annealing["sharpness"] * time / (1 - time), signs)
        else:
            values = pooled(features, channel_map, signs)
        logits = values @ classifier.T + bias
        loss = torch.nn.functional.cross_entropy(logits, labels)
        if distillation:
            share, heat = distillation["weight"], distillation["temperature"]
            inputs = pooled(features, teacher[2]) if len(teacher) > 2 else features.mean(1)
            target = torch.softmax((inputs @ teacher[0].T + teacher[1]) / heat, 1)
            divergence = torch.nn.functional.kl_div(torch.log_softmax(logits / heat, 1), target, reduction="batchmean")
            loss = (1 - share) * loss + share * heat**2 * divergence
        if purity:
            loss = loss + purity_terms(purity, features, channel_map, values, signs)
        loss.backward()
        losses.append(loss.item())
        if map_kind == "riemannian":
            gradient = channel_map.grad @ rotation.T
            weight.grad = (gradient - gradient.T) / 2
            before = weight.detach().clone()
        dense = classifier.grad.clone()
        classifier.grad[~state["mask"]] = 0
        optimizer.step()
        with torch.no_grad():
            classifier.clamp_(min=0)
            if map_kind == "riemannian":
                rotation = torch.linalg.matrix_exp(weight - before) @ rotation
            done = step + 1
            event = False
            if budget:
                begin, end = budget["begin"], budget["end"]
                event = done == end or (begin <= done < end and (done - begin) % budget["interval"] == 0)
            if gauge and (event or done == STEPS):
                classifier.sub_(classifier.amin(0))
            if budget:
                decay = 1 - 1 / max(10, budget["interval"])
                hot = torch.nn.functional.one_hot(labels, CLASSES).to(values.dtype)
                state["sums"] = decay * state["sums"] + hot.T @ values.detach()
                state["counts"] = decay * state["counts"] + hot.sum(0)
                if event:
                    memory = optimizer.state[classifier]
                    moments = [memory[key] for key in ("exp_avg", "exp_avg_sq", "momentum_buffer") if key in memory]
                    prune(budget, done, state, classifier, moments, dense)
                    regrown_count += int(state["regrown"].sum())
    assert not budget or regrown_count > 0
    return {
        "name": name,
        "headTeaches": bool(teacher) and len(teacher) > 2,
        "channelMap": map_kind,
        "optimizer": optimizer_kind,
        "learningRate": rate,
        "annealing": annealing,
        "bias": bias0 if bias0 is None else bias0.tolist(),
        "distillation": distillation,
        "budget": budget,
        "signedClassifier": None if signed0 is None else signed0.flatten().tolist(),
        "lastGaugeStep": STEPS if gauge else None,
        "signs": signs,
        "purity": purity,
        "losses": losses,
        "finalChannelMap": rotation.detach().flatten().tolist(),
        "finalClassifier": classifier.detach().flatten().tolist(),
        "finalBias": None if bias0 is None else bias.detach().tolist(),
        "finalMask": state["mask"].flatten().tolist() if budget else None,
    }


def record_variants():
    weight, classifier, batches = inputs()
    bias = rounded(0.5 * torch.randn(CLASSES))
    teacher = (rounded(torch.randn(CLASSES, CHANNELS)), rounded(torch.randn(CLASSES)))
    signed = rounded(torch.randn(CLASSES, CHANNELS))
    # Its numbers are rounded, so it is orthogonal to about 1e-4 only, which a teacher need not be.
    generator = rounded(torch.randn(CHANNELS, CHANNELS))
    head = (rounded(torch.rand(CLASSES, CHANNELS)), rounded(torch.randn(CLASSES)),
            rounded(torch.linalg.matrix_exp(generator - generator.T)))
    annealing = {"sharpness": 4.0, "steps": 7.5}
    distillation = {"weight": 0.625, "temperature": 3.0}
    purity = {"spatial_entropy": 0.75, "decorrelation": 1.5}
    budget = {"channels_per_class": 3, "begin": 2, "end": 8, "interval": 2, "score": "contrast", "regrowth": 0.25}
    common = (weight, classifier, batches)
    runs = [
        train_variant("bias", "identity", "adam", 0.02, *common, bias0=bias),
        train_variant("annealed", "riemannian", "adam", 0.02, *common, annealing=annealing),
        train_variant("distillation", "riemannian", "sgd", 0.05, *common, distillation=distillation, teacher=teacher),
        train_variant("budget", "riemannian", "adam", 0.02, *common, budget=budget),
        train_variant("budget by contribution", "identity", "sgd", 0.05, *common,
                      budget={**budget, "score": "contribution", "interval": 1}),
        train_variant("all", "riemannian", "adam", 0.02, *common, annealing=annealing, bias0=bias,
                      distillation=distillation, teacher=teacher, budget=budget),
        train_variant("signed start", "riemannian", "adam", 0.02, *common, annealing=annealing, bias0=bias, signed0=signed),
        train_variant("gauge", "identity", "sgd", 0.05, *common, gauge=True),
        train_variant("signed start with budget and gauge", "riemannian", "adam", 0.02, *common, annealing=annealing,
                      bias0=bias, budget=budget, signed0=signed, gauge=True),
        train_variant("positive", "riemannian", "sgd", 0.05, *common, signs="positive"),
        train_variant("positive annealed", "riemannian", "adam", 0.02, *common, annealing=annealing, bias0=bias,
                      signs="positive"),
        train_variant("untied", "riemannian", "sgd", 0.05, *common, signs="untied"),
        train_variant("untied with all", "riemannian", "adam", 0.02, *common, annealing=annealing, bias0=bias,
                      distillation=distillation, teacher=teacher, budget=budget, signed0=signed, gauge=True,
                      signs="untied"),
        train_variant("head teaches", "riemannian", "adam", 0.02, *common, annealing=annealing,
                      distillation=distillation, teacher=head),
        train_variant("entropy", "riemannian", "sgd", 0.05, *common, purity=purity | {"decorrelation": 0.0}),
        train_variant("decorrelation", "riemannian", "adam", 0.02, *common, purity=purity | {"spatial_entropy": 0.0}),
        *(train_variant(f"pure {signs}", "riemannian", "adam", 0.02, *common, annealing=annealing, bias0=bias,
                        distillation=distillation, teacher=teacher, budget=budget, signs=signs, purity=purity)
          for signs in ("tied", "positive", "untied")),
    ]
    return {
        "teacherWeights": teacher[0].flatten().tolist(),
        "teacherBias": teacher[1].tolist(),
        "headWeights": head[0].flatten().tolist(),
        "headBias": head[1].tolist(),
        "headChannelMap": head[2].flatten().tolist(),
        "runs": runs,
    }


def inputs():
    torch.manual_seed(20240917)
    weight = rounded(0.4 * torch.randn(CHANNELS, CHANNELS))
    classifier = rounded(torch.rand(CLASSES, CHANNELS))
    batches = [
        (rounded(torch.randn(IMAGES, PIXELS, CHANNELS)), torch.randint(0, CLASSES, (IMAGES,))) for _ in range(STEPS)
    ]
    return weight, classifier, batches


def record_training():
    weight, classifier, batches = inputs()
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
    for name, record in (("training", record_training), ("training_variants", record_variants)):
        (FIXTURES / f"{name}.json").write_text(json.dumps(record(), separators=(",", ":")) + "\n")
