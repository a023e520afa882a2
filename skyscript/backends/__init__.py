"""Sources of images: one module or package a backend, and the registry that lists them."""
