"""How the certified values of `test_solve.py` were made: Newton's method on the normal equations in 60 digits.

Run `python -m tests.law.certify` to print them again; only the standard library is used.
"""

from __future__ import annotations

from decimal import Decimal, getcontext

getcontext().prec = 60

SETS = {
    "eight budgets": (
        (256, 512, 1024, 2048, 4096, 8192, 16384, 32768),
        ("3.1042", "2.7361", "2.4580", "2.2619", "2.1174", "2.0121", "1.9358", "1.8790"),
        "0.45",
    ),
    "three passes, large offset": (
        (10, 30, 100, 300, 1000, 3000),
        ("1003.512", "1002.471", "1001.798", "1001.421", "1001.203", "1001.088"),
        "0.5",
    ),
}


def certify(t: tuple[int, ...], y: tuple[str, ...], start: str) -> dict[str, Decimal]:
    """Least-squares a, b, c of a * t**(-b) + c and their standard errors."""
    log_t = [Decimal(x).ln() for x in t]
    loss = [Decimal(v) for v in y]
    n = len(loss)

    def linear(b: Decimal) -> tuple[Decimal, Decimal, list[Decimal]]:
        phi = [(-b * u).exp() for u in log_t]
        mean_phi, mean_y = sum(phi) / n, sum(loss) / n
        a = sum((p - mean_phi) * (v - mean_y) for p, v in zip(phi, loss, strict=True)) / sum(
            (p - mean_phi) ** 2 for p in phi
        )
        return a, mean_y - a * mean_phi, phi

    def gradient(b: Decimal) -> Decimal:
        a, c, phi = linear(b)
        return sum((v - a * p - c) * a * u * p for v, p, u in zip(loss, phi, log_t, strict=True))

    b, step = Decimal(start), Decimal(10) ** -25
    for _ in range(60):
        slope = (gradient(b + step) - gradient(b - step)) / (2 * step)
        change = gradient(b) / slope
        b -= change
        if abs(change) < Decimal(10) ** -40:
            break
    a, c, phi = linear(b)
    residual = sum((v - a * p - c) ** 2 for v, p in zip(loss, phi, strict=True))
    jacobian = [[p, -a * u * p, Decimal(1)] for p, u in zip(phi, log_t, strict=True)]
    normal = [[sum(row[i] * row[j] for row in jacobian) for j in range(3)] for i in range(3)]
    inverse = _inverse(normal)
    errors = [(residual / (n - 3) * inverse[i][i]).sqrt() for i in range(3)]
    return dict(zip(("a", "b", "c", "se_a", "se_b", "se_c"), (a, b, c, *errors), strict=True))


def _inverse(matrix: list[list[Decimal]]) -> list[list[Decimal]]:
    size = len(matrix)
    rows = [[*row, *(Decimal(int(i == j)) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(size):
            if j != i:
                rows[j] = [x - rows[j][i] * z for x, z in zip(rows[j], rows[i], strict=True)]
    return [row[size:] for row in rows]


if __name__ == "__main__":
    for name, (t, y, start) in SETS.items():
        print(name, {key: f"{value:.20g}" for key, value in certify(t, y, start).items()})
