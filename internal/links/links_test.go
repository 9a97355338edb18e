package links_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/links"
)

func TestLink(t *testing.T) {
	t.Parallel()
	s := links.New("https://m.example.com/prefix")
	s.SetKey([]byte("k"))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	link := s.To(links.Audio, "vm_1", now.Add(time.Hour))
	if !strings.HasPrefix(link, "https://m.example.com/prefix/recordings/vm_1?expires=") {
		t.Fatalf("link %q", link)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	longer, short := clone(q), clone(q)
	longer.Set("expires", "9999999999")
	short.Set("signature", q.Get("signature")[:20])
	for _, tt := range []struct {
		name    string
		purpose links.Purpose
		id      string
		query   url.Values
		now     time.Time
		want    bool
	}{
		{"as it was made", links.Audio, "vm_1", q, now, true},
		{"one second before its end", links.Audio, "vm_1", q, now.Add(time.Hour - time.Second), true},
		{"at its end", links.Audio, "vm_1", q, now.Add(time.Hour), false},
		{"another voicemail", links.Audio, "vm_2", q, now, false},
		{"another purpose", links.Page, "vm_1", q, now, false},
		{"a later end", links.Audio, "vm_1", longer, now, false},
		{"a shortened signature", links.Audio, "vm_1", short, now, false},
		{"nothing", links.Audio, "vm_1", url.Values{}, now, false},
	} {
		if got := s.Valid(tt.purpose, tt.id, tt.query, tt.now); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if links.New("").Valid(links.Audio, "vm_1", q, now) {
		t.Error("a signer without a key believes a link")
	}
}

func clone(v url.Values) url.Values {
	c := url.Values{}
	for k := range v {
		c[k] = append([]string(nil), v[k]...)
	}
	return c
}
