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

from hybrid.circuits.circuit import Circuit
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


@contextmanager
def isolated(device: Any, numpy_seed: int) -> Iterator[None]:
    """Inside, ``device`` is active, no Brian2 name is taken and numpy's global stream is fresh; after, all is as before.

    Names start afresh so that the same build function gives the same generated code whatever else the process holds.
    """
    with LOCK:
        active, previous = _devices.active_device, list(_devices.previous_devices)
        instances, preferences, stream = InstanceFollower.instance_sets, dict(prefs.prefs), np.random.get_state()
        try:
            InstanceFollower.instance_sets = defaultdict(InstanceTrackerSet)
            _devices.active_device = device
            device.activate(build_on_run=False)
            prefs["devices.cpp_standalone.openmp_threads"] = 0
            prefs["codegen.target"] = prefs["codegen.string_expression_target"] = "numpy"  # of the runtime engine
            np.random.seed(numpy_seed % 2**32)
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
        return _checked_call(self.name, self.build, self.parameters, device, dt_s)


def _checked_call(
    name: str, build: Callable[..., Any], parameters: Mapping[str, Any], device: Any, dt_s: float
) -> Circuit:
    device.defaultclock.dt = dt_s * second
    try:
        circuit = build(**parameters)
    except HybridError as error:
        raise type(error)(f"circuit {name}: {error}") from error
    except Exception as error:
        raise ConfigurationError(
            f"circuit {name}: its build function raised {type(error).__name__}: {_said(error)}"
        ) from error
    if not isinstance(circuit, Circuit):
        raise ConfigurationError(
            f"circuit {name}: its build function returned {type(circuit).__name__}; "
            f"it must return hybrid.circuits.Circuit(network, inputs=..., outputs=...)"
        )
    if not isinstance(circuit.network, Network):
        raise ConfigurationError(
            f"circuit {name}: Circuit(...) was given a {type(circuit.network).__name__} as its network; "
            f"give it a brian2.Network with all groups and synapses"
        )
    if _devices.active_device is not device:
        raise ConfigurationError(
            f"circuit {name}: its build function changed Brian2's device; leave that to Microcircuit(engine=...)"
        )
    if device.defaultclock.dt_ != dt_s:
        raise ConfigurationError(
            f"circuit {name}: its build function set defaultclock.dt; give Microcircuit(dt_ms=...) instead"
        )
    return circuit


@contextmanager
def codegen_errors(name: str) -> Iterator[None]:
    """Turns what Brian2 raises about a user's equations into a ``ConfigurationError`` that names the circuit."""
    try:
        yield
    except HybridError as error:
        raise type(error)(f"circuit {name}: {error}") from error
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
        circuit = recipe.circuit(device, UNKNOWN_DT_S if dt_s is None else dt_s)
        layout = lay_out(recipe.name, circuit, dt_s)
        _forget(circuit.network)
        return layout


def _forget(network: Any) -> None:
    """Keep Brian2 from warning that objects built only to learn their ports never ran."""
    for reference in list(Nameable.__instances__()):
        made = reference()
        if isinstance(made, BrianObject) and made._network is None:
            made._network = network.id


def _said(error: BaseException) -> str:
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
