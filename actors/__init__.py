"""The pipeline: five Dramatiq actors, the sweep and the schedule."""
