"""A folder per floor, conversations/ (transcripts), acceptance/ (real processes), benchmarks/."""
