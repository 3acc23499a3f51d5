"""What `benchmarks.service` is made of: who asks, whom, and what is said about the answers."""
