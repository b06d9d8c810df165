"""Meaning: forms, interviews, campaigns' rules, statistics, areas. Pure: no clock, no chance, no input or
output.
"""
