package recordings_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/maskline/maskline/internal/recordings"
)

const key = "rec_01h2x"

func TestMain(m *testing.M) {
	// The S3 client takes its credentials from the environment, and would otherwise look for them on the network.
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func openStore(t *testing.T, address string) *recordings.Store {
	t.Helper()
	store, err := recordings.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func openFolder(t *testing.T) *recordings.Store {
	t.Helper()
	return openStore(t, recordings.FolderURL(filepath.Join(t.TempDir(), "a", "recordings")))
}

func openS3(t *testing.T) *recordings.Store {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("audio"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return openStore(t, "s3://audio?region=eu-central-1&endpoint="+url.QueryEscape(server.URL))
}

// onBoth runs a test on each kind of store.
func onBoth(t *testing.T, test func(t *testing.T, store *recordings.Store)) {
	t.Parallel()
	t.Run("file", func(t *testing.T) { t.Parallel(); test(t, openFolder(t)) })
	t.Run("s3", func(t *testing.T) { t.Parallel(); test(t, openS3(t)) })
}

func noise(n int) []byte {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(b)
	return b
}

func put(t *testing.T, store *recordings.Store, audio []byte) recordings.Stored {
	t.Helper()
	stored, err := store.Put(t.Context(), key, bytes.NewReader(audio), int64(len(audio)))
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// get reads what the store has, nil when it has nothing.
func get(t *testing.T, store *recordings.Store) []byte {
	t.Helper()
	audio, err := store.Open(t.Context(), key)
	if errors.Is(err, recordings.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(audio)
	if err := errors.Join(err, audio.Close()); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsPutCanBeRead(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		for _, c := range []struct {
			name, contentType string
			audio             []byte
			length            int64
			duration          time.Duration
		}{
			{"wav", "audio/wav", wav(noise(16000)), 16044, time.Second},
			{"wav of unknown length", "audio/wav", wav(noise(8001)), -1, 500062500},
			{"wav of two parts", "audio/wav", wav(noise(20 << 20)), -1, 1310720 * time.Millisecond},
			{"mp3", "audio/mpeg", append([]byte{0xFF, 0xFB, 0x90, 0x00}, make([]byte, 500)...), 504, 1152 * time.Second / 44100},
			{"mp3 with a tag", "audio/mpeg", append([]byte("ID3\x04\x00\x00\x00\x00\x00\x02ab\xff\xfb\x90\x00"), make([]byte, 5000)...), -1, 1152 * time.Second / 44100},
			{"mp3 with a picture", "audio/mpeg", append([]byte("ID3\x03\x00\x00\x00\x01\x00\x00"), make([]byte, 20_000)...), -1, 0},
			{"mp3 of an hour", "audio/mpeg", bytes.Repeat(append([]byte{0xFF, 0xE3, 0x18, 0xC4}, make([]byte, 68)...), 50_000), -1, 3600 * time.Second},
		} {
			stored, err := store.Put(t.Context(), key, iotest.OneByteReader(bytes.NewReader(c.audio[:100])), -1)
			if err == nil && c.contentType == "audio/wav" {
				t.Errorf("%s: its first 100 bytes are stored as %+v", c.name, stored)
			}
			stored, err = store.Put(t.Context(), key, iotest.HalfReader(bytes.NewReader(c.audio)), c.length)
			sum := sha256.Sum256(c.audio)
			want := recordings.Stored{Size: int64(len(c.audio)), SHA256: hex.EncodeToString(sum[:]), ContentType: c.contentType, Duration: c.duration}
			if err != nil || stored != want {
				t.Errorf("%s: got %+v, %v; want %+v", c.name, stored, err, want)
			}
			if !bytes.Equal(get(t, store), c.audio) {
				t.Errorf("%s: reads differently from how it was put", c.name)
			}
		}
	})
}

func TestOpenTellsWhatItHas(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		put(t, store, wav(noise(1000)))
		audio, err := store.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if audio.Size != 1044 || audio.ContentType != "audio/wav" || audio.ETag == "" || time.Since(audio.ModTime) > time.Hour {
			t.Errorf("got %+v", audio)
		}
		if err := audio.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestOtherThanAudioIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		for name, body := range map[string]string{
			"nothing":                  "",
			"a page":                   "<!DOCTYPE html><html><script>alert(1)</script></html>",
			"a drawing":                `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
			"a program":                "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100),
			"a script":                 "#!/bin/sh\n",
			"JSON":                     `{"code":20404}`,
			"UTF-16 text":              "\xff\xfe<\x00s\x00v\x00g\x00",
			"UTF-8 text with its mark": "\xef\xbb\xbf<svg>",
			"a film":                   "RIFF\x24\x00\x00\x00AVI LIST" + strings.Repeat("\x00", 100),
			"a page in WAV's clothes":  "RIFF\x40\x00\x00\x00WAVE<html><script>alert(1)</script></html>" + strings.Repeat(" ", 30),
			"a WAV cut in its format":  string(wav(noise(100))[:30]),
			"four bytes of WAV":        "RIFF",
			"an MP3 of Layer I":        "\xff\xff\x90\x00",
			"an MP3 of no rate":        "\xff\xfb\xf0\x00",
			"a tag cut short":          "ID3",
			"a tag before a page":      "ID3\x04\x00\x00\x00\x00\x00\x00<html><script>alert(1)</script>",
			"a tag that is text":       "ID3 is not a tag <html>\xff\xff",
		} {
			if _, err := store.Put(t.Context(), key, strings.NewReader(body), int64(len(body))); !errors.Is(err, recordings.ErrNotAudio) {
				t.Errorf("%s: got %v", name, err)
			}
			if got := get(t, store); got != nil {
				t.Errorf("%s: %d bytes are there", name, len(got))
			}
		}
	})
}

func TestWrongLengthsLeaveNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		small, large := wav(noise(1000)), wav(noise(20<<20))
		for _, c := range []struct {
			name   string
			body   []byte
			length int64
		}{
			{"shorter than announced", small, 1045},
			{"longer than announced", small, 1043},
			{"announced as nothing", small, 0},
			{"shorter than the WAV says", small[:1000], 1000},
			{"shorter than the WAV says, unannounced", small[:1000], -1},
			{"longer than the WAV says", append(small[:len(small):len(small)], "<script>"...), -1},
			{"two parts, the last cut short", large[:len(large)-1], int64(len(large))},
		} {
			if _, err := store.Put(t.Context(), key, bytes.NewReader(c.body), c.length); !errors.Is(err, recordings.ErrLength) {
				t.Errorf("%s: got %v", c.name, err)
			}
			if got := get(t, store); got != nil {
				t.Errorf("%s: %d bytes are there", c.name, len(got))
			}
		}
	})
}

func TestBrokenSourceLeavesWhatWasThere(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		before := wav(noise(500))
		put(t, store, before)
		broken := errors.New("connection reset")
		for _, n := range []int{0, 10, 4096, 100_000, 18 << 20} {
			src := io.MultiReader(bytes.NewReader(wav(noise(20 << 20))[:n]), iotest.ErrReader(broken))
			if _, err := store.Put(t.Context(), key, src, -1); !errors.Is(err, broken) {
				t.Errorf("broken after %d bytes: got %v", n, err)
			}
			if !bytes.Equal(get(t, store), before) {
				t.Errorf("broken after %d bytes: what was there before has changed", n)
			}
		}
	})
}

func TestCancelledPutLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		audio := wav(noise(10_000))
		src := io.MultiReader(bytes.NewReader(audio[:9000]), readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF }), bytes.NewReader(audio[9000:]))
		if _, err := store.Put(ctx, key, src, int64(len(audio))); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got := get(t, store); got != nil {
			t.Errorf("%d bytes are there", len(got))
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestEndlessAudioIsRefused(t *testing.T) {
	t.Parallel()
	store := openFolder(t)
	endless := io.MultiReader(strings.NewReader("\xff\xfb\x90\x00"), readerFunc(func(p []byte) (int, error) { return len(p), nil }))
	if _, err := store.Put(t.Context(), key, endless, -1); !errors.Is(err, recordings.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if got := get(t, store); got != nil {
		t.Errorf("%d bytes are there", len(got))
	}
}

func TestKeysAreNeverPaths(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		for _, key := range []string{"", "rec", "rec_", "_1", "../rec_1", "rec_1/../../x", "rec_../x", "/rec_1", `rec_1\x`, "rec_1.attrs", "rec_1\x00",
			"rec_1\n", "REC_1", "rec_É", "rec 1", "con", "rec_1?x=1", "rec_" + strings.Repeat("1", 300)} {
			_, err := store.Put(t.Context(), key, bytes.NewReader(wav(nil)), -1)
			_, openErr := store.Open(t.Context(), key)
			for _, err := range []error{err, openErr, store.Delete(t.Context(), key)} {
				if !errors.Is(err, recordings.ErrKey) {
					t.Errorf("%q: got %v", key, err)
				}
			}
		}
	})
}

func TestDelete(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		put(t, store, wav(noise(10)))
		for range 2 {
			if err := store.Delete(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
		if _, err := store.Open(t.Context(), key); !errors.Is(err, recordings.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestManyPutTheSameAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		audio := wav(noise(100_000))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := store.Put(t.Context(), key, bytes.NewReader(audio), int64(len(audio))); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if !bytes.Equal(get(t, store), audio) {
			t.Error("reads differently from how it was put")
		}
	})
}

func TestCheck(t *testing.T) {
	onBoth(t, func(t *testing.T, store *recordings.Store) {
		if err := store.Check(t.Context()); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := store.Check(ctx); err == nil {
			t.Error("no error though cancelled")
		}
	})
}

func TestAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	occupied := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"", "/data", "data", "mem://", "gs://bucket", "http://a.example", "file:///a?metadata=skip", "file://host/a", "file://",
		"file:///%zz", recordings.FolderURL(occupied), "s3://", "s3://audio", "s3://key:secret@audio?region=x", "s3://audio/prefix?region=x",
		"s3://audio?region=x&unknown=1", "s3://audio?region=x&use_path_style=perhaps"} {
		_, err := recordings.Open(t.Context(), address)
		if err == nil || !strings.HasPrefix(err.Error(), "RECORDINGS_URL: ") || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

func TestS3ThatIsAway(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(server.Close)
	store := openStore(t, fmt.Sprintf("s3://missing?region=x&endpoint=%s", url.QueryEscape(server.URL)))
	if err := store.Check(t.Context()); err == nil {
		t.Error("a bucket that does not exist passes the check")
	}
	if _, err := store.Put(t.Context(), key, bytes.NewReader(wav(nil)), -1); err == nil {
		t.Error("put into a bucket that does not exist")
	}
}
