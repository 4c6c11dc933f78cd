"""Constants of consolidation, each with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationParams:
    """Constants; docs/consolidation.md says how they were chosen."""

    semantic_weight: float = 0.9
    """β of the affinity, in [0, 1]: the share of the cosine; the rest is nearness in time."""
    decay_per_day: float = 0.1
    """λ of the affinity, per day."""
    entity_weight: float = 0.1
    """ε of the affinity, in [0, 1]: the share of names in common."""
    merge_cosine: float = 0.35
    """Cosine from which memories whose claims are the same are merged."""
    detail_cosine: float = 0.8
    """Cosine from which one of them may have words that the other lacks, without a name or number in common."""
    unknown_cosine: float = 0.7
    """Cosine from which memories that are filled the same are merged though one of their relations is unknown."""
    wording_cosine: float = 0.9
    """Cosine from which memories that could not be read, of the same words, are merged."""
    contained: float = 0.8
    """Share of one memory's words that the other has from which they are merged though one is long."""
    frame_same: float = 0.6
    """Cosine of frames from which claims of equal filling say the same."""
    frame_happened: float = 0.7
    """As `frame_same`, for what happened."""
    frame_alike: float = 0.7
    """As `frame_same`, for claims of one bearer whatever their relations."""
    frame_alike_then: float = 0.8
    """As `frame_alike`, where one tells what happened and the other what holds."""
    frame_corrected: float = 0.55
    """Cosine of frames from which a correction, or what says whose place it takes, replaces another filling."""
    frame_changed: float = 0.6
    """Cosine of frames from which what says that it is new replaces another filling."""
    frame_word: float = 0.7
    """Cosine of frames from which a common word replaces another, where nothing says whose place it takes."""
    frame_same_place: float = 0.7
    """Cosine of frames from which a filling of a place for one value replaces another."""
    frame_attribute: float = 0.75
    """Cosine of frames from which a value of one attribute replaces that of another: "my boss", "my manager"."""
    frame_presupposed: float = 0.4
    """Cosine of frames from which what says that it replaces something may mean a filling of the same kind."""
    frame_goes_along: float = 0.4
    """Cosine of frames from which a claim of the same name or number ends with the one that ended."""
    frame_replaced: float = 0.5
    """Cosine of its frame and that of what is told in a value's place from which a claim of that value ends too."""
    frame_end: float = 0.35
    """Cosine of frames from which an end is of a claim of the same word."""
    frame_end_named: float = 0.2
    """Cosine of frames from which an end is of a claim of the same name."""
    word_kind: float = 0.25
    """Cosine from which two words may fill one place."""
    name_kind: float = 0.4
    """Cosine from which two names are taken to be of one kind: "Hindi" and "Italian", not "Hindi" and "Pavel"."""
    doubt_cosine: float = 0.5
    """Cosine from which two memories that the rules leave undecided are shown to a language model."""
    doubts: int = 48
    """Most pairs that a language model is asked about in one call."""
    episode_size: int = 4
    """Fewest memories of an episode."""
    cluster_epsilon: float = 0.0
    """Distance below which clusters are not split further."""
    theme_size: int = 3
    """Fewest episodes of a theme."""
    abstract_share: float = 0.6
    """Most tokens of an abstract, as a share of its children's."""
    written_tokens: int = 400
    """Most tokens of an abstract that a writer words, whatever its children's."""
    centrality: float = 0.7
    """Share of nearness to the centre in MMR, in [0, 1]; the rest is distance from what was chosen."""
    cluster_block: int = 512
    """Most memories that are clustered together, a run of event time; distances are kept for every pair of them."""
    salience_half_life_days: float = 180.0
    """Days in which unused salience falls to a half."""
    least_salience: float = 0.1
    """Salience that decay starts from where a memory has less."""
    salience_floor: float = 0.02
    """Salience below which a memory is retired."""
    used_often: int = 3
    """Uses from which a memory is never retired."""
