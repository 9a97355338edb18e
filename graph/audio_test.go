package graph_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/phone"
)

// wav is a small recording.
func wav() []byte {
	samples := bytes.Repeat([]byte{0x12, 0x34, 0x56}, 2667)
	return wavOf(samples[:8000])
}

func wavOf(samples []byte) []byte {
	var b bytes.Buffer
	b.WriteString("RIFF")
	for _, v := range []any{
		uint32(36 + len(samples)), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(8000), uint32(8000), uint16(1), uint16(8),
		[]byte("data"), uint32(len(samples)), samples,
	} {
		_ = binary.Write(&b, binary.LittleEndian, v) // a buffer takes everything
	}
	return b.Bytes()
}

// stored leaves a voicemail whose audio is there.
func (w *world) stored(tn tenant) (id string, audio []byte) {
	w.t.Helper()
	id, audio = w.voicemails(tn, 1)[0], wav()
	kept, err := w.store.Put(w.ctx, id, bytes.NewReader(audio), int64(len(audio)))
	check(w.t, err)
	w.write(func(tx *ent.Client) error {
		return tx.Voicemail.UpdateOneID(id).SetAudio(phone.AudioStored).SetAudioType(kept.ContentType).SetAudioSize(kept.Size).SetAudioSha256(kept.SHA256).Exec(w.ctx)
	})
	return id, audio
}

// fetch fetches an address, with a token unless that is empty.
func (w *world) fetch(method, address, token string, header ...string) reply {
	w.t.Helper()
	if token != "" {
		header = append(header, "Authorization", "Bearer "+token)
	}
	return w.send(request(w.t, method, address, nil, header...))
}

func TestTheAudioIsWhatWasRecordedForItsOwnerAndForWhoHasTheLink(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm, audio := w.stored(a)
		link := w.ask(a.token, `query($id: ID!) { node(id: $id) { ... on Voicemail { audioURL } } }`, vars{"id": vm}, "node.audioURL")[0]
		for name, got := range map[string]reply{
			"by token": w.fetch(http.MethodGet, w.url+"/recordings/"+vm, a.token), "by link": w.fetch(http.MethodGet, link, ""),
			"by an administrator's token": w.fetch(http.MethodGet, w.url+"/recordings/"+vm, w.admin),
		} {
			if got.Status != http.StatusOK || got.Body != string(audio) {
				t.Errorf("%s: got %d and %d bytes, want 200 and the %d that were recorded", name, got.Status, len(got.Body), len(audio))
			}
			for field, want := range map[string]string{
				"Content-Type": "audio/wav", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=3600, immutable",
				"Content-Disposition": `inline; filename="voicemail.wav"`, "Accept-Ranges": "bytes", "Content-Length": fmt.Sprint(len(audio)),
			} {
				if got.Header.Get(field) != want {
					t.Errorf("%s: got %s: %q, want %q", name, field, got.Header.Get(field), want)
				}
			}
		}
	})
}

