"""Where is this shown?  On a page of the book nobody can ask a kernel; on Colab no style sheet of ours is read."""

from __future__ import annotations

import os
import sys

PAGE = "FIELDKIT_PAGE"  # set for the kernels that run the chapters for the site


def on_the_page() -> bool:
    """Whether the outputs of this kernel become a page that is read without one."""
    return bool(os.environ.get(PAGE))


def on_colab() -> bool:
    """Whether this kernel answers Colab."""
    return "google.colab" in sys.modules
