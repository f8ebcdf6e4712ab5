"""The `guard` section: how much an hour may remove and embed again unasked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kbsync.config.types import WHOLE, Section

Count = Annotated[int, Field(ge=0), WHOLE]
Share = Annotated[float, Field(gt=0, le=1)]


class RemovalLimits(Section):
    """How many removals pass: more than max(least, min(share, most)) halt."""

    least: Count = Field(default=10, description="So many always pass.")
    share: Share = Field(default=0.3, description="Share of the mirror's documents that passes.")
    most: Count = Field(default=500, description="Never more than this by share.")


class ReembeddingLimits(Section):
    """How many uploads caused by drift or settings pass: more than max(least, share) halt."""

    least: Count = Field(default=50, description="So many always pass.")
    share: Share = Field(default=0.1, description="Share of the mirror's documents that passes.")


class GuardConfig(Section):
    """Limits over a rolling hour beyond which a plan halts until it is released."""

    removals: RemovalLimits = Field(
        default_factory=RemovalLimits, description="Deletions, and documents found missing."
    )
    reembeddings: ReembeddingLimits = Field(
        default_factory=ReembeddingLimits, description="Uploads of files that did not change."
    )
