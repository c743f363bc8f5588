"""The tables of an experiment file and the types of their values; what is not named here is refused."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Table = dict[str, Any]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class RecordEntry(_Strict):
    """A port to record, decimated."""

    port: str
    every_ms: float
    average: bool = True


class RunTable(_Strict):
    """``[run]``: how long, in what steps, and what to keep."""

    duration_ms: Annotated[float, msgspec.Meta(gt=0)]
    tick_ms: float = 0.1
    seed: int = 0
    record: list[str | RecordEntry] = []
    window_ms: float | None = None
    timeout_s: float = 600.0
    placement: dict[str, int] = {}
    on_drift: str = "warn"  # or "error", or "ignore"


class ConnectomeTable(_Strict):
    """``[connectome]``: a name (``tvb76``) or a path; ``normalise`` is ``"none"``, ``"max"`` or ``"in_strength"``."""

    source: str
    normalise: str = "none"
    speed_m_s: float = 3.0


class ComponentTable(_Strict):
    """``[components.NAME]``: one of ``circuit`` (a build function), ``model`` (of a mass network) or ``kind`` (any component)."""

    circuit: str | None = None
    model: str | None = None
    kind: str | None = None
    parameters: Table = {}  # of the build function, of the model, or of the component
    dt_ms: float | None = None  # of circuit and mass network
    region: str | None = None  # of a circuit, as is the next
    engine: str | None = None
    regions: list[str] | str | None = None  # of a mass network, as are all that follow: labels, or "rest" (the default)
    coupling: Table | None = None
    noise: Table | None = None
    initial: Table | None = None
    integrator: str | None = None
    coupling_in_step: str | None = None
    delays: str | None = None
    threads: int | None = None


class ConnectionTable(_Strict, rename={"source": "from", "target": "to"}):
    """``[connections.NAME]``; ``"connectome"`` takes weights or delays from the tracts, ``scale`` multiplies weights."""

    source: str
    target: str
    weight: float | list[list[float]] | str | None = None
    scale: float = 1.0
    delay_ms: float | list[list[float]] | str = "connectome"
    adapter: str | Table | None = None


class Document(_Strict):
    """A whole experiment file."""

    run: RunTable
    components: dict[str, ComponentTable]
    connections: dict[str, ConnectionTable] = {}
    connectome: ConnectomeTable | None = None
