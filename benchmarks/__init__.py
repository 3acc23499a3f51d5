"""Benchmarks and the demonstration; nothing in here is ever trained or tuned on."""
