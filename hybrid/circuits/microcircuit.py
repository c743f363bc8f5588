"""A spiking network in Brian2 as a component."""

from __future__ import annotations

import inspect
import reprlib
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hybrid.circuits.circuit import Circuit
from hybrid.circuits.engine import check_state
from hybrid.clock import Clock, Window
from hybrid.component import Component, State
from hybrid.errors import ComponentError, ConfigurationError, unknown
from hybrid.ports import Port
from hybrid.signals import Signal, Spikes, States
from hybrid.units import number

if TYPE_CHECKING:
    from hybrid.circuits.building import Recipe
    from hybrid.circuits.engine import Engine
    from hybrid.circuits.layout import Layout

CONSTANTS = ("auto", "values", "literals")
ENGINES = ("auto", "compiled", "runtime")
SLOWER = 30  # measured on the network of benchmarks/circuits.py
UNSORTED_MATTERS = 1_000_000  # synapses, from where on their order costs more than it is worth mentioning


class Microcircuit(Component):
    """A Brian2 network that lives window by window, compiled to C++ where there is a compiler.

    Ports: every input that the build function names (Spikes for :class:`Afferents`, one line a fibre; Currents or States
    for an :class:`Injection`), and every output (Spikes of a group, or States of a :class:`Readout`).

    ``build(**parameters)`` is called once to learn the ports and once when the run is prepared; it only builds.
    Brian2's random numbers (``rand()``, ``connect(p=...)``, noise) and numpy's global ones inside ``build`` come from
    the run's seed and this name. Brian2's device, preferences, names and clock are afterwards as they were before.

    Parameters
    ----------
    name: of the component.
    build: function that returns a :class:`Circuit`.
    parameters: arguments for ``build``.
    dt_ms: the circuit's own step; the tick must be a whole multiple of it. Default: the tick. A spike in any step of
        a tick belongs to that tick; afferent spikes of a tick are delivered in its first step.
    engine: ``"compiled"`` (a C++ library), ``"runtime"`` (Brian2 with numpy, some 30 times slower), or ``"auto"``:
        compiled if there is a compiler, else runtime with a warning.
    constants: how the compiled engine treats the floating-point constants that equations name: as ``"values"`` of the library,
        so that other values need no compilation (a sweep compiles once), or as ``"literals"`` in the code, which is compiled for
        every value. The two may differ in the last bits, since the compiler folds literals. ``"auto"``: as values where its
        flags make sure that not a bit differs, as literals otherwise.
    region: label of the connectome's region that the circuit stands for.

    Raises ``ConfigurationError`` for a build function that fails, returns something else, leaves out of the network what it
    made, or names in its equations what does not exist; ``CompilerError`` if there is no compiler, or it refuses the code
    or does not finish; ``DivergedError`` when a variable of any group or synapse is not finite
    (:mod:`hybrid.circuits.watch` says when which is searched).
    """

    streams = ("random", "random/more")

    def __init__(
        self,
        name: str,
        build: Callable[..., Any],
        *,
        parameters: Mapping[str, Any] | None = None,
        dt_ms: Any = None,
        engine: Literal["auto", "compiled", "runtime"] = "auto",
        constants: Literal["auto", "values", "literals"] = "auto",
        region: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"Microcircuit: name = {name!r} is no text; give the component a name, as in 'V1'")
        if not isinstance(engine, str) or engine not in ENGINES:
            raise unknown(f"circuit {name}: engine", engine, ENGINES)
        if not isinstance(constants, str) or constants not in CONSTANTS:
            raise unknown(f"circuit {name}: constants", constants, CONSTANTS)
        if not isinstance(region, str | None):
            raise ConfigurationError(f"circuit {name}: region = {region!r} is no text; give the label of a region")
        if not isinstance(parameters, Mapping | None):
            raise ConfigurationError(f"circuit {name}: parameters = {parameters!r}; give a dictionary, name -> value")
        self.name = name
        self.build = build
        self.parameters = dict(parameters or {})
        _check_build(name, build, self.parameters)
        self.dt_ms = None if dt_ms is None else number(dt_ms, "ms", f"{name}: dt_ms", positive=True)
        self.engine = engine
        self.constants = constants
        self.region = region
        self.regions = () if region is None else (region,)
        self._ports: tuple[dict[str, Port], dict[str, Port]] | None = None
        self._engine: Engine | None = None
        self._without_compiler = False
        self._tick = 0
        self._taken: list[tuple[str, type[Signal]]] = []  # every input, those of spikes first
        self._spiking = 0  # how many of them take spikes
        self._spikes: list[tuple[str, int]] = []  # outputs that are wanted: their sizes
        self._readouts: list[tuple[str, int, float]] = []  # and scales

    @property
    def inputs(self) -> dict[str, Port]:  # type: ignore[override]
        return self._declared()[0]

    @property
    def outputs(self) -> dict[str, Port]:  # type: ignore[override]
        return self._declared()[1]

    def _recipe(self) -> Recipe:
        from hybrid.circuits.building import Recipe

        return Recipe(self.name, self.build, self.parameters)

    def _declared(self) -> tuple[dict[str, Port], dict[str, Port]]:
        """The ports, from a network that is built but neither compiled nor run."""
        if self._ports is None:
            from hybrid.circuits.building import declare

            dt_s = None if self.dt_ms is None else self.dt_ms * 1e-3
            self._ports = declare(self._recipe(), self._device(), dt_s).ports(self.name)
        return self._ports

    def _device(self) -> Any:
        if self._compiles():
            from hybrid.circuits.compiled.device import LibraryDevice

            return LibraryDevice()
        from hybrid.circuits.runtime import SteppedDevice

        return SteppedDevice()

    def _compiles(self) -> bool:
        """Whether the compiled engine is to be used, as far as is known before it is tried."""
        if self.engine == "auto" and not self._without_compiler:
            from hybrid.circuits.compiled.compiler import NoCompilerError, find_compiler

            try:
                find_compiler()
            except NoCompilerError as error:
                self._do_without_compiler(error)
        return self.engine == "compiled" or (self.engine == "auto" and not self._without_compiler)

    def _do_without_compiler(self, error: Exception) -> None:
        self._without_compiler = True
        warnings.warn(
            f"circuit {self.name} runs in Brian2's numpy mode, some {SLOWER} times slower than compiled: {error}",
            RuntimeWarning,
            stacklevel=2,
        )

    def prepare(self, clock: Clock, rng: np.random.Generator) -> None:
        self.close()
        dt_ms = clock.tick_ms if self.dt_ms is None else self.dt_ms
        steps_per_tick = clock.steps_per_tick(dt_ms, f"circuit {self.name}")
        self._engine = self._brought_to_life(dt_ms * 1e-3, steps_per_tick, seed=int(rng.integers(2**32)))
        self._tick = 0
        self._taken = _kinds(self._engine.layout)
        self._spiking = len(self._engine.layout.inputs)
        self.want(self._engine.layout.outputs)
        if self._engine.layout.ports(self.name) != self._declared():
            self.close()
            raise ConfigurationError(
                f"circuit {self.name}: its build function gave other ports the second time; they must depend on its "
                f"parameters only, not on the time step or on random numbers"
            )
        self._check_order_of_synapses(self._engine)

    def _brought_to_life(self, dt_s: float, steps_per_tick: int, seed: int) -> Engine:
        if self._compiles():
            from hybrid.circuits.compiled.compiler import NoCompilerError
            from hybrid.circuits.compiled.engine import CompiledEngine

            try:
                return CompiledEngine(self._recipe(), dt_s, steps_per_tick, seed, self.constants)
            except NoCompilerError as error:
                if self.engine == "compiled":
                    raise
                self._do_without_compiler(error)
        from hybrid.circuits.runtime import RuntimeEngine

        return RuntimeEngine(self._recipe(), dt_s, steps_per_tick, seed)

    def _check_order_of_synapses(self, engine: Engine) -> None:
        for synapses in engine.layout.synapses:
            sources = engine.read(f"{synapses}._synaptic_pre")
            if sources.size >= UNSORTED_MATTERS and (np.diff(sources) < 0).any():
                warnings.warn(
                    f"circuit {self.name}: the {sources.size} synapses of {synapses} are not in the order of their "
                    f"sources, which makes them several times slower; sort the arrays given to connect(i=, j=) by i",
                    RuntimeWarning,
                    stacklevel=3,
                )

    def _living(self) -> Engine:
        if self._engine is None:
            raise ComponentError(f"circuit {self.name} is not alive; call prepare() first")
        return self._engine

    def advance(self, window: Window, inputs: Mapping[str, Signal]) -> dict[str, Signal]:
        engine = self._living()
        if window.start != self._tick:
            raise ComponentError(f"circuit {self.name} is at tick {self._tick}, but was asked for window {window}")
        given: list[Any] = []
        for port, kind in self._taken:
            signal = inputs[port]
            if not isinstance(signal, kind) or (signal.window is not window and signal.window != window):
                raise ComponentError(
                    f"{self.name}.{port} was given {signal!r} for window {window}; it takes {kind.__name__} over the window"
                )
            given.append(signal)
        ticks, spiking = window.stop - window.start, self._spiking
        emission = engine.advance(ticks, given[:spiking], [each.values for each in given[spiking:]])
        self._tick = window.stop
        outputs: dict[str, Signal] = {}
        for (port, size), (at, ids, counts) in zip(self._spikes, emission.spikes, strict=True):
            outputs[port] = Spikes.of(window, size, at, ids, counts)
        for (port, size, scale), values in zip(self._readouts, emission.readouts, strict=True):
            outputs[port] = States.of(window, size, values.reshape(ticks, size) / scale)
        return outputs

    def want(self, outputs: Collection[str]) -> None:
        """From now on return these outputs only; the others are not even collected. After :meth:`prepare` it is all of them."""
        engine = self._living()
        engine.want(outputs)
        layout = engine.layout
        self._spikes = [(port, each.size) for port, each in layout.spikes.items() if port in outputs]
        self._readouts = [(port, each.size, each.scale) for port, each in layout.readouts.items() if port in outputs]

    def read(self, variable: str) -> NDArray[Any]:
        """A copy of the present values of a state variable, in SI units without Brian2's.

        ``"v"`` will do if one group has it, else ``"cells.v"``; an unknown or ambiguous name is answered with those
        there are. Of a subexpression there are no values; use a :class:`Readout`.
        """
        engine = self._living()
        known = [each for each in engine.layout.variables if not each.rpartition(".")[2].startswith("_")]
        matching = [each for each in known if variable in (each, each.rpartition(".")[2])]
        if not matching:
            raise unknown(f"circuit {self.name}: variable", variable, known)
        if len(matching) > 1:
            raise ConfigurationError(
                f"circuit {self.name}: several groups have a variable {variable!r}; say which: {', '.join(matching)}"
            )
        return engine.read(matching[0])

    def state(self) -> State:
        return {"tick": np.array([self._tick]), **self._living().state()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_state(self.name, state, {"tick": 1})
        self._living().restore(dict(state))
        self._tick = int(state["tick"][0])

    def describe(self) -> dict[str, Any]:
        return {
            "kind": f"{type(self).__module__}:{type(self).__name__}",
            "build": f"{self.build.__module__}:{getattr(self.build, '__qualname__', type(self.build).__name__)}",
            "parameters": {key: _plain(value) for key, value in self.parameters.items()},
            "dt_ms": self.dt_ms,
            "engine": self.engine,
            "constants": self.constants,
            "region": self.region,
        }

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None


def _check_build(name: str, build: Any, parameters: Mapping[str, Any]) -> None:
    """``ConfigurationError`` if ``build`` is no function, or none that takes these parameters."""
    if not callable(build):
        called = isinstance(build, Circuit) or type(build).__module__.startswith("brian2.")
        remedy = "give the function itself, without parentheses: build=make, not build=make()" if called else ""
        raise ConfigurationError(
            f"circuit {name}: build = {reprlib.repr(build)} is no function that returns a Circuit"
            + (f", but what one returned; {remedy}" if called else "")
        )
    try:
        taken = inspect.signature(build).parameters.values()
    except (TypeError, ValueError):  # some functions of extension modules have none
        return
    by_name = [each.name for each in taken if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    if not any(each.kind is each.VAR_KEYWORD for each in taken):
        for key in parameters:
            if key not in by_name:
                raise unknown(f"circuit {name}: parameter of its build function", key, by_name)
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    missing = [e.name for e in taken if e.default is e.empty and e.kind not in optional and e.name not in parameters]
    if missing:
        raise ConfigurationError(
            f"circuit {name}: its build function needs {', '.join(missing)}; give "
            f"parameters={{{', '.join(f'{each!r}: ...' for each in missing)}}}"
        )


def _kinds(layout: Layout) -> list[tuple[str, type[Signal]]]:
    """What each input takes, in the order in which an engine is given them."""
    kinds: list[tuple[str, type[Signal]]] = [(port, Spikes) for port in layout.inputs]
    return kinds + [(port, into.kind) for port, into in layout.injections.items()]


def _plain(value: Any) -> Any:
    """A parameter as something that can be written down."""
    if isinstance(value, bool | int | float | str | None):
        return value
    if isinstance(value, np.ndarray | np.generic) and value.size <= 100 and not hasattr(value, "dim"):
        return np.asarray(value).tolist()
    return str(value)
