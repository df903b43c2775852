"""Records what public implementations make of small maps and scores.

    pip install torch==2.13.0+cpu quantus grad-cam scikit-learn
    python Tests/ExplanationMetricsTests/Reference/record.py

writes Tests/ExplanationMetricsTests/Fixtures/metrics.json (Quantus, SciPy, scikit-learn) and
Tests/AttributionTests/Fixtures/grad-cam.json (pytorch-grad-cam). The tests read these files alone.
"""
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

# torchvision from PyPI is built for another torch than the one for CPUs and then lacks its operators, which are not used here;
# it wants these to be known.
if "+cpu" in torch.__version__:
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import quantus
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score
from sklearn.mixture import GaussianMixture
from statistics import NormalDist

TESTS = Path(__file__).parents[2]
rng = np.random.default_rng(12)


def metrics():
    maps, masks, figures = [], [], []
    for number in range(6):
        values = np.round(rng.normal(size=(6, 6)), 3).astype(np.float32)
        left, top = rng.integers(0, 3, size=2)
        right, bottom = left + rng.integers(1, 4), top + rng.integers(1, 4)
        mask = np.zeros((6, 6), bool)
        mask[top:bottom, left:right] = True
        if number % 2 == 0:
            values[top, left] = 4  # a hit
        positive = np.maximum(values, 0)
        batch, segments = positive[None, None], mask[None, None]
        image, label = np.zeros((1, 3, 6, 6)), np.zeros(1, int)

        def score(metric):
            return float(metric(model=None, x_batch=image, y_batch=label, a_batch=batch, s_batch=segments)[0])

        off = dict(disable_warnings=True, display_progressbar=False, normalise=False)
        maps.append(values.flatten().tolist())
        masks.append([int(v) for v in (left, top, right, bottom)])
        figures.append({
            "pointing": score(quantus.PointingGame(weighted=False, **off)),
            "energy": score(quantus.AttributionLocalisation(**off)),
            "gini": score(quantus.Sparseness(**off)),
            "entropy": score(quantus.Complexity(**off)),
        })
    first, second = np.round(rng.normal(size=(2, 30)), 1)
    relevant = (rng.random(30) < 0.3).astype(int)
    mixture_values = np.concatenate([rng.normal(0, 1, 120), rng.normal(3, 0.6, 60)]).round(4)
    mixture = GaussianMixture(n_components=2, random_state=0).fit(mixture_values.reshape(-1, 1))
    normals = [NormalDist(float(m[0]), float(np.sqrt(c[0][0]))) for m, c in zip(mixture.means_, mixture.covariances_)]
    return {
        "versions": {name: version(name) for name in ("quantus", "scipy", "scikit-learn", "numpy")},
        "side": 6, "maps": maps, "masks": masks, "figures": figures,
        "first": first.tolist(), "second": second.tolist(), "spearman": float(spearmanr(first, second).statistic),
        "relevant": relevant.tolist(), "average_precision": float(average_precision_score(relevant, first)),
        "mixture": mixture_values.tolist(), "overlap": normals[0].overlap(normals[1]),
        "overlap_pair": {"means": [0.0, 1.5], "deviations": [1.0, 0.5],
                         "overlap": NormalDist(0, 1).overlap(NormalDist(1.5, 0.5))},
    }


class MeanClassifier(torch.nn.Module):
    """A classifier on the mean of a feature map that it is given as its input, [N, D, H, W]."""

    def __init__(self, weights, biases, normalised):
        super().__init__()
        self.features = torch.nn.Identity()
        self.linear = torch.nn.Linear(weights.shape[1], weights.shape[0]).double()
        self.linear.weight.data, self.linear.bias.data = torch.tensor(weights), torch.tensor(biases)
        self.normalised = normalised

    def forward(self, x):
        x = self.features(x * 1).mean((2, 3))
        if self.normalised:
            x = torch.nn.functional.layer_norm(x, x.shape[1:], eps=1e-5)
        return self.linear(x)


def grad_cam():
    features = np.round(rng.normal(size=(5, 3, 4)), 3)  # [D, H, W]
    weights, biases = np.round(rng.normal(size=(3, 5)), 3), np.round(rng.normal(size=3), 3)
    maps = {}
    for normalised in (False, True):
        model = MeanClassifier(weights, biases, normalised).eval()
        with GradCAM(model=model, target_layers=[model.features]) as cam:
            # The library scales the map to 0...1 and to the input's size, which is the map's; this is what it has before that.
            found = []
            for label in range(3):
                inputs = torch.tensor(features[None], requires_grad=True)
                cam(input_tensor=inputs, targets=[ClassifierOutputTarget(label)])
                activations = cam.activations_and_grads.activations[0].detach().numpy()
                gradients = cam.activations_and_grads.gradients[0].numpy()
                found.append(np.maximum(cam.get_cam_image(
                    inputs, model.features, [ClassifierOutputTarget(label)], activations, gradients,
                    False), 0)[0].flatten().tolist())
        maps["normalised" if normalised else "plain"] = found
    return {
        "versions": {"grad-cam": version("grad-cam"), "torch": torch.__version__}, "shape": [3, 4, 5],
        "features": features.transpose(1, 2, 0).flatten().tolist(), "weights": weights.flatten().tolist(),
        "biases": biases.tolist(), "maps": maps,
    }


for place, value in (("ExplanationMetricsTests/Fixtures/metrics.json", metrics()),
                     ("AttributionTests/Fixtures/grad-cam.json", grad_cam())):
    path = TESTS / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")
