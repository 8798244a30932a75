"""The wheel works outside the checkout, without torch: catalogs, app, settings and font are inside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.factories import example_plan

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.package

NO_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "peft", "accelerate", "bitsandbytes"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

sys.meta_path.insert(0, Absent())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An empty working directory and an environment in which only the wheel's copy can be imported."""
    site = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)], check=True
    )
    (site / "sitecustomize.py").write_text(NO_TORCH)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    home = tmp_path_factory.mktemp("home")
    environment = os.environ | {
        "PYTHONPATH": str(site),
        "HOME": str(home),
        "PATH": f"{site / 'bin'}:{os.environ['PATH']}",
    }
    return elsewhere, environment


def test_the_wheel_holds_no_tests_and_stays_small(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/"))]
    assert wheel.stat().st_size < 6_000_000


def test_the_code_comes_from_the_wheel(installed: tuple[Path, dict[str, str]]) -> None:
    elsewhere, environment = installed
    done = subprocess.run(
        [sys.executable, "-c", "import planner; print(planner.__file__)"],
        cwd=elsewhere, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(environment["PYTHONPATH"])


def test_catalogs_and_font_are_inside(installed: tuple[Path, dict[str, str]]) -> None:
    from planner.cost.plan import encode_plan

    elsewhere, environment = installed
    (elsewhere / "plan.json").write_bytes(encode_plan(example_plan()))
    for command in (["plateau", "prices", "L4"], ["plateau", "report", "plan.json", "-o", "board.pdf"]):
        done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert (elsewhere / "board.pdf").read_bytes().startswith(b"%PDF")


def test_the_dashboard_runs_outside_the_checkout_without_torch(installed: tuple[Path, dict[str, str]]) -> None:
    elsewhere, environment = installed
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["plateau", "dashboard", "--port", str(port)], cwd=elsewhere, env=environment, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                health = urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2)
                break
            except (urllib.error.URLError, ConnectionError):
                assert server.poll() is None, server.stderr.read()
                assert time.monotonic() < deadline, "the dashboard did not start within a minute"
                time.sleep(0.3)
        assert health.read() == b"ok"
    finally:
        server.terminate()
        server.wait(timeout=20)
