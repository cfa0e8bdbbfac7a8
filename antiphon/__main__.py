"""`python -m antiphon` is the command `antiphon`."""

from server.cli import main

if __name__ == "__main__":
    main()
