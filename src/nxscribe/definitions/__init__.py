"""Text to tree and back: the XML and YAML dialects of definitions, composition, and YAML with positions."""
