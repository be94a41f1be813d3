"""One folder a paper, the same four files each: config, model, objective, step. Once you know one you know all."""
