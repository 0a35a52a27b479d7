"""`python -m connector` is the `connector` command."""

from connector.cli.main import main

if __name__ == "__main__":
    main()
