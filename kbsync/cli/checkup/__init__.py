"""What `kbsync doctor` looks at, one file per subject. Every check yields notices."""
