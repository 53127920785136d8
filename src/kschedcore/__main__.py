"""``python -m kschedcore``: the command line, for when its script is not on the PATH."""

from kschedcore.cli import main

if __name__ == "__main__":
    main()