func TestPartsOfTheAudioAreServed(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	vm, audio := w.stored(a)
	address := w.url + "/recordings/" + vm
	etag := w.fetch(http.MethodHead, address, a.token).Header.Get("ETag")
	size := len(audio)
	for _, c := range []struct {
		header []string
		status int
		body   []byte
		part   string
	}{
		{[]string{"Range", "bytes=0-99"}, http.StatusPartialContent, audio[:100], fmt.Sprintf("bytes 0-99/%d", size)},
		{[]string{"Range", "bytes=100-"}, http.StatusPartialContent, audio[100:], fmt.Sprintf("bytes 100-%d/%d", size-1, size)},
		{[]string{"Range", "bytes=-10"}, http.StatusPartialContent, audio[size-10:], fmt.Sprintf("bytes %d-%d/%d", size-10, size-1, size)},
		{[]string{"Range", "bytes=0-99", "If-Range", etag}, http.StatusPartialContent, audio[:100], fmt.Sprintf("bytes 0-99/%d", size)},
		{[]string{"Range", "bytes=0-99", "If-Range", `"another"`}, http.StatusOK, audio, ""},
		{[]string{"Range", fmt.Sprintf("bytes=%d-", size)}, http.StatusRequestedRangeNotSatisfiable, nil, fmt.Sprintf("bytes */%d", size)},
		{[]string{"Range", "Bytes=0-99"}, http.StatusPartialContent, audio[:100], fmt.Sprintf("bytes 0-99/%d", size)},
		{[]string{"Range", "bytes=0-0,2-2,4-4,6-6"}, http.StatusPartialContent, nil, ""},
		{[]string{"Range", "bytes=0-0,2-2,4-4,6-6,8-8"}, http.StatusOK, audio, ""},
		{[]string{"Range", "bytes=0-0,,2-2,,4-4,,6-6"}, http.StatusPartialContent, nil, ""},
		{[]string{"Range", "bytes=" + strings.Repeat("0-0,", 1000)}, http.StatusOK, audio, ""},
		{[]string{"Range", "samples=0-99"}, http.StatusOK, audio, ""},
		{[]string{"Range", "0-99"}, http.StatusOK, audio, ""},
		{[]string{"If-None-Match", etag}, http.StatusNotModified, nil, ""},
		{[]string{"If-None-Match", `"another"`}, http.StatusOK, audio, ""},
	} {
		got := w.fetch(http.MethodGet, address, a.token, c.header...)
		if got.Status != c.status || c.body != nil && got.Body != string(c.body) || got.Header.Get("Content-Range") != c.part {
			t.Errorf("%v: got %d, %d bytes, %q; want %d, %d, %q", c.header, got.Status, len(got.Body), got.Header.Get("Content-Range"), c.status, len(c.body), c.part)
		}
	}
	head := w.fetch(http.MethodHead, address, a.token)
	if head.Status != http.StatusOK || head.Body != "" || head.Header.Get("Content-Length") != fmt.Sprint(size) || len(etag) != 66 {
		t.Errorf("HEAD: got %d %v", head.Status, head.Header)
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodPut} {
		if got := w.fetch(method, address, a.token); got.Status != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: got %d, Allow %q", method, got.Status, got.Header.Get("Allow"))
		}
	}
}

// TestAudioIsComparedOnceAndThenReadAsFarAsItIsAskedFor counts what is read of the stored audio.
func TestAudioIsComparedOnceAndThenReadAsFarAsItIsAskedFor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm, audio := w.stored(a)
		address := w.url + "/recordings/" + vm
		reads := func(what, method string, most int, header ...string) {
			t.Helper()
			before := w.store.BytesRead()
			if got := w.fetch(method, address, a.token, header...); got.Status >= 400 {
				t.Fatalf("%s: got %d", what, got.Status)
			}
			if n := w.store.BytesRead() - before; n > int64(most) {
				t.Errorf("%s: %d bytes were read, want %d at most", what, n, most)
			}
		}
		const head = 4096 // that tell its type
		reads("the first HEAD", http.MethodHead, head+len(audio))
		for range 20 {
			reads("another HEAD", http.MethodHead, 0)
			reads("one byte", http.MethodGet, 1, "Range", "bytes=100-100")
			reads("what the browser has", http.MethodGet, 0, "If-None-Match", w.fetch(http.MethodHead, address, a.token).Header.Get("ETag"))
		}
		reads("all of it", http.MethodGet, len(audio))
		_, err := w.store.Put(w.ctx, vm, bytes.NewReader(audio), int64(len(audio)))
		check(t, err)
		reads("a HEAD after it was written again", http.MethodHead, head+len(audio))
		reads("and another", http.MethodHead, 0)
		damaged := bytes.Clone(audio)
		damaged[len(damaged)-1] ^= 1
		_, err = w.store.Put(w.ctx, vm, bytes.NewReader(damaged), int64(len(damaged)))
		check(t, err)
		if got := w.fetch(http.MethodHead, address, a.token); got.Status != http.StatusServiceUnavailable {
			t.Errorf("damaged: got %d, want 503", got.Status)
		}
	})
}

