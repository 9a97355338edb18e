package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"strings"
)

// letter is a mail as its reader sees it.
type letter struct {
	from, to, subject, text string
	audio                   []byte
}

func readLetter(file string) (l letter, err error) {
	f, err := os.Open(file) // #nosec G304 -- the path is the operator's or made of our own ids
	if err != nil {
		return l, fmt.Errorf("read the mail: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	m, err := mail.ReadMessage(f)
	if err != nil {
		return l, fmt.Errorf("read the mail: %w", err)
	}
	for name, into := range map[string]*string{"From": &l.from, "To": &l.to, "Subject": &l.subject} {
		if *into, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get(name)); err != nil {
			return l, fmt.Errorf("read the mail's %s: %w", name, err)
		}
	}
	return l, l.read(m.Header.Get("Content-Type"), m.Body)
}

// read looks through the parts, and those within them, for text and audio.
func (l *letter) read(contentType string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return err
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the mail's parts: %w", err)
		}
		if err := l.readPart(part); err != nil {
			return err
		}
	}
}

func (l *letter) readPart(part *multipart.Part) error {
	contentType := part.Header.Get("Content-Type")
	switch {
	case strings.HasPrefix(contentType, "text/plain"):
		text, err := io.ReadAll(part)
		l.text = string(text)
		return err
	case strings.HasPrefix(contentType, "audio/"):
		audio, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		l.audio = audio
		return err
	}
	return l.read(contentType, part)
}

const shownOfMail = 10 // lines

// beginning is the first lines of a text that say something, as they fit into the page.
func beginning(text string) (lines []string) {
	for line := range strings.Lines(text) {
		words := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(words)]
		for _, part := range wrapped(strings.Fields(words), textWidth-len(indent)) {
			if part != "" {
				lines = append(lines, indent+cutTo(textWidth-len(indent), part))
			}
		}
	}
	return lines[:min(len(lines), shownOfMail)]
}

func cutTo(width int, text string) string {
	if r := []rune(text); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return text
}
