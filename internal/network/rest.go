package network

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// mood is how the REST API feels, for tests of bad days.
type mood struct {
	media404   time.Duration
	status     int
	left       int
	retryAfter time.Duration
	stalls     bool
}

// Media404For keeps media missing for d of virtual time after the recording was announced.
func (n *Network) Media404For(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mood.media404 = d
}

// FailREST has the next requests to the Handler, media included, fail with that status, and with a Retry-After when that
// is not zero. Nothing of such a request is done. Times below zero mean until FailREST is called again.
func (n *Network) FailREST(status, times int, retryAfter time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mood.status, n.mood.left, n.mood.retryAfter, n.mood.stalls = status, times, retryAfter, false
}

// StallREST has the next requests to the Handler answered with a beginning, after which nothing comes any more. Times below zero mean until
// StallREST or FailREST is called again.
func (n *Network) StallREST(times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mood.status, n.mood.left, n.mood.stalls = http.StatusOK, times, true
}

// RESTRequests is how many requests the Handler has had.
func (n *Network) RESTRequests() int { return int(n.restRequests.Load()) }

// Handler is Twilio's REST API with its media: recordings, calls and numbers of the account. It wants the account's
// credentials, and refuses parameters that Twilio doesn't know rather than ignore them.
func (n *Network) Handler() http.Handler {
	const account = "/" + apiVersion + "/Accounts/{account}"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+apiVersion+"/Accounts/{file}", n.serveAccount)
	mux.HandleFunc("GET "+account+"/Recordings.json", n.listRecordings)
	mux.HandleFunc("GET "+account+"/Calls/{call}/Recordings.json", n.listRecordings)
	mux.HandleFunc("GET "+account+"/Recordings/{file}", n.serveRecording)
	mux.HandleFunc("GET "+account+"/Recordings/{sid}/Transcriptions.json", n.listTranscriptions)
	mux.HandleFunc("DELETE "+account+"/Recordings/{file}", n.deleteRecording)
	mux.HandleFunc("GET "+account+"/Calls.json", n.listCalls)
	mux.HandleFunc("GET "+account+"/Calls/{file}", n.serveCall)
	mux.HandleFunc("POST "+account+"/Calls/{file}", n.changeCall)
	mux.HandleFunc("GET "+account+"/IncomingPhoneNumbers.json", n.listNumbers)
	mux.HandleFunc("GET "+account+"/IncomingPhoneNumbers/{file}", n.serveNumber)
	mux.HandleFunc("POST "+account+"/IncomingPhoneNumbers/{file}", n.changeNumber)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { notFound(w, r) })
	return n.door(mux)
}

// door is what every request passes.
func (n *Network) door(inside http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer n.inFlight.Add(-1)
		n.restRequests.Add(1)
		h := w.Header()
		h.Set("Twilio-Concurrent-Requests", strconv.FormatInt(n.inFlight.Add(1), 10))
		h.Set("Twilio-Request-Id", n.requestID())
		h.Set("Twilio-Request-Duration", "0.012")
		h.Set("X-API-Domain", "api.twilio.com")
		h.Set("X-Home-Region", homeRegion)
		h.Set("X-Powered-By", "AT-5000")
		h.Set("X-Shenanigans", "none")
		status, retryAfter, stalls := n.badMood()
		switch {
		case stalls:
			stall(w, r)
		case status != 0:
			if retryAfter > 0 {
				h.Set("Retry-After", strconv.Itoa(seconds(retryAfter)))
			}
			refuse(w, status, restCode(status), http.StatusText(status))
		case !n.admits(r):
			h.Set("WWW-Authenticate", `Basic realm="Twilio API"`)
			refuse(w, http.StatusUnauthorized, 20003, "Authenticate")
		case !n.isOurs(r.URL.Path):
			notFound(w, r)
		default:
			inside.ServeHTTP(w, r)
		}
	})
}

func (n *Network) requestID() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.restDice.sid("RQ")
}

// stall begins an answer and goes on until the client has gone.
func stall(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte("{"))               // the client may have gone already
	_ = http.NewResponseController(w).Flush() // likewise
	<-r.Context().Done()
}

// badMood is the status with which this request has to fail, 0 for none, or that it has to stall.
func (n *Network) badMood() (status int, retryAfter time.Duration, stalls bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mood.left == 0 {
		return 0, 0, false
	}
	if n.mood.left > 0 {
		n.mood.left--
	}
	return n.mood.status, n.mood.retryAfter, n.mood.stalls
}

func (n *Network) admits(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	return same(user, n.cfg.AccountSID) && same(password, n.cfg.AuthToken) ||
		n.cfg.APIKey != "" && same(user, n.cfg.APIKey) && same(password, n.cfg.APISecret)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// isOurs tells whether the path is inside the account.
func (n *Network) isOurs(path string) bool {
	account, ok := strings.CutPrefix(path, "/"+apiVersion+"/Accounts/"+n.cfg.AccountSID)
	return ok && (account == ".json" || strings.HasPrefix(account, "/"))
}

func (n *Network) serveAccount(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, object{
		"sid": n.cfg.AccountSID, "friendly_name": "Network", "status": "active", "type": "Full",
		"owner_account_sid": n.cfg.AccountSID, "date_created": rfc2822(n.started), "date_updated": rfc2822(n.started),
		"uri": n.uri(".json"),
	})
}

// object is JSON.
type object map[string]any

// uri is an address inside the account, relative to the host as Twilio gives them.
func (n *Network) uri(rest string) string {
	return "/" + apiVersion + "/Accounts/" + n.cfg.AccountSID + rest
}

func answer(w http.ResponseWriter, status int, body object) {
	text, err := json.Marshal(body)
	if err != nil {
		panic("network: JSON: " + err.Error()) // an object of ours is made of strings
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	body := object{
		"code": code, "message": message, "status": status,
		"more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code),
	}
	if code == 20003 {
		body["detail"] = "Your AccountSid or AuthToken was incorrect."
	}
	answer(w, status, body)
}

func notFound(w http.ResponseWriter, r *http.Request) {
	refuse(w, http.StatusNotFound, 20404, fmt.Sprintf("The requested resource %s was not found", r.URL.Path))
}

func invalid(w http.ResponseWriter, code int, format string, args ...any) {
	refuse(w, http.StatusBadRequest, code, fmt.Sprintf(format, args...))
}

// restCode is Twilio's code for a status: 20404 for 404, 20429 for 429 and so on.
func restCode(status int) int { return 20000 + status }
