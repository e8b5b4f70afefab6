"""Downloads: submitted, watched, cancelled, listed; one or many."""
