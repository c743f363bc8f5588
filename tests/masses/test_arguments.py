"""First slips are answered with what to write."""

from __future__ import annotations

import copy
import pickle
import re

import pytest
from masses_toys import Oscillator, nodes

from hybrid.errors import ConfigurationError, UnknownNameError
from hybrid.masses import Difference, Linear, MassNetwork, Noise, WilsonCowan

C = nodes(4)


def network(name="c", connectome=C, model=None, **options):
    return MassNetwork(name, connectome, Oscillator() if model is None else model, **options)


SLIPS = [
    (
        lambda: network(model=WilsonCowan),
        "c: model is the class WilsonCowan, not an object of it; write model=WilsonCowan()",
    ),
    (
        lambda: network(model="WilsonCowann"),
        "write model=WilsonCowan(). The name 'WilsonCowann' does not exist; did you mean",
    ),
    (lambda: network(model=3), "c: model is 3; write model=WilsonCowan()"),
    (lambda: network(noise=0.01), "c: noise is 0.01; write noise=Noise(0.01)"),
    (lambda: network(noise={"x": 0.1}), "c: noise is {'x': 0.1}; write noise=Noise({'x': 0.1})"),
    (lambda: network(noise=Noise), "c: noise is the class Noise, not an object of it; write noise=Noise(0.01)"),
    (lambda: network(coupling=0.5), "c: coupling is 0.5; write coupling=Linear(0.5)"),
    (
        lambda: network(coupling=Difference),
        "c: coupling is the class Difference, not an object of it; write coupling=Difference(",
    ),
    (lambda: network(coupling="Diference"), "'Diference' does not exist; did you mean 'Difference'?"),
    (lambda: network(connectome="tvb76"), "c: connectome is 'tvb76'; write connectome=Connectome.load(\"tvb76\")"),
    (lambda: network(connectome=C.weights), "c: connectome is of type ndarray; write a Connectome"),
    (lambda: network(whole="tvb76"), "c: whole is 'tvb76'; write whole=Connectome.load(\"tvb76\")"),
    (
        lambda: network(name=3),
        "is called by its name first, a text, not 3; write MassNetwork('cortex', connectome, model)",
    ),
    (lambda: network(name=""), "is called by its name first, a text, not ''"),
    (lambda: MassNetwork(C, Oscillator(), None), "is called by its name first, a text, not of type Connectome"),
    (lambda: network(nosie=Noise(0.1)), "MassNetwork() has no argument 'nosie'; did you mean 'noise'?"),
    (lambda: WilsonCowan(c_eee=3.0), "WilsonCowan: argument 'c_eee' does not exist; did you mean 'c_ee'?"),
    (lambda: Linear(strenght=1.0), "Linear: argument 'strenght' does not exist; did you mean 'strength'?"),
    (lambda: Noise(0.1, tau=3.0), "Noise() has no argument 'tau'; did you mean 'tau_ms'?"),
    (lambda: MassNetwork.in_parts("c", C, WilsonCowan, parts=2), "write model=WilsonCowan()"),
    (lambda: MassNetwork.in_parts("c", C, WilsonCowan(), parts=2, noise=0.1), "write noise=Noise(0.1)"),
    (lambda: MassNetwork.in_parts("c", "tvb76", WilsonCowan(), parts=2), 'write connectome=Connectome.load("tvb76")'),
    (lambda: MassNetwork.in_parts("c", C, WilsonCowan(), parts=2, sped_m_s=3.0), "did you mean 'speed_m_s'?"),
    (lambda: MassNetwork.in_parts("c", C, WilsonCowan(), parts=2.5), "c: parts = 2.5; give how many, or the labels"),
]


@pytest.mark.parametrize(("make", "text"), SLIPS, ids=range(len(SLIPS)))
def test_a_first_slip_is_told_what_to_write(make, text):
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        make()


def test_what_is_made_with_the_right_names_is_copied_and_pickled():
    made = WilsonCowan(c_ee=3.0), Linear(strength=2.0), Noise(sigma=0.1, tau_ms=2.0)
    for each in made:
        for other in (copy.deepcopy(each), pickle.loads(pickle.dumps(each))):
            assert other.describe() == each.describe()


def test_a_model_that_takes_anything_is_left_alone():
    class Anything(Oscillator):
        def __init__(self, **given):
            super().__init__(k=given["slope"])

    assert Anything(slope=0.3).k == 0.3
    with pytest.raises(UnknownNameError):
        Oscillator(slope=0.3)
