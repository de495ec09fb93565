"""Every kind of registry becomes packages, and packages go back into registries."""
