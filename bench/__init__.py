"""Benches: each answers one question about speed, turn-taking or resilience. README.md lists all of them."""
