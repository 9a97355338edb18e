package journal

import "bytes"

// Waiting is how many entries wait to be written.
func (j *Journal) Waiting() int {
	j.joining.Lock()
	defer j.joining.Unlock()
	if j.next == nil {
		return 0
	}
	return bytes.Count(j.next.lines, []byte("\n"))
}
