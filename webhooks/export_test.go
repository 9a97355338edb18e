package webhooks

import (
	"net/http"
	"time"
)

// HandlerAt is Handler with other times for a decision and a callback than the usual.
func HandlerAt(c Config, decision, callback time.Duration) http.Handler {
	return handler(c, pace{decision: decision, keep: usual.keep, callback: callback})
}
