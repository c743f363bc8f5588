"""Calls a user's build function in a Brian2 world of its own and leaves the process as it was."""
# ruff: noqa: NPY002  (numpy's global stream is the one that Brian2 draws from)

from __future__ import annotations

import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from zlib import crc32

import numpy as np
from brian2 import second
from brian2.core.base import BrianObject, BrianObjectException
from brian2.core.names import Nameable
from brian2.core.network import Network
from brian2.core.preferences import prefs
from brian2.core.tracking import InstanceFollower, InstanceTrackerSet

from hybrid.circuits.cache_keys import quick_keys
from hybrid.circuits.circuit import Circuit
from hybrid.circuits.equations import check_equations
from hybrid.circuits.layout import Layout, lay_out
from hybrid.errors import ConfigurationError, HybridError


def _give_back_hooks() -> None:
    """Undo what importing Brian2 did to the whole process, where that misleads or fails."""
    if (
        sys.excepthook.__module__ == "brian2.utils.logger"
    ):  # it calls every error of a script one of Brian2's, to be reported
        sys.excepthook = sys.__excepthook__
    before = getattr(signal.getsignal(signal.SIGINT), "previous_handler", None)
    if before in (signal.SIG_IGN, signal.SIG_DFL) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)  # Brian2 would call it, which fails where a job ignores Ctrl+C


_give_back_hooks()

# by this way, since the package brian2.devices hides the module behind an object of the same name
_devices: Any = import_module("brian2.devices.device")

LOCK = threading.RLock()  # Brian2's active device, preferences and names, and numpy's global stream, are one a process

UNKNOWN_DT_S = 1e-5  # of a build for ports only, before the tick is known: short, so that no check of it complains


class _Kept(InstanceTrackerSet):  # type: ignore[misc]
    """Brian2's list of its objects, which also keeps those that Brian2 runs from being forgotten when a function returns."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[Any] = []

    def add(self, value: Any) -> None:
        super().add(value)
        if value.add_to_magic_network:
            self.running.append(value)


def _made() -> list[Any]:
    """What was made inside :func:`isolated` and would run in plain Brian2."""
    return [each for each in BrianObject.__instances__().running if hasattr(each, "_name") and each.active]


@contextmanager
def isolated(device: Any, numpy_seed: int) -> Iterator[None]:
    """Inside, ``device`` is active, no Brian2 name is taken and numpy's global stream is fresh; after, all is as before.

    Names start afresh so that the same build function gives the same generated code whatever else the process holds.
    """
    with LOCK:
        active, previous = _devices.active_device, list(_devices.previous_devices)
        instances, preferences, stream = InstanceFollower.instance_sets, dict(prefs.prefs), np.random.get_state()
        try:
            InstanceFollower.instance_sets = defaultdict(InstanceTrackerSet, {BrianObject: _Kept()})
            _devices.active_device = device
            device.activate(build_on_run=False)
            prefs["devices.cpp_standalone.openmp_threads"] = 0
            prefs["codegen.target"] = prefs["codegen.string_expression_target"] = "numpy"  # of the runtime engine
            np.random.seed(numpy_seed % 2**32)
            with quick_keys():
                yield
        finally:
            _devices.active_device, _devices.previous_devices[:] = active, previous
            InstanceFollower.instance_sets = instances
            prefs.prefs.clear()
            prefs.prefs.update(preferences)
            np.random.set_state(stream)


@contextmanager
def borrowed(device: Any, stream: Any) -> Iterator[None]:
    """Inside, ``device`` is active and numpy's global stream stands at ``stream``; for code that only runs."""
    with LOCK:
        active, kept = _devices.active_device, np.random.get_state()
        try:
            _devices.active_device = device
            np.random.set_state(stream)
            yield
        finally:
            _devices.active_device = active
            np.random.set_state(kept)


