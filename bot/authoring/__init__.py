"""From an author's .xlsx to a form: convert in a limited child process, check, show."""
