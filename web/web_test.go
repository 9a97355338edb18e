package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func get(t *testing.T, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func wantHeader(t *testing.T, w *httptest.ResponseRecorder, name, want string) {
	t.Helper()
	if got := w.Header().Get(name); got != want {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

// ours are the embedded texts that we wrote, by their names.
func ours(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{"pages/voicemail.html": voicemailHTML, "pages/unsubscribe.html": unsubscribeHTML}
	for _, folder := range []string{"pages", "assets"} {
		entries, err := fs.ReadDir(files, folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := folder + "/" + e.Name()
			text, err := files.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	return texts
}

func TestPagesCarryTheirProtection(t *testing.T) {
	t.Parallel()
	for target, policy := range map[string]string{"/": strictPolicy, "/playground": playgroundPolicy} {
		w := get(t, target)
		if w.Code != http.StatusOK {
			t.Errorf("%s: got %d, want 200", target, w.Code)
		}
		wantHeader(t, w, "Content-Type", "text/html; charset=utf-8")
		wantHeader(t, w, "Content-Security-Policy", policy)
		wantHeader(t, w, "X-Content-Type-Options", "nosniff")
		wantHeader(t, w, "Referrer-Policy", "no-referrer")
		wantHeader(t, w, "Cache-Control", "no-cache")
	}
}

func TestOnlyThePlaygroundMayStyleInline(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{strictPolicy, playgroundPolicy, voicemailPolicy} {
		for _, want := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
			if !slices.Contains(strings.Split(policy, "; "), want) {
				t.Errorf("%q lacks %s", policy, want)
			}
		}
		loose := strings.ReplaceAll(policy, "style-src 'self' 'unsafe-inline'", "")
		if strings.Contains(loose, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%q allows too much", policy)
		}
		if strings.Contains(policy, "unsafe") != (policy == playgroundPolicy) {
			t.Errorf("%q: inline styles belong to the playground", policy)
		}
	}
	if strings.Contains(voicemailPolicy, "script-src") {
		t.Error("the page of a mailed link has no scripts")
	}
}

func TestAnUnchangedPageIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/playground", "/assets/inbox.js"} {
		etag := get(t, target).Header().Get("ETag")
		if again := get(t, target, "If-None-Match", etag); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s with its ETag %s: got %d and %d bytes, want 304 and none", target, etag, again.Code, again.Body.Len())
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/playground", "/assets/inbox.js"} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, target, nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: got %d, want 405", target, w.Code)
		}
	}
}

func TestAssetsHaveTheirTypes(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/assets/inbox.js":                           "text/javascript; charset=utf-8",
		"/assets/inbox.css":                          "text/css; charset=utf-8",
		"/assets/icon.svg":                           "image/svg+xml",
		"/assets/vendor/graphiql.min.js":             "text/javascript; charset=utf-8",
		"/assets/vendor/graphiql.min.css":            "text/css; charset=utf-8",
		"/assets/vendor/graphiql.LICENSE.txt":        "text/plain; charset=utf-8",
		"/assets/vendor/react.production.min.js":     "text/javascript; charset=utf-8",
		"/assets/vendor/graphql-ws.min.js":           "text/javascript; charset=utf-8",
		"/assets/vendor/react-dom.LICENSE.txt":       "text/plain; charset=utf-8",
		"/assets/vendor/react-dom.production.min.js": "text/javascript; charset=utf-8",
	} {
		w := get(t, target)
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: got %d and %d bytes", target, w.Code, w.Body.Len())
		}
		wantHeader(t, w, "Content-Type", want)
		wantHeader(t, w, "X-Content-Type-Options", "nosniff")
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"/assets/", "/assets/nothing.js", "/assets/vendor/", "/assets/vendor", "/assets/vendor/README.md",
		"/assets/pages/inbox.html", "/pages/inbox.html", "/web.go", "/playground/", "/inbox.html",
		"/assets/..%2fweb.go", "/assets/%2e%2e/web.go", "/assets/vendor/..%2f..%2fweb.go", "/assets/..%5cweb.go",
		"/assets/%2fetc%2fpasswd", "/assets/inbox.js%00", "/assets/INBOX.JS",
	} {
		w := get(t, target)
		if w.Code >= 300 && w.Code < 400 {
			w = get(t, w.Header().Get("Location"))
		}
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", target, w.Code)
		}
		wantHeader(t, w, "Content-Security-Policy", strictPolicy)
	}
}

func TestOurFilesNameNoOtherHost(t *testing.T) {
	t.Parallel()
	address := regexp.MustCompile(`(?i)\b[a-z]+://[^\s"'<>)]*|["'(=\s]//[a-z0-9]`)
	for name, text := range ours(t) {
		text = strings.ReplaceAll(text, `xmlns="http://www.w3.org/2000/svg"`, "")
		if strings.HasSuffix(name, ".js") {
			text = regexp.MustCompile(`(?m)^\s*//.*$| // .*$`).ReplaceAllString(text, "")
		}
		if found := address.FindString(text); found != "" {
			t.Errorf("%s names %q", name, found)
		}
	}
}

