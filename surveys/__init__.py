"""Meaning: forms, interviews, campaigns' rules, statistics, areas. Pure: no clock, no randomness, no input or output."""
