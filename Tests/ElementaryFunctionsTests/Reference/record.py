#!/usr/bin/env python3
"""Records values of the elementary functions to more than twice double precision, with mpmath (1.3.0 was used).

Usage: record.py > ../Fixtures/values.json
Each function has a list of [arguments..., result rounded to a double, what the rounding left out].
"""
import json
import math
import random

import mpmath
import numpy

mpmath.mp.prec = 2400  # enough for any angle below 2^20 and any exponent
random.seed(2409)


def signed(x):
    return x if random.random() < 0.5 else -x


def around(x):
    """x and its neighbours."""
    return [x, math.nextafter(x, math.inf), math.nextafter(x, -math.inf)]


def recorded(function, points):
    rows = []
    for arguments in points:
        exact = function(*(mpmath.mpf(x) for x in arguments))
        high = float(exact)
        rows.append([*arguments, high, float(exact - mpmath.mpf(high))])
    return rows


exponents = [random.uniform(-708, 709.7) for _ in range(150)]
exponents += [random.uniform(-1, 1) for _ in range(150)]
exponents += [signed(2.0 ** -k) for k in range(0, 60, 3)]
exponents += [y for n in range(-1000, 1000, 117) for y in around(float(n * mpmath.log(2)))]
exponents += [y for n in range(-1000, 1000, 131) for y in around(float((n + 0.5) * mpmath.log(2)))]
subnormal_exponents = [random.uniform(-744, -708.5) for _ in range(40)]

positive = [2.0 ** random.uniform(-1022, 1023) for _ in range(150)]
positive += [random.uniform(0.4, 2.5) for _ in range(200)]
positive += [1 + signed(2.0 ** -k) for k in range(1, 53, 2)]
positive += [math.ldexp(random.uniform(1, 2), -1060) for _ in range(10)] + [5e-324]
positive += around(math.sqrt(0.5)) + around(math.sqrt(2)) + [2.0 ** k for k in range(-1074, 1024, 97)]

powers = [(b, float(n)) for b in (0.9, 0.99, 0.999, 0.9999) for n in (1, 2, 3, 7, 20, 100, 1000, 5000)]
powers += [(random.uniform(1.01, 1.5), float(random.randrange(1, 40))) for _ in range(60)]
powers += [(0.1, random.uniform(0, 1)) for _ in range(40)] + [(0.01, random.uniform(0, 1)) for _ in range(40)]
while len(powers) < 400:
    base, exponent = 2.0 ** random.uniform(-300, 300), signed(2.0 ** random.uniform(-40, 12))
    if abs(exponent * math.log2(base)) < 1020:
        powers.append((base, exponent))

angles = [random.uniform(-10, 10) for _ in range(200)] + [random.uniform(-1, 1) * 2.0 ** 20 for _ in range(100)]
angles += [signed(2.0 ** -k) for k in range(0, 40, 3)]
angles += [y for n in range(-40, 41, 3) for y in around(float(n * mpmath.pi / 2))]
angles += [y for n in range(-40, 41, 3) for y in around(float((n + 0.5) * mpmath.pi / 2))]
angles += [float(n * mpmath.pi / 2) for n in (1000, 54321, 667544)]
angles = [x for x in angles if x != 0]

single_angles = [float(numpy.float32(x)) for x in angles[:400]]
values = {
    "exponential": recorded(mpmath.exp, [(x,) for x in exponents]),
    "subnormalExponential": recorded(mpmath.exp, [(x,) for x in subnormal_exponents]),
    "logarithm": recorded(mpmath.log, [(x,) for x in positive if x != 1]),
    "binaryLogarithm": recorded(lambda x: mpmath.log(x) / mpmath.log(2), [(x,) for x in positive if x != 1]),
    "power": recorded(mpmath.power, powers),
    "sine": recorded(mpmath.sin, [(x,) for x in angles]),
    "cosine": recorded(mpmath.cos, [(x,) for x in angles]),
    "tangent": recorded(mpmath.tan, [(x,) for x in angles]),
    "singleSine": recorded(mpmath.sin, [(x,) for x in single_angles]),
    "singleCosine": recorded(mpmath.cos, [(x,) for x in single_angles]),
}
print("{")
print(",\n".join(f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]" for name, rows in values.items()))
print("}")
