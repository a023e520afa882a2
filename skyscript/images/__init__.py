"""Images as bytes: decoding and encoding."""
