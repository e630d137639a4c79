"""Deliberately broken clients: the reference client with one defect each. The folder is the list."""
