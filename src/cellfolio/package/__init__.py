"""Pure values and rules: keys, digests, entries, packages and plans. No disk, network, clock."""
