package webhooks

import (
	"net/http"
	"time"
)

// HandlerAt is Handler with other times for a body, a decision and a callback than the usual.
func HandlerAt(c Config, body, decision, callback time.Duration) http.Handler {
	return handler(c, pace{body: body, decision: decision, keep: usual.keep, callback: callback})
}
