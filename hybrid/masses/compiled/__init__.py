"""How a network of masses is stepped: one kernel, compiled for each kind of model."""
