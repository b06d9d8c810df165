"""A few days of a small campaign with all there is: two processes, kills, a platform that fails, people.

The whole of it, four weeks and 36,000 households, is ``python -m tests.simulation``.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.simulation.run import Plan, simulate


@pytest.mark.skipif(
    not os.environ.get("HOIDAN_TEST_SIMULATION"), reason="a minute and more: HOIDAN_TEST_SIMULATION=1 runs it"
)
def test_a_campaign_under_kills_and_faults_loses_doubles_and_mistimes_nothing(
    postgres_url: str, tmp_path: Path
) -> None:
    plan = Plan(households=30, days=5, kill_every=20.0, fault_every=40.0, stride_minutes=240)
    result = asyncio.run(simulate(plan, tmp_path, postgres_url))
    assert {name: found for name, found in result.findings.items() if found} == {}
    assert result.kills
    assert result.violations == 0
    assert result.audit.arrived + len(result.unknown) >= sum(home.kind.phones > 0 for home in result.homes)
    assert any(home.done for home in result.homes)
