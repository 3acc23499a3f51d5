"""What `benchmarks.service_load` is made of: who asks, whom, and what is said about the answers."""
