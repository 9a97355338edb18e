package transcribe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	defaultModel = "whisper-1"
	askFor       = 2 * time.Minute
	maxAnswer    = 1 << 20 // the longest text that is kept, with every character of it escaped
	maxReason    = 200
)

// OpenAI asks a service that speaks OpenAI's protocol. It is safe for concurrent use.
type OpenAI struct {
	base, key, model string
	client           http.Client
	within           time.Duration
}

// NewOpenAI is an engine that asks the service at base, below which is /v1/audio/transcriptions. Without a key none is sent; without a
// model it is whisper-1. It contacts nobody, and never will follow a redirect: the key is for base alone.
func NewOpenAI(base, key, model string) (*OpenAI, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("TRANSCRIBER_URL: it must be an http:// or https:// address without a password or parameters") // not quoted: one may be in it
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("TRANSCRIBER_KEY: there are characters in it that no key has")
	}
	o := &OpenAI{base: strings.TrimSuffix(strings.TrimRight(base, "/"), "/v1"), key: key, model: cmp.Or(model, defaultModel), within: askFor}
	o.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return o, nil
}

// Transcribe sends a WAV as 16-bit PCM with one channel and 16,000 samples a second, anything else as it is. The language is one such as
// en-US, or empty.
func (o *OpenAI) Transcribe(ctx context.Context, audio io.Reader, language string) (string, error) {
	loaded, notWAV, err := load(audio)
	if err != nil {
		return "", err
	}
	body, contentType, err := o.form(loaded, errors.Is(notWAV, errNotWAV), language)
	if err != nil {
		return "", final("The recording could not be sent.", err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.within)
	defer cancel()
	resp, err := o.do(ctx, http.MethodPost, "/v1/audio/transcriptions", contentType, body)
	if err != nil {
		return "", cmp.Or(overtime(ctx, err), error(passing("The transcription service could not be reached.", err)))
	}
	defer func() { _ = resp.Body.Close() }() // it was only read from
	if resp.StatusCode != http.StatusOK {
		return "", o.refusal(resp)
	}
	text, err := textIn(resp.Body)
	if err != nil {
		return "", cmp.Or(overtime(ctx, err), error(passing("The transcription service's answer was not understood.", err)))
	}
	return strings.TrimSpace(text), nil
}

// Check asks the service whether it is there and takes the key, and costs nothing.
func (o *OpenAI) Check(ctx context.Context) error {
	resp, err := o.do(ctx, http.MethodGet, "/v1/models", "", nil)
	if err != nil {
		return fmt.Errorf("TRANSCRIBER_URL: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fmt.Errorf("TRANSCRIBER_KEY: the service answered %d", status)
	case status >= 500:
		return fmt.Errorf("TRANSCRIBER_URL: the service answered %d", status)
	}
	return nil // that it does not list its models means nothing
}

func (o *OpenAI) do(ctx context.Context, method, path, contentType string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, o.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if o.key != "" {
		req.Header.Set("Authorization", "Bearer "+o.key)
	}
	resp, err := o.client.Do(req)
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return nil, e.Err // without the address
	}
	return resp, err
}

// form is what a service gets. It tells the kind of the recording by the end of its name.
func (o *OpenAI) form(audio []byte, mp3 bool, language string) (body []byte, contentType string, err error) {
	name, kind := "voicemail.wav", "audio/wav"
	if mp3 {
		name, kind = "voicemail.mp3", "audio/mpeg"
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	code, _, _ := strings.Cut(language, "-") // ISO 639-1
	for _, f := range [][2]string{{"model", o.model}, {"response_format", "json"}, {"language", code}} {
		if f[1] != "" {
			err = errors.Join(err, w.WriteField(f[0], f[1]))
		}
	}
	part, e := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {multipart.FileContentDisposition("file", name)}, "Content-Type": {kind}})
	if err = errors.Join(err, e); err == nil {
		_, err = part.Write(audio)
	}
	err = errors.Join(err, w.Close())
	return b.Bytes(), w.FormDataContentType(), err
}

func textIn(body io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxAnswer {
		return "", fmt.Errorf("more than %d bytes", maxAnswer)
	}
	var said struct{ Text *string }
	if err := json.Unmarshal(b, &said); err != nil {
		return "", err
	}
	if said.Text == nil {
		return "", errors.New("no text in it")
	}
	return *said.Text, nil
}

// refusal is what an answer other than 200 means. Only what the service itself calls passing is tried again.
func (o *OpenAI) refusal(resp *http.Response) *Error {
	status := resp.StatusCode
	answered := fmt.Errorf("it answered %d", status)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return final("The transcription service does not accept our key.", answered) // some repeat a part of the key in their reason
	case status == http.StatusRequestEntityTooLarge:
		return final("The recording is too large for the transcription service.", answered)
	case status == http.StatusTooManyRequests:
		return passing("The transcription service is too busy.", answered)
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooEarly || status < 300:
		return passing(fmt.Sprintf("The transcription service is out of order: it answered %d.", status), nil)
	}
	reason := o.reasonIn(resp.Body)
	if reason == "" {
		return final(fmt.Sprintf("The transcription service refused the recording: it answered %d.", status), nil)
	}
	return final("The transcription service refused the recording: "+strings.TrimRight(reason, ". ")+".", answered)
}

// reasonIn finds the reason in the forms that such services give it: {"error":{"message":…}}, {"error":…}, {"detail":…}, {"message":…}.
func (o *OpenAI) reasonIn(body io.Reader) string {
	var said struct{ Error, Detail, Message json.RawMessage }
	if json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(&said) != nil {
		return "" // a proxy's page
	}
	var nested struct{ Message json.RawMessage }
	if json.Unmarshal(said.Error, &nested) == nil {
		said.Error = nested.Message
	}
	for _, raw := range []json.RawMessage{said.Error, said.Detail, said.Message} {
		var reason string
		if json.Unmarshal(raw, &reason) == nil && reason != "" {
			return o.oneLine(reason)
		}
	}
	return ""
}

// oneLine is a text from outside as a short line, without our key and without what is not seen.
func (o *OpenAI) oneLine(text string) string {
	if o.key != "" {
		text = strings.ReplaceAll(text, o.key, "***")
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if line := []rune(text); len(line) > maxReason {
		return string(line[:maxReason-1]) + "…"
	}
	return text
}
