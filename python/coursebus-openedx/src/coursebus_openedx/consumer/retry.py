"""How long to wait before the next try. Pure."""

import random
from collections.abc import Iterator

_FIRST_SECONDS = 0.1


def delays(longest: float, chance: random.Random) -> Iterator[float]:
    """Waits that double up to `longest`, each drawn between nothing and that ("full jitter"), so that consumers that
    failed together do not come back together.
    """  # noqa: D205
    ceiling = _FIRST_SECONDS
    while True:
        yield chance.uniform(0, min(ceiling, longest))
        ceiling = min(ceiling * 2, longest)