@dataclass(frozen=True)
class Recipe:
    """A build function with its parameters, and the name of the circuit for messages."""

    name: str
    build: Callable[..., Any]
    parameters: Mapping[str, Any]

    def circuit(self, device: Any, dt_s: float) -> Circuit:
        """What ``build(**parameters)`` returns, checked; to be called inside :func:`isolated`.

        ``ConfigurationError`` names the circuit and what is wrong.
        """
        device.defaultclock.dt = dt_s * second
        circuit = _called(self)
        if not isinstance(circuit, Circuit):
            raise ConfigurationError(
                f"circuit {self.name}: its build function returned {_kind(circuit)}; "
                f"it must return hybrid.circuits.Circuit({_network_in(circuit)}, inputs=..., outputs=...)"
            )
        if not isinstance(circuit.network, Network):
            raise ConfigurationError(
                f"circuit {self.name}: Circuit(...) was given a {type(circuit.network).__name__} as its network; "
                f"give it a brian2.Network with all groups and synapses"
            )
        if _devices.active_device is not device:
            raise ConfigurationError(
                f"circuit {self.name}: its build function changed Brian2's device; leave that to Microcircuit(engine=...)"
            )
        if device.defaultclock.dt_ != dt_s:
            raise ConfigurationError(
                f"circuit {self.name}: its build function set defaultclock.dt; give Microcircuit(dt_ms=...) instead"
            )
        return circuit

    def circuit_and_layout(self, device: Any, dt_s: float | None) -> tuple[Circuit, Layout]:
        """The circuit and what its ports stand for, all of it part of the network; without ``dt_s`` times are not checked."""
        circuit = self.circuit(device, UNKNOWN_DT_S if dt_s is None else dt_s)
        layout = lay_out(self.name, circuit, dt_s)
        _check_that_all_take_part(self.name, circuit.network)
        return circuit, layout


def _called(recipe: Recipe) -> Any:
    what = f"circuit {recipe.name}"
    try:
        return recipe.build(**recipe.parameters)
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        raise ConfigurationError(
            f"{what}: its build function ended the program (sys.exit({error.code!r})); return a Circuit, or raise an error"
        ) from error
    except HybridError as error:
        raise renamed(error, f"{what}: {error}") from error
    except BaseException as error:
        raise ConfigurationError(f"{what}: its build function raised {type(error).__name__}: {_said(error)}") from error


def renamed(error: HybridError, message: str) -> HybridError:
    """An error of the same kind with another message."""
    try:
        return type(error)(message)
    except Exception:  # a user's own kind, which takes other arguments
        return ConfigurationError(message)


def _kind(value: Any) -> str:
    return "nothing (is its return missing?)" if value is None else type(value).__name__


def _network_in(value: Any) -> str:
    return "network" if isinstance(value, Network) else "Network(...)"


def _check_that_all_take_part(name: str, network: Any) -> None:
    """A group that plain Brian2 would run, since it runs all that a script holds, must not be silently missing."""
    made = _made()
    contained = {id(inner) for each in made for inner in each.contained_objects}
    taking_part = {id(each) for each in network.sorted_objects}
    missing = [
        f"{each.name} ({type(each).__name__})"
        for each in made
        if id(each) not in contained and id(each) not in taking_part
    ]
    if missing:
        names = ", ".join(each.partition(" ")[0] for each in missing[:5])
        raise ConfigurationError(
            f"circuit {name}: its build function made {', '.join(missing[:5])} but left {'it' if len(missing) == 1 else 'them'} "
            f"out of the network; add what should run, Network(..., {names}), and do not make what should not"
        )


@contextmanager
def codegen_errors(name: str) -> Iterator[None]:
    """Turns what Brian2 raises about a user's equations into a ``ConfigurationError`` that names the circuit."""
    try:
        yield
    except HybridError as error:
        raise renamed(error, f"circuit {name}: {error}") from error
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        hint = ""
        if isinstance(cause, KeyError) and "could not be resolved" in str(cause):
            hint = "; equations see the names visible where Circuit(...) is made, or those in its namespace="
        where = f"{error._brian_objname} " if isinstance(error, BrianObjectException) else "it "
        raise ConfigurationError(
            f"circuit {name}: Brian2 refused {where}with {type(cause).__name__}: {_said(cause)}{hint}"
        ) from error


def declare(recipe: Recipe, device: Any, dt_s: float | None) -> Layout:
    """The layout of a network that is built only to learn its ports; without ``dt_s`` times are not checked."""
    with isolated(device, crc32(recipe.name.encode())):
        circuit, layout = recipe.circuit_and_layout(device, dt_s)
        with codegen_errors(recipe.name):
            check_equations(device, circuit)
        _forget(circuit.network)
        return layout


def _forget(network: Any) -> None:
    """Keep Brian2 from warning that objects built only to learn their ports never ran."""
    for reference in list(Nameable.__instances__()):
        made = reference()
        if isinstance(made, BrianObject) and made._network is None:
            made._network = network.id


def _said(error: BaseException) -> str:
    try:
        return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    except Exception:  # a message that cannot be made
        return "(it does not say what)"
