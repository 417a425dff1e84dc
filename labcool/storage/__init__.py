"""The run file: one self-describing HDF5 (NeXus) file a run, written, read and named here."""
