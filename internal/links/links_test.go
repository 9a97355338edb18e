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
		want    links.State
	}{
		{"as it was made", links.Audio, "vm_1", q, now, links.Valid},
		{"one second before its end", links.Audio, "vm_1", q, now.Add(time.Hour - time.Second), links.Valid},
		{"at its end", links.Audio, "vm_1", q, now.Add(time.Hour), links.Expired},
		{"another voicemail", links.Audio, "vm_2", q, now, links.Wrong},
		{"another purpose", links.Page, "vm_1", q, now, links.Wrong},
		{"a later end", links.Audio, "vm_1", longer, now, links.Wrong},
		{"a shortened signature", links.Audio, "vm_1", short, now, links.Wrong},
		{"another voicemail, later", links.Audio, "vm_2", q, now.Add(48 * time.Hour), links.Wrong},
		{"no signature", links.Audio, "vm_1", url.Values{"expires": q["expires"]}, now, links.Wrong},
		{"no end", links.Audio, "vm_1", url.Values{"signature": q["signature"]}, now, links.Wrong},
		{"another parameter", links.Audio, "vm_1", url.Values{"utm": {"1"}}, now, links.Unsigned},
		{"nothing", links.Audio, "vm_1", url.Values{}, now, links.Unsigned},
	} {
		if got := s.Check(tt.purpose, tt.id, tt.query, tt.now); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := links.New("").Check(links.Audio, "vm_1", q, now); got != links.Unchecked {
		t.Errorf("a signer without a key: got %v, want %v", got, links.Unchecked)
	}
}

func clone(v url.Values) url.Values {
	c := url.Values{}
	for k := range v {
		c[k] = append([]string(nil), v[k]...)
	}
	return c
}
