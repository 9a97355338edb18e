package main

import (
	"html"
	"io"
	"math/rand/v2"
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/switchboard"
)

// nasty are texts that writers of XML, HTML, JSON, mail and logs have stumbled over.
var nasty = []string{
	`</Say><Dial>+19005550000</Dial><Say>`, `" onload="alert(1)`, `' onclick='`, `&amp;&#60;script&#62;`, `]]><![CDATA[`, `<script>alert(1)</script>`,
	"a\r\nBcc: eve@example.com\r\n\r\nbody", "line\nlevel=ERROR msg=forged", "a\x00b", "\x1b[31mred", "\u202egnp.exe", "a\u2028b\u2029c", "👋🏽", "=?utf-8?q?x?=", "{{.}}${x}%s%d",
	`{"kind":"x"}`, "../../etc/passwd", "e\u0301\ufeff",
}

// TestTextFromOutsideStaysText puts texts wherever people can write some, and looks at everything that we write: each document has the shape
// that it has for "x", and the text is in it.
func TestTextFromOutsideStaysText(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		tn := h.newTenant("olivia@example.com", mask, 1000, 1000)
		h.net.AddPhone(owner, network.NoAnswer())
		plain := h.written(tn, "x")
		for _, s := range append(nasty, anyTexts(20)...) {
			got := h.written(tn, s)
			if got.shape != plain.shape {
				t.Errorf("%q makes\n%s\nof\n%s", s, got.shape, plain.shape)
			}
			if want := switchboard.CleanTranscript(s); got.transcript != want || !reads(html.UnescapeString(got.page), want) {
				t.Errorf("the transcript %q is %q in GraphQL, and in the page\n%s", s, got.transcript, got.page)
			}
			if want := labelOf(s); got.label != want || !reads(got.subject, want) {
				t.Errorf("the label %q is %q in GraphQL, and the mail's subject %q", want, got.label, got.subject)
			}
		}
		for line := range strings.Lines(h.logged.String()) {
			if !strings.HasPrefix(line, "time=") || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
				t.Errorf("a text broke out of its line in the log: %q", line)
			}
		}
	}, jobs.Migrate)
}

// anyTexts are texts of any characters at all.
func anyTexts(n int) (texts []string) {
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		var b strings.Builder
		for range 1 + r.IntN(30) {
			b.WriteRune(rune(r.IntN(unicode.MaxRune)))
		}
		texts = append(texts, b.String())
	}
	return texts
}

// labelOf is what of a text may stand in a label, which holds one line.
func labelOf(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !utf8.ValidRune(r) {
			return '_'
		}
		return r
	}, s)
	return "Label " + s
}

// reads tells whether the letters and digits of want are found in a document, which may leave out what nobody sees.
func reads(doc, want string) bool {
	seen := func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}
	return strings.Contains(strings.Map(seen, doc), strings.Map(seen, want))
}

// written is what came out of one call.
type written struct{ shape, transcript, label, subject, page string }

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	values = regexp.MustCompile(`="[^"]*"`)
)

// written has a customer call whose every text is s, and collects the documents that came of it.
func (h *house) written(tn tenant, s string) (w written) {
	h.t.Helper()
	h.ask(tn.token, `mutation($id: ID!, $l: String!, $g: String!) { updateNumber(id: $id, input: {label: $l, greeting: $g}) { id } }`,
		map[string]any{"id": tn.number, "l": labelOf(s), "g": "Hello " + labelOf(s)}, nil)
	h.ask(tn.token, `mutation($id: ID!, $n: String!) { updateUser(id: $id, input: {name: $n}) { id } }`, map[string]any{"id": tn.user, "n": labelOf(s)}, nil)
	before := h.mails()
	caller := network.From(s).LeaveMessage(5*time.Second, s).With("CallerName", s).With("StirVerstat", s).With("ForwardedFrom", s)
	call := h.net.Dial(caller, mask)
	h.play()
	check(h.t, call.Err())
	var shapes []string
	for _, e := range call.Story() {
		if e.Kind == network.Webhook {
			shapes = append(shapes, shapeOf(e.Body))
		}
	}
	var got struct {
		Voicemails struct {
			Edges []struct {
				Node struct {
					ID, Transcript string
					Number         struct{ Label string }
				}
			}
		}
	}
	h.ask(tn.token, `{ voicemails(first: 1) { edges { node { id transcript number { label } call { timeline { detail } } } } } }`, nil, &got)
	v := got.Voicemails.Edges[0].Node
	w.transcript, w.label = v.Transcript, v.Number.Label
	resp, page := h.get(h.url+"/v/"+v.ID, tn.token)
	if resp.StatusCode != 200 {
		h.t.Errorf("%q: the page answers %d", s, resp.StatusCode)
	}
	w.page = string(page)
	letter := newMail(before, h.mails())
	m, err := mail.ReadMessage(strings.NewReader(letter))
	check(h.t, err)
	w.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	check(h.t, err)
	if m.Header.Get("Bcc") != "" || len(m.Header["To"]) != 1 {
		h.t.Errorf("%q: the mail goes to %v", s, m.Header)
	}
	body, err := io.ReadAll(m.Body)
	check(h.t, err)
	w.shape = strings.Join(shapes, "\n") + "\n" + shapeOf(w.page) + "\n" + strings.Join(headerNames(m.Header), " ") + "\n" + partsOf(string(body))
	return w
}

func newMail(before, after []string) string {
	for _, m := range after {
		if !slices.Contains(before, m) {
			return m
		}
	}
	return ""
}

// shapeOf is a document without its texts.
func shapeOf(doc string) string {
	return strings.Join(tags.FindAllString(values.ReplaceAllString(doc, `=""`), -1), "")
}

func headerNames(h mail.Header) (names []string) {
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var partHeads = regexp.MustCompile(`(?m)^Content-Type: [^;\r\n]*`)

func partsOf(body string) string { return strings.Join(partHeads.FindAllString(body, -1), " ") }
