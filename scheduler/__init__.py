"""Time: one lease, a few static APScheduler jobs, due rows."""
