"""python -m rnncli. The current folder is then on sys.path: use the `rnncli` script in folders you do not trust."""

from rnncli.cli import main

if __name__ == "__main__":
    main()