func TestOurFilesMakeNoMarkupOfText(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b|new Function|srcdoc|javascript:`)
	inline := regexp.MustCompile(`(?i)<script(>|[^>]*>[^<])|<style|\sstyle=|\son[a-z]+=`)
	for name, text := range ours(t) {
		if found := forbidden.FindString(text); found != "" {
			t.Errorf("%s uses %s", name, found)
		}
		if found := inline.FindString(text); strings.HasSuffix(name, ".html") && found != "" {
			t.Errorf("%s has inline code or style: %q", name, found)
		}
	}
}

// Pages work below any prefix only if whatever they load is named relative to themselves.
func TestWhatPagesLoadIsRelativeAndThere(t *testing.T) {
	t.Parallel()
	served := map[string]string{"pages/inbox.html": "/", "pages/playground.html": "/playground", "pages/voicemail.html": "/v/vm_1", "pages/unsubscribe.html": "/unsubscribe/rcp_1"}
	reference := regexp.MustCompile(`(?:src|href)="([^"{]+)"|(?m:^import [^"]*"([^"]+)")`)
	for name, text := range ours(t) {
		base, isPage := served[name]
		if !isPage {
			base = "/" + name
		}
		for _, match := range reference.FindAllStringSubmatch(text, -1) {
			target := match[1] + match[2]
			if strings.HasPrefix(target, "/") {
				t.Errorf("%s loads %s, which is not relative", name, target)
			}
			from, _ := url.Parse(base)
			to, err := from.Parse(target)
			if err != nil {
				t.Fatal(err)
			}
			if w := get(t, to.Path); w.Code != http.StatusOK {
				t.Errorf("%s loads %s: got %d, want 200", name, target, w.Code)
			}
		}
	}
}

func TestDocumentsAreBalanced(t *testing.T) {
	t.Parallel()
	documents := regexp.MustCompile("(?s)`([^`]*)`")
	for name, want := range map[string]int{"assets/queries.js": 9, "assets/examples.js": 7} {
		found := documents.FindAllStringSubmatch(ours(t)[name], -1)
		if len(found) != want {
			t.Errorf("%s: got %d documents, want %d", name, len(found), want)
		}
		for _, document := range found {
			if problem := unbalanced(document[1]); problem != "" {
				t.Errorf("%s: %s in\n%s", name, problem, document[1])
			}
		}
	}
}

func unbalanced(document string) string {
	document = regexp.MustCompile(`#.*|"[^"\n]*"`).ReplaceAllString(document, "")
	pairs := map[rune]rune{'}': '{', ')': '(', ']': '['}
	var open []rune
	for _, c := range document {
		switch c {
		case '{', '(', '[':
			open = append(open, c)
		case '}', ')', ']':
			if len(open) == 0 || open[len(open)-1] != pairs[c] {
				return "stray " + string(c)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return "unclosed " + string(open)
	}
	return ""
}

func TestVendoredFilesAreThoseOfTheReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("vendor/README.md")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("vendor")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			t.Errorf("vendor/%s: a folder there is not part of the downloaded module", e.Name())
		}
		if ext := path.Ext(e.Name()); ext != ".js" && ext != ".css" {
			continue
		}
		body, err := files.ReadFile("vendor/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		if row := "| " + e.Name() + " | " + hex.EncodeToString(sum[:]) + " |"; !strings.Contains(string(readme), row) {
			t.Errorf("vendor/README.md lacks %q", row)
		}
	}
}

// The addresses that the vendored scripts know are names of XML vocabularies, and pages that a person may choose to open.
func TestVendoredFilesLoadNothing(t *testing.T) {
	t.Parallel()
	known := []string{"www.w3.org", "reactjs.org", "github.com", "codemirror.net", "commonmark.org", "en.wikipedia.org"}
	host := regexp.MustCompile(`(?i)\b(?:https?|wss?)://([a-z0-9.-]+)`)
	load := regexp.MustCompile(`(?i)@import|url\((?:["']?)(?:https?:|//)|importScripts|new Worker|\beval\(|new Function\(`)
	entries, err := fs.ReadDir(files, "vendor")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if path.Ext(e.Name()) == ".txt" {
			continue
		}
		body, err := files.ReadFile("vendor/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range host.FindAllStringSubmatch(string(body), -1) {
			if !slices.Contains(known, match[1]) {
				t.Errorf("%s names the host %s", e.Name(), match[1])
			}
		}
		if found := load.FindString(string(body)); found != "" {
			t.Errorf("%s has %q", e.Name(), found)
		}
	}
}

// Each state of the connection has a colour of its own, and only "live" is green.
func TestOnlyALiveConnectionIsGreen(t *testing.T) {
	t.Parallel()
	css, script := ours(t)["assets/inbox.css"], ours(t)["assets/live.js"]
	want := map[string]string{"live": "--good", "waiting": "--warn", "ended": "--bad", "": "--quiet"} // "" is that of the others
	got := map[string]string{}
	for _, rule := range regexp.MustCompile(`(?s)([^{}]*\.live\b[^{}]*)\{([^{}]*)\}`).FindAllStringSubmatch(css, -1) {
		colour := regexp.MustCompile(`(?:^|[\s;])color: var\((--[a-z]+)\)`).FindStringSubmatch(rule[2])
		if colour == nil {
			continue
		}
		selector := regexp.MustCompile(`^\.live(?:\[data-state="([a-z]+)"\])?$`).FindStringSubmatch(strings.TrimSpace(rule[1]))
		if selector == nil {
			t.Errorf("%s gives a colour: want .live, or .live of one state", rule[1])
			continue
		}
		if got[selector[1]] != "" || !strings.Contains(script, `onState("`+selector[1]+`")`) && selector[1] != "" {
			t.Errorf("%s is given twice, or is no state", rule[1])
		}
		got[selector[1]] = colour[1]
	}
	if !maps.Equal(got, want) {
		t.Errorf("got the colours %v, want %v", got, want)
	}
}
