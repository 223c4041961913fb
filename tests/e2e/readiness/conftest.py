# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "admin"))
from operator_kit import Operator  # noqa: E402


@pytest.fixture
def operator(town):
    return Operator(town.gateway)
