"""The settings that keep the dashboard inside the hospital, and quick when many use it."""

from __future__ import annotations

import tomllib

from planner.resources import settings_file

EXPECTED = {
    "server": {
        "address": "127.0.0.1",
        "allowedHosts": ["localhost", "127.0.0.1"],
        "maxUploadSize": 5,
        "maxMessageSize": 50,
        "enableXsrfProtection": True,
        "enableCORS": True,
        "enableStaticServing": False,
        "fileWatcherType": "none",
        "headless": True,
    },
    "client": {"showErrorDetails": "none", "showErrorLinks": False, "toolbarMode": "viewer", "allowedOrigins": []},
    "runner": {"postScriptGC": False},
    "browser": {"gatherUsageStats": False},
}


def test_every_setting_that_keeps_the_dashboard_inside_and_quick_is_set() -> None:
    settings = tomllib.loads(settings_file().read_text("utf-8"))
    for section, values in EXPECTED.items():
        assert {name: settings[section].get(name) for name in values} == values
