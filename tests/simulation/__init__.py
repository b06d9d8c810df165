"""A whole campaign in simulated time: real processes, a moved clock, people who answer, and an auditor."""
