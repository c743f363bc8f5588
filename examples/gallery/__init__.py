"""The rooms of the gallery of mass models: one function that computes and one that draws for each."""
