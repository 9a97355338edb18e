//go:build !unix

package admission

// descriptors is how many files and connections the process may have open: Windows sets no limit that matters.
func descriptors() int { return 1 << 20 }
