"""The kinds of sources that come with nxscribe, one module each. A module in this folder is found without a list."""
