package events

import "time"

// SetQuiet makes a relay look sooner whether its server is there.
func (r *Relay) SetQuiet(d time.Duration) { r.quiet = d }
