"""`python -m shortstop` is the `shortstop` command."""

from shortstop.cli import main

if __name__ == "__main__":
    main()
