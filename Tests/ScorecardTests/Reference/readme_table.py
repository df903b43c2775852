#!/usr/bin/env python3
"""Prints the README's table of explanations: heads and baselines on the same images, means over seeds with 95 % intervals.

    readme_table.py --program .build/release/infodisent --work FOLDER NAME=CONFIG ...

For each configuration (its name is that of the table's part) it trains the heads below with run.seed 0, 1 and 2, writes a scorecard
of each and reads the figures out of the JSON. What is there already is not made again, so that it goes on where it was stopped.
Nothing but Python's library is needed.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys

SEEDS = (0, 1, 2)
T_TWO = 4.302653  # 97.5 % quantile of the t distribution with two degrees of freedom

HEADS = {
    "dense": [],
    "sparse": ["head.channels_per_class=10"],
    "posthoc": ["head.mode=posthoc", "training.epochs=20"],
}
# Rows: title, head whose scorecard is read, way to attribute, whose scores.
ROWS = [
    ("InfoDisent, additive map", "dense", "places", "head"),
    ("... its five largest channels", "dense", "channels-top-5", "head"),
    ("InfoDisent, 10 channels a class", "sparse", "places", "head"),
    ("... its five largest channels", "sparse", "channels-top-5", "head"),
    ("EPIC mode", "posthoc", "places", "head"),
    ("... its five largest channels", "posthoc", "channels-top-5", "head"),
    ("Grad-CAM of the linear classifier", "dense", "grad-cam", "black_box"),
    ("random", "dense", "random", "head"),
    ("centred Gaussian", "dense", "gaussian", "head"),
]
# Columns: title, group, metric, formula, fill, k.
COLUMNS = [
    ("compl.", "interventions", "completeness", "funnybirds:completeness:attribution", None, None),
    ("corr.", "interventions", "correctness", "funnybirds:single-deletion:attribution", None, None),
    ("contr.", "interventions", "contrastivity", "funnybirds:target-sensitivity:attribution", None, None),
    ("compl. (boxes)", "interventions", "completeness", "funnybirds:completeness:boxes", None, None),
    ("corr. (boxes)", "interventions", "correctness", "funnybirds:single-deletion:boxes", None, None),
    ("contr. (boxes)", "interventions", "contrastivity", "funnybirds:target-sensitivity:boxes", None, None),
    ("deletion", "fidelity", "deletion", "rise:cells", "mean", None),
    ("insertion", "fidelity", "insertion", "rise:cells", "mean", None),
    ("pointing at parts", "localisation", "pointing-at-parts", "pointing:cell-centre:images", None, None),
    ("energy in parts", "localisation", "energy-in-parts", "energy:positive", None, None),
    ("cells for 90 %", "sizes", "cells", "cover:positive", None, None),
    ("unlike shuffled", "sanity", "likeness-to-shuffled-model", "adebayo:spearman", None, None),
]
HEAD_COLUMNS = [
    ("channels (SIDE)", "sizes", "channels", "side:share-of-largest"),
    ("channels for 90 %", "sizes", "channels", "cover:positive"),
    ("purity (EPIC)", "disentanglement", "purity", "epic:by-maximum"),
    ("RV2 of maps", "disentanglement", "rv-of-maps", "rv2"),
    ("correlation", "disentanglement", "correlation-of-scores", "pearson:mean-magnitude"),
    ("contrastiveness", "disentanglement", "contrastiveness", "qpm:mixture-overlap"),
    ("part purity", "localisation", "part-purity", "pipnet:top"),
    ("part retrieval (AP)", "localisation", "part-retrieval", "average-precision:steps:place-of-best-part"),
    ("background independence", "interventions", "background-independence", "funnybirds:background-independence"),
    ("accuracy of 3 channels", "budget", "accuracy-of-channels", "kept-channels:silent-others"),
]


def run(arguments):
    print("+", " ".join(map(str, arguments)), file=sys.stderr)
    return subprocess.run(list(map(str, arguments)), check=True, capture_output=True, text=True).stdout


def scorecard(program, work, name, config, head, settings, seed, more):
    """The scorecard and the accuracies of one run."""
    directory = work / f"{name}-{head}-{seed}"
    results = work / f"{name}-{head}-{seed}.json"
    if not results.exists():
        options = [f"run.directory={directory}", f"run.seed={seed}", "evaluation.every=1000", *settings]
        run([program, "train", "--config", config, *(word for option in options for word in ("--set", option))])
        accuracy = json.loads(run([program, "evaluate", "--checkpoint", directory, "--json"]))
        card = json.loads(run([program, "evaluate", "--checkpoint", directory, "--metrics", "all", "--json", *more]))
        results.write_text(json.dumps({"accuracy": accuracy, "card": card}))
    return json.loads(results.read_text())


def figure(card, group, metric, formula, way, model=None, fill=None, k=None):
    for entry in card["figures"]:
        key = entry["key"]
        if (key["group"], key["metric"], key["formula"], key["way"]) != (group, metric, formula, way):
            continue
        if model is not None and key.get("model") not in (None, model):
            continue
        if fill is not None and key.get("fill") != fill or k is not None and key.get("k") != k:
            continue
        return entry.get("value")
    return None


def shown(values):
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    mean = sum(values) / len(values)
    digits = 1 if abs(mean) >= 10 else 3
    if len(values) < 2 or max(values) == min(values):
        return f"{mean:.{digits}f}"
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return f"{mean:.{digits}f} +- {T_TWO * deviation / math.sqrt(len(values)):.{digits}f}"


def table(titles, rows):
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/release/infodisent")
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--pass-images", default=None)
    parser.add_argument("sets", nargs="+", metavar="NAME=CONFIG")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    more = ["--pass-images", options.pass_images] if options.pass_images else []
    for entry in options.sets:
        name, config = entry.split("=", 1)
        cards = {
            head: [scorecard(options.program, options.work, name, config, head, settings, seed, more) for seed in SEEDS]
            for head, settings in HEADS.items()
        }
        first = cards["dense"][0]["card"]
        print(f"\n**{name}**: {first['image_count']} images ({first['pass_image_count']} where passes are needed)\n")
        rows = []
        for title, head, way, model in ROWS:
            row = [title]
            for _, group, metric, formula, fill, k in COLUMNS:
                row.append(
                    shown([figure(c["card"], group, metric, formula, way, model, fill, k) for c in cards[head]]))
            rows.append(row)
        used = [i for i in range(len(COLUMNS)) if any(row[i + 1] != "-" for row in rows)]
        print(table([""] + [COLUMNS[i][0] for i in used], [[row[0]] + [row[i + 1] for i in used] for row in rows]))
        rows = []
        for head in HEADS:
            top1 = shown([100 * c["accuracy"]["head"]["top1"] for c in cards[head]])
            row = [{"dense": "InfoDisent", "sparse": "10 channels a class", "posthoc": "EPIC mode"}[head], top1]
            for title, group, metric, formula in HEAD_COLUMNS:
                k = 3 if metric == "accuracy-of-channels" else None
                row.append(shown([figure(c["card"], group, metric, formula, "head", k=k) for c in cards[head]]))
            rows.append(row)
        row = ["the network's own channels", "-"]
        for title, group, metric, formula in HEAD_COLUMNS:
            k = 3 if metric == "accuracy-of-channels" else None
            row.append(shown([figure(c["card"], group, metric, formula, "backbone", k=k) for c in cards["dense"]]))
        rows.append(row)
        used = [i for i in range(len(rows[0])) if i == 0 or any(row[i] != "-" for row in rows)]
        titles = [""] + ["top-1"] + [column[0] for column in HEAD_COLUMNS]
        print("\n" + table([titles[i] for i in used], [[row[i] for i in used] for row in rows]))


if __name__ == "__main__":
    main()