// TestFourReadAVoicemailAtATime has four that begin to read and do not go on.
func TestFourReadAVoicemailAtATime(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	vm, _ := w.stored(a)
	other, _ := w.stored(a)
	long := wavOf(bytes.Repeat([]byte{0x12, 0x34}, 8<<20))
	kept, err := w.store.Put(w.ctx, vm, bytes.NewReader(long), int64(len(long)))
	check(t, err)
	w.write(func(tx *ent.Client) error {
		return tx.Voicemail.UpdateOneID(vm).SetAudioSize(kept.Size).SetAudioSha256(kept.SHA256).Exec(w.ctx)
	})
	readers := make([]*http.Response, 4)
	for i := range readers {
		readers[i], err = http.DefaultTransport.RoundTrip(request(t, http.MethodGet, w.url+"/recordings/"+vm, nil, "Authorization", "Bearer "+a.token))
		check(t, err)
		if readers[i].StatusCode != http.StatusOK {
			t.Fatalf("reader %d: got %d", i, readers[i].StatusCode)
		}
	}
	fifth := func() reply { return w.fetch(http.MethodGet, w.url+"/recordings/"+vm, a.token, "Range", "bytes=0-0") }
	if got := fifth(); got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "2" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the fifth: got %d %v, want 429", got.Status, got.Header)
	}
	if got := w.fetch(http.MethodGet, w.url+"/recordings/"+other, a.token); got.Status != http.StatusOK {
		t.Errorf("another voicemail: got %d, want 200", got.Status)
	}
	check(t, readers[0].Body.Close())
	for got := fifth(); got.Status != http.StatusPartialContent; got = fifth() {
		if t.Context().Err() != nil || got.Status != http.StatusTooManyRequests {
			t.Fatalf("after one has left: got %d", got.Status)
		}
	}
	for _, r := range readers[1:] {
		check(t, r.Body.Close())
	}
}

func TestTheLinkOfAudioStaysForAQuarterOfAnHourAndWorksForAnHour(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm, _ := w.stored(a)
		ask := func() string {
			t.Helper()
			return w.ask(a.token, `query($id: ID!) { node(id: $id) { ... on Voicemail { audioURL } } }`, vars{"id": vm}, "node.audioURL")[0]
		}
		first := ask() // on the hour
		w.advance(15*time.Minute - time.Second)
		last := ask()
		if last != first {
			t.Errorf("within a quarter of an hour: got %s and %s", first, last)
		}
		w.advance(time.Second)
		if next := ask(); next == first {
			t.Error("the link never changes")
		}
		w.advance(time.Hour - 2*time.Second)
		if got := w.fetch(http.MethodGet, last, ""); got.Status != http.StatusOK {
			t.Errorf("an hour after it was given: got %d, want 200", got.Status)
		}
		w.advance(2 * time.Second)
		if got := w.fetch(http.MethodGet, last, ""); got.Status != http.StatusUnauthorized {
			t.Errorf("an hour and a quarter after it was first given: got %d, want 401", got.Status)
		}
	})
}

// TestAWrongLinkIsNotCalledExpired: the words tell what the signature is worth, and are the same whether there is such a voicemail or not.
func TestAWrongLinkIsNotCalledExpired(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm, _ := w.stored(a)
		for _, id := range []string{vm, "vm_01h2xnone"} {
			for purpose, says := range map[links.Purpose]struct{ expired, wrong, unsigned string }{
				links.Audio: {"This link has expired", "signature of this link is wrong", "Sign in, or ask for a link"},
				links.Page:  {"This link has expired", "signature does not fit", "Sign in to hear"},
			} {
				over := w.links.To(purpose, id, w.now().Add(-time.Second))
				good := w.links.To(purpose, id, w.now().Add(time.Hour))
				plain, _, _ := strings.Cut(good, "?")
				for address, want := range map[string]string{
					over: says.expired, over[:len(over)-1]: says.wrong, strings.Replace(over, "expires=", "expires=9", 1): says.wrong, plain: says.unsigned,
					good[:len(good)-2]: says.wrong, plain + "?expires=99999999999": says.wrong, plain + "?utm=1": says.unsigned,
				} {
					got := w.fetch(http.MethodGet, address, "")
					if got.Status != http.StatusUnauthorized || !strings.Contains(got.Body, want) || want != says.expired && strings.Contains(got.Body, "expired") {
						t.Errorf("%s: got %d %s, want %q", address, got.Status, got.Body, want)
					}
				}
			}
		}
	})
}

