"""Every version of the server, from the page's fourteen calls on, mirrored by the command."""

import sys
from pathlib import Path

# Commands are typed as the stories of tests/e2e type them; pytest has that folder on its path.
sys.path.append(str(Path(__file__).parents[1] / "e2e"))
