package recordings_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/maskline/maskline/internal/recordings"
)

// serve plays the store's recording over HTTP, as a page would ask for it.
func serve(t *testing.T, store *recordings.Store) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		audio, err := store.Open(r.Context(), key)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		defer audio.Close()
		w.Header().Set("Content-Type", audio.ContentType)
		w.Header().Set("ETag", audio.ETag)
		http.ServeContent(w, r, "", audio.ModTime, audio)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func request(t *testing.T, method, address string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func TestRanges(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		audio := wav(noise(100_000))
		put(t, store, audio)
		address := serve(t, store)
		for _, c := range []struct {
			ranges string
			status int
			want   []byte
		}{
			{"", 200, audio},
			{"bytes=0-", 206, audio},
			{"bytes=0-0", 206, audio[:1]},
			{"bytes=44-1043", 206, audio[44:1044]},
			{"bytes=99999-", 206, audio[99999:]},
			{"bytes=-10", 206, audio[len(audio)-10:]},
			{"bytes=100-999999", 206, audio[100:]},
			{"bytes=999999-", 416, nil},
		} {
			resp, body := request(t, http.MethodGet, address, "Range", c.ranges)
			if resp.StatusCode != c.status || c.want != nil && !bytes.Equal(body, c.want) {
				t.Errorf("%q: got status %d and %d bytes, want %d and %d", c.ranges, resp.StatusCode, len(body), c.status, len(c.want))
			}
		}
		head, _ := request(t, http.MethodHead, address)
		if head.ContentLength != int64(len(audio)) || head.Header.Get("Content-Type") != "audio/wav" {
			t.Errorf("HEAD: got %d bytes of %s", head.ContentLength, head.Header.Get("Content-Type"))
		}
		if resp, _ := request(t, http.MethodGet, address, "If-None-Match", head.Header.Get("ETag")); resp.StatusCode != http.StatusNotModified {
			t.Errorf("unchanged: got status %d", resp.StatusCode)
		}
	})
}

func TestSeek(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		want := wav(noise(1000))
		put(t, store, want)
		audio, err := store.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		defer audio.Close()
		for _, c := range []struct {
			offset int64
			whence int
			at     int64
		}{
			{0, io.SeekEnd, 1044}, {0, io.SeekStart, 0}, {100, io.SeekStart, 100}, {10, io.SeekCurrent, 130}, {-44, io.SeekEnd, 1000},
			{-500, io.SeekCurrent, 520}, {5000, io.SeekStart, 5000}, {0, io.SeekCurrent, 5000}, {-20, io.SeekEnd, 1024},
		} {
			at, err := audio.Seek(c.offset, c.whence)
			if err != nil || at != c.at {
				t.Fatalf("sought %d from %d: at %d, %v; want %d", c.offset, c.whence, at, err, c.at)
			}
			from := min(at, 1044)
			b := make([]byte, 20)
			n, err := io.ReadFull(audio, b)
			if !bytes.Equal(b[:n], want[from:min(from+20, 1044)]) || n == 20 && err != nil || n == 0 && err != io.EOF {
				t.Errorf("at %d: read %d bytes, %v", at, n, err)
			}
		}
		if _, err := audio.Seek(-1, io.SeekStart); err == nil {
			t.Error("sought before the start")
		}
	})
}

func TestRecordingDeletedWhileItIsOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		put(t, store, wav(noise(100)))
		audio, err := store.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(audio); !errors.Is(err, recordings.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}
