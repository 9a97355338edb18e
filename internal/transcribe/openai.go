package transcribe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultModel   = "whisper-1"
	requestsAtOnce = 4
)

// OpenAIConfig says where the service is and who we are to it.
type OpenAIConfig struct {
	URL   string       // such as https://api.openai.com; /v1/audio/transcriptions is added, or what is missing of it
	Key   string       // empty: none is sent
	Model string       // empty: whisper-1
	HTTP  *http.Client // nil: one with sensible limits
}

type openAI struct {
	address, key, model string
	http                *http.Client
	turns               turns
	patience            time.Duration
}

// OpenAI is an engine that asks a service which speaks OpenAI's protocol for transcriptions. It checks the configuration and
// contacts nobody. The key is sent to the configured address alone: redirects are not followed.
func OpenAI(cfg OpenAIConfig) (Engine, error) {
	address, err := endpoint(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("TRANSCRIBER_URL: %w", err)
	}
	if strings.ContainsFunc(cfg.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("TRANSCRIBER_KEY: there are characters in it that no key has")
	}
	client := http.Client{Transport: transport()}
	if cfg.HTTP != nil {
		client = *cfg.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &openAI{
		address: address, key: cfg.Key, model: cmp.Or(cfg.Model, defaultModel), http: &client,
		turns: make(turns, requestsAtOnce), patience: basePatience,
	}, nil
}

// endpoint never quotes the address in an error, since a password may be in it.
func endpoint(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", errors.New("it is not an http or https address")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("it has more than a host and a path")
	}
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/audio/transcriptions")
	u.Path, u.RawPath = strings.TrimSuffix(path, "/v1")+"/v1/audio/transcriptions", ""
	return u.String(), nil
}

func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	return t
}

// Transcribe sends the recording as it is stored. What is wrong with us, such as the key, counts as passing, since the operator mends it.
func (o *openAI) Transcribe(ctx context.Context, audio Audio) (string, error) {
	done, err := o.turns.take(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	ctx, cancel := context.WithTimeoutCause(ctx, audio.patience(o.patience), errPatience)
	defer cancel()
	text, err := o.ask(ctx, audio)
	if err != nil {
		return "", explainService(ctx, err)
	}
	return plain(text), nil
}

func explainService(ctx context.Context, err error) error {
	if known := new(*Error); errors.As(err, known) {
		return *known
	}
	if over := ended(ctx, err); over != nil {
		return over
	}
	if errors.As(err, new(readError)) {
		return unreadable(err)
	}
	return &Error{Retry: true, Message: "The transcription service could not be reached.", Err: err}
}

func (o *openAI) ask(ctx context.Context, audio Audio) (text string, err error) {
	file, err := audio.Open(ctx)
	if err != nil {
		return "", readError{err}
	}
	up := &upload{file: file}
	defer func() { err = errors.Join(err, up.Close()) }()
	req, err := o.request(ctx, audio, up)
	if err != nil {
		return "", err
	}
	resp, err := o.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return "", refusal(resp, o.key)
	}
	return readText(resp)
}
