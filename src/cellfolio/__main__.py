"""``python -m cellfolio`` is the command line."""

from cellfolio.cli.main import main

if __name__ == "__main__":
    main()
