"""`plateau prices update`: through gpuhunt where it is installed and the network is there, else a sentence and 4."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from planner.catalog import read_catalog, with_own_files
from planner.cli import price_update
from tests.cli.conftest import Plateau


@dataclass
class Offer:
    """What gpuhunt returns, as far as it is read (gpuhunt 0.1.34, `CatalogItem`)."""

    provider: str
    instance_name: str
    location: str
    price: float
    gpu_count: int
    gpu_name: str | None
    gpu_memory: float | None
    spot: bool


OFFERS = [
    Offer("aws", "g6.xlarge", "us-east-1", 0.80, 1, "L4", 24, False),
    Offer("aws", "g6.12xlarge", "us-east-1", 4.00, 4, "L4", 24, True),
    Offer("gcp", "a2-ultragpu-2g", "europe-west4-a", 10.0, 2, "A100", 80, False),
    Offer("nebius", "gpu-h100", "eu-north1", 2.0, 1, "H100", 80, False),
    Offer("runpod", "odd", "x", 0.0, 1, "L4", 24, False),
    Offer("runpod", "odd", "x", 1.0, 0, None, None, False),
    Offer("aws", "g6.xlarge", "us-east-1", 0.90, 1, "L4", 24, False),
]


def fake_gpuhunt(monkeypatch: pytest.MonkeyPatch, problem: Exception | None = None) -> None:
    class Catalog:
        def __init__(self, **_: Any) -> None: ...

        def load(self) -> None:
            if problem is not None:
                raise problem

        def query(self, **_: Any) -> list[Offer]:
            return OFFERS

    module = ModuleType("gpuhunt")
    module.Catalog = Catalog  # type: ignore[attr-defined]
    module.GPUHuntError = type("GPUHuntError", (Exception,), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gpuhunt", module)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.1.34")


def test_without_gpuhunt_it_says_what_to_install_and_ends_with_4(
    plateau: Plateau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gpuhunt", None)
    done = plateau("prices", "update")
    assert done.code == 4
    assert "pip install 'plateau-planner[prices]'" in done.err
    assert not Path("prices.csv").exists()


@pytest.mark.parametrize("problem", [OSError("no route"), TimeoutError()])
def test_without_the_network_it_says_so_and_ends_with_4(
    plateau: Plateau, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    fake_gpuhunt(monkeypatch, problem)
    done = plateau("prices", "update")
    assert done.code == 4
    assert "needs the network" in done.err
    assert not Path("prices.csv").exists()


def test_offers_become_a_price_file_that_a_plan_reads(plateau: Plateau, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_gpuhunt(monkeypatch)
    done = plateau("prices", "update", "--out", "lists/today.csv", "--json")
    assert done.code == 0, done.err
    assert done.result == {"prices": 3, "gpus": 2, "file": "lists/today.csv"}
    catalog = with_own_files(read_catalog(), [Path("lists/today.csv")])
    found = {(row.gpu, row.tenure, row.provider): row for row in catalog.own}
    assert set(found) == {("L4", "on_demand", "AWS"), ("L4", "spot", "AWS"), ("A100-80GB-SXM", "on_demand", "GCP")}
    assert found["L4", "on_demand", "AWS"].price_per_gpu_hour == 0.80  # the cheaper of two of the same name
    assert found["L4", "spot", "AWS"].price_per_gpu_hour == 1.0
    assert "gpuhunt 0.1.34" in found["L4", "spot", "AWS"].source


def test_a_card_whose_form_factor_is_not_certain_is_left_out() -> None:
    catalog = read_catalog()
    assert catalog.listed_gpu("H100", 80, "gpu-h100") is None
    assert catalog.listed_gpu("H100", 80, "p5.48xlarge") == "H100-SXM"
    assert catalog.listed_gpu("A100", 40, "a2-highgpu-1g") == "A100-40GB-SXM"


def test_gpuhunt_is_not_imported_otherwise(plateau: Plateau) -> None:
    assert plateau("prices", "L4").code == 0
    assert "gpuhunt" not in sys.modules
    assert price_update.COLUMNS[0] == "gpu"
