"""The HTTP service: routes complaints, keeps what was said, and takes the officers' feedback."""
