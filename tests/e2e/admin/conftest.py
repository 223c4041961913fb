# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from operator_kit import Operator  # noqa: E402


@pytest.fixture
def operator(town):
    """With the administrator's token of this machine."""
    return Operator(town.gateway)


@pytest.fixture(scope="module")
def shared_operator(shared_town):
    return Operator(shared_town.gateway)
