# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "admin"))
from operator_kit import Operator  # noqa: E402


@pytest.fixture
def operator(town):
    """With the administrator's token of this machine."""
    return Operator(town.gateway)
