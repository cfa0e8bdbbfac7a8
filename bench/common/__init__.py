"""What benches of several rooms share: tables and figures, processes, Opus, and calls on virtual time."""
