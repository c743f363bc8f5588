"""A Brian2 device that gathers a network as source text for a library instead of a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brian2.codegen.generators.cpp_generator import c_data_type
from brian2.core.base import BrianObject
from brian2.core.functions import Function
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.synapses.synapses import Synapses

from hybrid.circuits.compiled.constants import Values
from hybrid.errors import ConfigurationError


class LibraryCodeObject(CPPStandaloneCodeObject):  # type: ignore[misc]
    """Brian2's C++ code, with this package's templates before Brian2's own."""

    templater = CPPStandaloneCodeObject.templater.derive("hybrid.circuits.compiled")


class Sources(dict[str, str]):
    """File name -> text; takes the place of Brian2's writer, so that nothing touches the disk before it must."""

    def write(self, name: str, contents: Any) -> None:
        if name.endswith(".*"):
            self[name[:-1] + "cpp"], self[name[:-1] + "h"] = contents.cpp_file, contents.h_file
        else:
            self[name] = contents


class LibraryDevice(CPPStandaloneDevice):  # type: ignore[misc]
    """Gathers what a build function makes as Brian2's C++ standalone mode does; :meth:`write` renders it."""

    def code_object_class(self, codeobj_class: Any = None, fallback_pref: Any = None) -> Any:
        return LibraryCodeObject if codeobj_class is None else codeobj_class

    def network_run(self, net: Any, duration: Any, **others: Any) -> None:
        raise ConfigurationError("a build function only builds; leave out run(), the Simulation runs the circuit")

    def seed(self, seed: Any = None) -> None:
        raise ConfigurationError("leave out seed(): a circuit's random numbers come from the run's seed and its name")

    def write_static_arrays(self, directory: Any) -> None:
        """As in Brian2, but the values stay in memory: every instance of the library is given its own."""
        for code_object in self.code_objects.values():
            for variable in code_object.variables.values():
                if isinstance(variable, Function):
                    self._insert_func_namespace(variable, code_object, self.static_arrays)
        self.static_array_specs = [
            (key, c_data_type(each.dtype), each.size, key) for key, each in sorted(self.static_arrays.items())
        ]

    def has_function(self, function: Any) -> bool:
        """Whether there is C++ of a function that equations name."""
        try:
            return function.implementations[self.code_object_class()] is not None
        except KeyError:
            return False

    def check_members(self, members: Sequence[Any]) -> None:
        """``ConfigurationError`` names an object that cannot be compiled."""
        for each in members:
            if type(each).run is not BrianObject.run:
                raise ConfigurationError(
                    f"{each.name} ({type(each).__name__}) runs Python code in every step, which cannot be compiled; "
                    f"leave it out or use Microcircuit(engine='runtime')"
                )

    def gather(self, network: Any, namespace: Any) -> None:
        """Turn the network's objects into code; ``namespace`` holds the constants that equations may name."""
        members = network.sorted_objects
        self.check_members(members)
        self.networks = {network}
        self.clocks = network._clocks = {each.clock for each in members}
        network.before_run(namespace)
        self.synapses = {each for each in members if isinstance(each, Synapses)}
        for clock in self.clocks:
            if clock.name == "clock":
                clock._name = "_clock"  # Brian2's own way around the C function of that name

    def write(self, constants_as_values: bool) -> tuple[Sources, Values]:
        """The text of everything but the library's face, and the numbers that it names."""
        sources, values = Sources(), Values()
        self.main_queue: list[Any] = values.take_initial(self.main_queue)
        if constants_as_values:
            values.take_constants(self.code_objects.values())
        self.write_static_arrays(None)
        self.generate_objects_source(
            sources, self.arange_arrays, self.synapses, self.static_array_specs, self.networks, self.timed_arrays
        )
        self.generate_main_source(sources)
        self.generate_codeobj_source(sources)
        self.generate_network_source(sources, "unix")
        self.generate_synapses_classes_source(sources)
        return sources, values

    def c_array(self, variable: Any) -> dict[str, str]:
        """C++ expressions for a variable's ``data``, ``size`` and ``type``; ``vector`` is empty if it cannot grow."""
        kind = c_data_type(variable.dtype)
        if isinstance(variable, DynamicArrayVariable):
            vector = f"brian::{self.dynamic_arrays[variable]}"
            return {"data": f"{vector}.data()", "size": f"{vector}.size()", "vector": vector, "type": kind}
        return {"data": f"brian::{self.arrays[variable]}", "size": str(variable.size), "vector": "", "type": kind}
