"""Real crashes: commands as processes, a server over TCP, a proxy that misbehaves, `kill -9`."""

import sys
from pathlib import Path

# Commands are typed as the stories of tests/e2e type them; pytest has that folder on its path.
sys.path.append(str(Path(__file__).parents[1] / "e2e"))
