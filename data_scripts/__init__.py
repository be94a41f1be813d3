"""Commands that fetch a real dataset, or say how to obtain it."""
