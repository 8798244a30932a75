"""Where the files that ship with Plateau lie: beside the packages in a checkout, inside `planner` in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE / "packaged" if (_PACKAGE / "packaged").is_dir() else _PACKAGE.parent


def data_directory() -> Path:
    """`data/`: catalogs, the example calibration, the sample images."""
    return _ROOT / "data"


def app_file() -> Path:
    """`streamlit_app.py`."""
    return _ROOT / "streamlit_app.py"


def settings_file() -> Path:
    """`.streamlit/config.toml`."""
    return _ROOT / ".streamlit" / "config.toml"
