// Package web holds the pages that people look at: the inbox, the playground, and the page where the link in a mail leads.
//
// It promises that the pages know nothing without a token, ask no other host for anything, work below any path that a
// proxy strips, and show what callers say as text, never as markup.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"sync"
	"time"

	"github.com/maskline/maskline/internal/compress"
)

// vendor has no sub-folders, since Go leaves those out of the module that `go install` downloads.
//
//go:embed pages/inbox.html pages/playground.html assets vendor/*.js vendor/*.css vendor/*.txt
var files embed.FS

// What a page may load. Scripts can't make markup of strings in the inbox; React, below the playground, has to.
const (
	strictPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " + commonPolicy +
		"; require-trusted-types-for 'script'; trusted-types 'none'"
	playgroundPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " + commonPolicy
	commonPolicy     = "img-src 'self' data:; connect-src 'self'; media-src 'self'; font-src 'self' data:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// The system's own table may call a script text/plain, which nosniff then keeps from running.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// Handler serves the inbox at /, GraphiQL at /playground and what both load below /assets/.
func Handler() http.Handler {
	assets := make(map[string]http.Handler)
	load(assets, "assets", "")
	load(assets, "vendor", "vendor/")

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", newFile("pages/inbox.html"))
	mux.HandleFunc("GET /assets/{name...}", func(w http.ResponseWriter, r *http.Request) {
		asset, ok := assets[r.PathValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		asset.ServeHTTP(w, r)
	})
	playground := newFile("pages/playground.html")
	mux.HandleFunc("GET /playground", func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header(), playgroundPolicy)
		playground.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header(), strictPolicy)
		mux.ServeHTTP(w, r)
	})
}

func protect(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// load adds each file of an embedded folder under its name after prefix.
func load(assets map[string]http.Handler, folder, prefix string) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		assets[prefix+e.Name()] = newFile(folder + "/" + e.Name())
	}
}

type file struct {
	name, contentType, etag string
	body                    []byte
	compressed              func() []byte // once somebody wants it
}

func newFile(name string) *file {
	body, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	contentType, ok := contentTypes[path.Ext(name)]
	if !ok {
		panic("web: no content type for " + name)
	}
	sum := sha256.Sum256(body)
	return &file{name, contentType, hex.EncodeToString(sum[:16]), body, sync.OnceValue(func() []byte { return compress.Bytes(body) })}
}

func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	body, etag := f.body, f.etag
	h.Add("Vary", "Accept-Encoding")
	if compress.Wanted(r, len(body)) {
		body, etag = f.compressed(), etag+"-gzip"
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(body))) // of a range it is set anew
	}
	h.Set("Content-Type", f.contentType)
	h.Set("ETag", `"`+etag+`"`)
	// Names carry no version, so a browser must ask after each upgrade; the answer is a 304 as a rule.
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(body))
}
