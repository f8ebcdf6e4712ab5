"""A cluster whose workers are killed and stopped, and one of whose servers is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import Cluster

from .fleet import under_everything
from .one_away import one_away

pytestmark = pytest.mark.timeout(400)


@pytest.mark.seconds(50)
def test_a_cluster_under_everything_at_once_is_exact(tmp_path: Path, cluster: Cluster) -> None:
    own = Cluster(cluster.binaries)  # it is restarted meanwhile
    try:
        seen = under_everything(tmp_path, own, seconds=14, every=4, stopped=4)
    finally:
        own.remove()
    assert not seen.wrong, "\n".join([*seen.lines(), *seen.wrong])
    assert seen.kills >= 2


@pytest.mark.once_a_change
@pytest.mark.seconds(45)
def test_a_server_that_is_away_holds_no_other_one_up(tmp_path: Path, cluster: Cluster) -> None:
    seen = one_away(tmp_path, cluster, seconds=5)
    assert not seen.wrong, "\n".join([*seen.lines(), *seen.wrong])
