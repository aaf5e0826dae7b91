"""Input and output on this machine and on clusters: paths, splits, compression, filesystems, parts."""
