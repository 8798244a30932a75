"""Errors of the disk under one name, whoever writes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def system_errors() -> Iterator[None]:
    """Turn the errors of safetensors and tokenizers ("... (os error 28)"), which are no OSError, into one.

    Raises:
        OSError: What the system said.
    """
    try:
        yield
    except Exception as problem:  # tokenizers raises bare ones
        found = re.search(r"\(os error (\d+)\)", str(problem))
        if isinstance(problem, OSError) or found is None:
            raise
        number = int(found.group(1))
        raise OSError(number, os.strerror(number)) from None