// altered are addresses that are almost a link.
func altered(t *testing.T, link, other string) map[string]string {
	t.Helper()
	u, err := url.Parse(link)
	check(t, err)
	o, err := url.Parse(other)
	check(t, err)
	with := func(change func(q url.Values)) string {
		q := u.Query()
		change(q)
		return strings.TrimSuffix(link, u.RawQuery) + q.Encode()
	}
	flipped := []byte(u.Query().Get("signature"))
	flipped[0] ^= 1
	return map[string]string{
		"no signature":         with(func(q url.Values) { q.Del("signature") }),
		"an empty signature":   with(func(q url.Values) { q.Set("signature", "") }),
		"a shortened one":      with(func(q url.Values) { q.Set("signature", q.Get("signature")[:20]) }),
		"an altered one":       with(func(q url.Values) { q.Set("signature", string(flipped)) }),
		"another one before":   with(func(q url.Values) { q["signature"] = []string{"x", q.Get("signature")} }),
		"a later end":          with(func(q url.Values) { q.Set("expires", "99999999999") }),
		"an end that is none":  with(func(q url.Values) { q.Set("expires", "never") }),
		"another's signature":  strings.Replace(link, u.RawQuery, o.RawQuery, 1),
		"another's id":         strings.Replace(other, o.RawQuery, u.RawQuery, 1),
		"no query":             strings.TrimSuffix(link, "?"+u.RawQuery),
		"another purpose":      strings.NewReplacer("/recordings/", "/v/", "/v/", "/recordings/").Replace(link),
		"an id in two escapes": strings.Replace(link, "vm_", "%2576m_", 1),
	}
}

func TestWithoutATokenOrAValidLinkNoAudioIsServed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		mine, audio := w.stored(a)
		theirs, _ := w.stored(b)
		link, other := w.links.To(links.Audio, mine, w.now().Add(time.Hour)), w.links.To(links.Audio, theirs, w.now().Add(time.Hour))
		refused := func(what, address, token string, status int) {
			t.Helper()
			got := w.fetch(http.MethodGet, address, token)
			if got.Status != status || (status == http.StatusUnauthorized) != (got.Header.Get("WWW-Authenticate") == "Bearer") || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: got %d %v, want %d", what, got.Status, got.Header, status)
			}
			if bytes.Contains([]byte(got.Body), audio[:12]) || strings.Contains(got.Body, mine) {
				t.Errorf("%s: got %q", what, got.Body)
			}
		}
		for what, address := range altered(t, link, other) {
			if !strings.Contains(address, "/v/") {
				refused(what, address, "", http.StatusUnauthorized)
			}
		}
		refused("a wrong token", w.url+"/recordings/"+mine, "wrong", http.StatusUnauthorized)
		for _, id := range append(w.others(a), theirs[:len(theirs)-1]) { // as bob
			if id != "" && !strings.Contains(id, "/") && id != theirs {
				refused("no recording of one's own", w.url+"/recordings/"+url.PathEscape(id), b.token, http.StatusNotFound)
			}
		}
		w.advance(time.Hour - time.Second)
		if got := w.fetch(http.MethodGet, link, ""); got.Status != http.StatusOK {
			t.Errorf("a second before its end: got %d, want 200", got.Status)
		}
		w.advance(time.Second)
		refused("an expired link", link, "", http.StatusUnauthorized)
		refused("an expired link with a stranger's token", link, b.token, http.StatusNotFound)
		if got := w.fetch(http.MethodGet, link, a.token); got.Status != http.StatusOK {
			t.Errorf("an expired link with the owner's token: got %d, want 200", got.Status)
		}
	})
}

func TestAudioThatIsNotThereIsNotFoundOrExplained(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm, _ := w.stored(a)
		link := w.links.To(links.Audio, vm, w.now().Add(time.Hour))
		set := func(change func(u *ent.VoicemailUpdateOne)) {
			t.Helper()
			w.write(func(tx *ent.Client) error {
				u := tx.Voicemail.UpdateOneID(vm)
				change(u)
				return u.Exec(w.ctx)
			})
		}
		for _, state := range []phone.AudioState{phone.AudioPending, phone.AudioFailed, phone.AudioDeleted} {
			set(func(u *ent.VoicemailUpdateOne) { u.SetAudio(state) })
			if got := w.fetch(http.MethodGet, link, ""); got.Status != http.StatusNotFound {
				t.Errorf("%s: got %d, want 404", state, got.Status)
			}
			w.wants(a.token, `{ voicemails { edges { node { audioURL } } } }`, nil, `{"voicemails": {"edges": [{"node": {"audioURL": null}}]}}`)
		}
		set(func(u *ent.VoicemailUpdateOne) { u.SetAudio(phone.AudioStored) })
		check(t, w.store.Delete(w.ctx, vm))
		got := w.fetch(http.MethodGet, link, "")
		if got.Status != http.StatusServiceUnavailable || !strings.Contains(w.log.String(), "is not what was stored") {
			t.Errorf("a lost file: got %d, want 503 and a word in the log", got.Status)
		}
		w.wants(a.token, `{ voicemails { edges { node { audio } } } }`, nil, `{"voicemails": {"edges": [{"node": {"audio": "PENDING"}}]}}`) // it is fetched again
		set(func(u *ent.VoicemailUpdateOne) { u.SetDeletedAt(w.now()) })
		for _, address := range []string{link, w.links.To(links.Page, vm, w.now().Add(time.Hour))} {
			if got := w.fetch(http.MethodGet, address, ""); got.Status != http.StatusNotFound {
				t.Errorf("deleted: got %d, want 404", got.Status)
			}
		}
	})
}

