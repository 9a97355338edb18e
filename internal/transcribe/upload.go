package transcribe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"sync"
)

// request is the form that carries the recording. It is read as it is sent, and so can be sent once only.
func (o *openAI) request(ctx context.Context, audio Audio, up *upload) (*http.Request, error) {
	before, after, kind, err := o.form(audio)
	if err != nil {
		return nil, err
	}
	size, err := up.size()
	if err != nil {
		return nil, err
	}
	body := io.MultiReader(bytes.NewReader(before), up, bytes.NewReader(after))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.address, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if size >= 0 {
		req.ContentLength = int64(len(before)) + size + int64(len(after))
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity")
	if o.key != "" {
		req.Header.Set("Authorization", "Bearer "+o.key)
	}
	return req, nil
}

// form is what stands before and after the recording, which is the last part.
func (o *openAI) form(audio Audio) (before, after []byte, kind string, err error) {
	name, err := fileName(audio.ContentType)
	if err != nil {
		return nil, nil, "", err
	}
	fields := [][2]string{{"model", o.model}, {"response_format", "json"}}
	if code := languageCode(audio.Language); code != "" {
		fields = append(fields, [2]string{"language", code})
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			return nil, nil, "", fmt.Errorf("write form: %w", err)
		}
	}
	_, err = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", name)}, "Content-Type": {audio.ContentType},
	})
	split := form.Len()
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, nil, "", fmt.Errorf("write form: %w", err)
	}
	return form.Bytes()[:split], form.Bytes()[split:], w.FormDataContentType(), nil
}

// fileName tells the service the kind, which it takes from the name's end, and nothing else.
func fileName(contentType string) (string, error) {
	switch contentType {
	case typeWAV:
		return "voicemail.wav", nil
	case typeMP3:
		return "voicemail.mp3", nil
	}
	return "", &Error{Message: "The recording is neither WAV nor MP3.", Err: fmt.Errorf("it is %q", contentType)}
}

// languageCode is the ISO 639-1 code of a tag such as en-US, or nothing for a language that has none: the service then listens for itself.
func languageCode(tag string) string {
	code, _, _ := strings.Cut(tag, "-")
	if len(code) != 2 {
		return ""
	}
	return strings.ToLower(code)
}

// upload lets the recording be closed while the client still reads it, as it may do for a while when the answer came early.
type upload struct {
	mu     sync.Mutex
	file   io.ReadCloser
	closed bool
}

// size is -1 when the recording cannot tell.
func (u *upload) size() (int64, error) {
	file, ok := u.file.(io.Seeker)
	if !ok {
		return -1, nil
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, readError{err}
	}
	return size, nil
}

func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return 0, os.ErrClosed
	}
	return source{u.file}.Read(p)
}

func (u *upload) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	if err := u.file.Close(); err != nil {
		return readError{err}
	}
	return nil
}
