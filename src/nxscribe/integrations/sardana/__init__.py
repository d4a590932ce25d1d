"""Sardana: a recorder that records each scan of a MacroServer.

This folder is for the RecorderPath of a MacroServer, which loads every module of such a folder by its bare name. That
is why the recorder is in a folder of its own.

- `nxscribe_recorder`: the recorder, for the environment variable DataRecorder
"""