func TestTheLinkInAMailShowsOneVoicemailForAWhile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		w.ask(a.token, `mutation($id: ID!) { updateUser(id: $id, input: {timeZone: "Europe/Berlin"}) { id } }`, vars{"id": a.user})
		vm, audio := w.stored(a)
		other, _ := w.stored(a)
		const hostile = `"><script>alert('x')</script><img src=x onerror=alert(1)> {{.}} &amp; <b>bold</b>`
		w.write(func(tx *ent.Client) error { return tx.Voicemail.UpdateOneID(vm).SetTranscript(hostile).Exec(w.ctx) })
		w.ask(a.token, `mutation($id: ID!) { updateNumber(id: $id, input: {label: "<i>Shop</i>"}) { id } }`, vars{"id": a.number})
		link := w.links.To(links.Page, vm, w.now().Add(7*24*time.Hour))
		page := w.fetch(http.MethodGet, link, "")
		if page.Status != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || page.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("got %d %v", page.Status, page.Header)
		}
		for _, tag := range []string{"<script", "<img", "<b>", "<i>"} {
			if strings.Contains(page.Body, tag) {
				t.Errorf("the page has %s in it: what a caller said has become markup", tag)
			}
		}
		for _, want := range []string{"&lt;script&gt;", "+15550200002", a.phone, "2026-01-15 13:00 CET", "7s"} {
			if !strings.Contains(strings.ReplaceAll(page.Body, "&#43;", "+"), want) {
				t.Errorf("the page lacks %q:\n%s", want, page.Body)
			}
		}
		_, rest, _ := strings.Cut(page.Body, `src="`)
		src, _, _ := strings.Cut(rest, `"`)
		if got := w.fetch(http.MethodGet, strings.ReplaceAll(src, "&amp;", "&"), ""); got.Body != string(audio) {
			t.Errorf("what the page plays (%s) is not the audio: got %d", src, got.Status)
		}
		theirs := w.links.To(links.Page, other, w.now().Add(time.Hour))
		for what, address := range altered(t, link, theirs) {
			if strings.Contains(address, "/v/") {
				w.signInPage(what, w.fetch(http.MethodGet, address, ""), vm)
			}
		}
		w.advance(7*24*time.Hour - time.Second)
		if got := w.fetch(http.MethodGet, link, ""); got.Status != http.StatusOK {
			t.Errorf("a second before its end: got %d, want 200", got.Status)
		}
		w.advance(time.Second)
		w.signInPage("an expired link", w.fetch(http.MethodGet, link, ""), vm)
	})
}

// signInPage checks a page that shows nothing and leads to where one signs in.
func (w *world) signInPage(what string, got reply, vm string) {
	w.t.Helper()
	if got.Status != http.StatusUnauthorized || !strings.Contains(got.Body, `href="../"`) || strings.Contains(got.Body, "15550200002") || strings.Contains(got.Body, vm) {
		w.t.Errorf("%s: got %d %s, want a page that asks to sign in", what, got.Status, got.Body)
	}
}

func TestThePageOfAVoicemailSaysHowItsAudioIs(t *testing.T) {
	t.Parallel()
	w := light(t)
	a := w.tenant("ann")
	vm := w.voicemails(a, 1)[0]
	link := w.links.To(links.Page, vm, w.now().Add(time.Hour))
	seen := map[string]bool{}
	for _, state := range []phone.AudioState{phone.AudioPending, phone.AudioFailed, phone.AudioStored} {
		w.write(func(tx *ent.Client) error { return tx.Voicemail.UpdateOneID(vm).SetAudio(state).Exec(w.ctx) })
		got := w.fetch(http.MethodGet, link, "")
		if got.Status != http.StatusOK || strings.Contains(got.Body, "<audio") != (state == phone.AudioStored) || !strings.Contains(got.Body, "15550200002") || seen[got.Body] {
			t.Errorf("%s: got %d %s", state, got.Status, got.Body)
		}
		seen[got.Body] = true
	}
}
