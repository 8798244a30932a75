"""`python -m benchmarks NAME [--quick] [--json]`: every module of this package that has `measure(quick)` is a NAME."""

from __future__ import annotations

import importlib
import pkgutil

import click
import msgspec

import benchmarks

NAMES = sorted(
    module.name
    for module in pkgutil.iter_modules(benchmarks.__path__)
    if module.name not in {"__main__", "adapters", "figure"} and not module.name.startswith("_")
)


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--quick", is_flag=True, help="A reduced form that ends within a minute.")
@click.option("--json", "as_json", is_flag=True, help="A list of {name, value, unit, reach, met} on stdout.")
def main(name: str, quick: bool, as_json: bool) -> None:
    """Print one table of figures."""
    figures = importlib.import_module(f"benchmarks.{name}").measure(quick)
    if as_json:
        click.echo(msgspec.json.encode(figures).decode())
        return
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        reach = "" if figure.reach is None else f"  {figure.reach:>12}  {'met' if figure.met else 'NOT MET'}"
        click.echo(f"{figure.name:<{width}}  {figure.value:>12.5g} {figure.unit}{reach}")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
