"""An adapter of one's own, and the proof that it keeps its contract (about a second).

python examples/own_adapter.py               # or: hybrid check own_adapter:Bernoulli, in this folder
"""

from hybrid import Adapter, Moments, Rates, Spikes
from hybrid.adapter import generator_state, restore_generator
from hybrid.signals import check_rates
from hybrid.testing import check_adapter


class Bernoulli(Adapter):
    """At most one spike a tick and line: as a neuron that is refractory for a tick."""

    accepts, emits = Rates, Spikes

    def prepare(self, clock, source, target, rng):
        self.tick_s, self.rng = clock.tick_ms * 1e-3, rng

    def convert(self, signal):
        check_rates(signal, "Bernoulli")
        return Spikes.from_counts(signal.window, self.rng.random(signal.hz.shape) < signal.hz * self.tick_s)

    def expected(self, signal):
        p = signal.hz * self.tick_s
        return Moments(mean=p.sum(axis=0), variance=(p * (1 - p)).sum(axis=0))

    def state(self):
        return {"rng": generator_state(self.rng)}

    def restore(self, state):
        restore_generator(self.rng, state["rng"])


if __name__ == "__main__":
    check_adapter(Bernoulli)
    print("Bernoulli keeps the contract")
