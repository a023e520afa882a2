"""Where pixels come from: one small protocol, a module a backend."""
