"""The tables of an experiment file and the types of their values; what is not named here is refused."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

Table = dict[str, Any]

# a type, and how it is said in a message: "give ..."
Text = Annotated[str, Meta(description="a text in quotes")]
Number = Annotated[float, Meta(description="a number")]
Positive = Annotated[float, Meta(gt=0, description="a number above 0")]
Whole = Annotated[int, Meta(description="a whole number")]
Reference = Annotated[str, Meta(description="'module:name', or the bare name of one of ours, as a text in quotes")]
ReferenceOrTable = Annotated[
    str | Table, Meta(description="'module:Class' as a text in quotes, or a table { kind = 'module:Class', ... }")
]
Options = Annotated[Table, Meta(description="a table { name = value, ... }")]
PortName = Annotated[str, Meta(description="a port 'component.port' as a text in quotes")]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class RecordEntry(_Strict):
    """A port to record, decimated."""

    port: PortName
    every_ms: Positive
    average: Annotated[bool, Meta(description="true or false")] = True


class RunTable(_Strict):
    """``[run]``: how long, in what steps, and what to keep."""

    duration_ms: Positive
    tick_ms: Positive = 0.1
    seed: Whole = 0
    record: Annotated[
        list[str | RecordEntry],
        Meta(
            description="a list of ports ['component.port', ...] or of tables { port = 'component.port', every_ms = ... }"
        ),
    ] = []
    window_ms: Positive | None = None
    timeout_s: Positive = 600.0
    placement: Annotated[dict[str, int], Meta(description="a table { component = rank, ... } of whole numbers")] = {}
    on_drift: Text = "warn"  # or "error", or "ignore"


class ConnectomeTable(_Strict):
    """``[connectome]``: a name (``tvb76``) or a path; ``normalise`` is ``"none"``, ``"max"`` or ``"in_strength"``."""

    source: Text
    normalise: Text = "none"
    speed_m_s: Positive = 3.0
    self_connections: Text = "drop"  # as for Connectome.load, as is the next
    zero_lengths: Text | None = None


class ComponentTable(_Strict):
    """``[components.NAME]``: one of ``circuit`` (a build function), ``model`` (of a mass network) or ``kind`` (any component)."""

    circuit: Reference | None = None
    model: Reference | None = None
    kind: Reference | None = None
    parameters: Options = {}  # of the build function, of the model, or of the component
    dt_ms: Positive | None = None  # of circuit and mass network
    region: Text | None = None  # of a circuit, as is the next
    engine: Text | None = None
    constants: Text | None = None
    regions: Annotated[list[str] | str | None, Meta(description="a list of labels, or 'rest'")] = (
        None  # of a mass network, as are all that follow
    )
    coupling: Annotated[
        ReferenceOrTable | None, Meta(description="a table { kind = 'Difference', strength = ... }")
    ] = None
    noise: Annotated[Table | None, Meta(description="a table { sigma = ... }")] = None
    initial: Annotated[Table | None, Meta(description="a table { variable = value, ... }")] = None
    integrator: Text | None = None
    coupling_in_step: Text | None = None
    delays: Text | None = None
    threads: Whole | None = None


class ConnectionTable(_Strict, rename={"source": "from", "target": "to"}):
    """``[connections.NAME]``; ``"connectome"`` takes weights or delays from the tracts, ``scale`` multiplies weights."""

    source: PortName
    target: PortName
    weight: Annotated[
        float | list[list[float]] | str | None,
        Meta(description="a number, rows of numbers [[...], ...] (a row is a target), or 'connectome'"),
    ] = None
    scale: Number = 1.0
    delay_ms: Annotated[
        float | list[list[float]] | str,
        Meta(description="a number, rows of numbers [[...], ...] (a row is a target), or 'connectome'"),
    ] = "connectome"
    adapter: ReferenceOrTable | None = None


class Document(_Strict):
    """A whole experiment file."""

    run: RunTable
    components: dict[str, ComponentTable]
    connections: dict[str, ConnectionTable] = {}
    connectome: ConnectomeTable | None = None


SINGLE: dict[str, type[msgspec.Struct]] = {"run": RunTable, "connectome": ConnectomeTable}
GROUPS: dict[str, type[msgspec.Struct]] = {"components": ComponentTable, "connections": ConnectionTable}
