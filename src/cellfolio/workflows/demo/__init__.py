"""The demonstration: a simulated experiment, published twice, got, verified, compared.

Nothing leaves the folder: it has a home of its own, and no network is used.

::

    <folder>/experiment/       what the simulated microscope wrote
    <folder>/home/             a home: store and local registry
    <folder>/cell-painting/    the package as a user gets it
    <folder>/cells.png         a picture of one site
    <folder>/measured/         the cells of each plate, measured
    <folder>/profiles/         a profile of each well, and pictures of them
    <folder>/evaluation/       benchmarks of the profiles
    <folder>/.cellfolio-demo.json
"""
