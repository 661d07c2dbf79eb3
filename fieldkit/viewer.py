"""Who shows the notebook?  The page of the book is dark or light as its reader likes, and typesets TeX inside HTML; a
JupyterLab may be dark around figures that it does not turn over; Colab typesets TeX in Markdown only.
"""

from __future__ import annotations

import os
import sys

BUILD = "FIELDKIT_PAGE"  # the build sets it to 1 for the chapters that it runs


def is_page() -> bool:
    """True while the book's own build runs the notebook: its style sheet turns figures over in the dark."""
    return os.environ.get(BUILD) == "1"


def is_colab() -> bool:
    """True on Colab."""
    return "google.colab" in sys.modules
