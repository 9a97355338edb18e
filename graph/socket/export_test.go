package socket

// Wait returns when every connection was served to its end.
func (t *Transport) Wait() { t.open.Wait() }
