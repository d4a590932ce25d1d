"""The triggers: the Tango device class NxScribe (`device`), the daemon that serves it, and its client."""
